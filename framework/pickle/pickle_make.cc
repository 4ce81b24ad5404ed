// What calls in a pickle make. Nothing is called: each is a case here.
#include "base/shown.h"
#include "pickle/pickle.h"
#include "pickle/pickle_names.h"

namespace gauntlet::pickle {

void Unpickler::push_global(const std::string& name, std::string_view text) {
  if (const std::string why = refused_tensor(name); !why.empty())
    fail("the pickle asks for " + shown(name) + ": it holds " + why);
  const Made made = made_by(name);
  if (made == Made::kNothing)
    fail("the pickle asks for " + shown(name) +
         ", which no state dict needs; nothing of it was run" + kWayOut);
  push({Kind::kGlobal, int64_t(made), text});
}

void Unpickler::reduce() {
  const uint32_t arguments = pop(), function = pop();
  if (values_[arguments].kind != Kind::kTuple || values_[function].kind != Kind::kGlobal)
    fail("the pickle calls something that is no known name");
  make(function, std::vector<uint32_t>(values_[arguments].items));
}

void Unpickler::make(uint32_t function, const std::vector<uint32_t>& items) {
  switch (Made(values_[function].integer)) {
    case Made::kDict:
      return make_dict(items);
    case Made::kTensor:
      return rebuild_tensor(items, Rebuild::kV2);
    case Made::kOldTensor:
      return rebuild_tensor(items, Rebuild::kOld);
    case Made::kTypedStorageTensor:
      return rebuild_tensor(items, Rebuild::kV3);
    case Made::kParameter:
      return take_parameter(items, 3);
    case Made::kParameterWithState:
      return take_parameter(items, 4);
    case Made::kTensorWithState:
      return take_typed(items);
    case Made::kSequence:
      if (items.size() != 1 || values_[items[0]].kind != Kind::kTuple)
        fail("a torch.Size in the pickle is no list of sizes");
      return push_index(items[0]);
    case Made::kBytes:
      return make_bytes(function, items);
    case Made::kOpaque:
      return make_opaque(function, items);
    case Made::kStorageType:
      fail("the pickle makes a storage of its own, which no state dict needs");
    case Made::kTensorClass:
    case Made::kNothing:
      fail("the pickle makes a tensor out of no storage, which no state dict needs");
  }
}

void Unpickler::make_opaque(uint32_t function, const std::vector<uint32_t>& items) {
  for (size_t i = 0; i < items.size(); ++i) spend();  // one tuple may be used often
  push({Kind::kOpaque, 0, values_[function].text, items});
}

// Protocols below 3 have no bytes: they are text of the same code points, to be encoded, or, where
// there are none, a call of bytes().
void Unpickler::make_bytes(uint32_t function, const std::vector<uint32_t>& items) {
  if (items.empty() && values_[function].text != "encode") return push({Kind::kString});
  const bool text = !items.empty() && values_[items[0]].kind == Kind::kString;
  const auto is_latin1 = [&](uint32_t index) {
    const std::string_view name = values_[index].text;
    return values_[index].kind == Kind::kString && (name == "latin1" || name == "latin-1");
  };
  if (text && items.size() == 1 && values_[function].text == "bytearray")
    return push_index(items[0]);
  if (!text || items.size() != 2 || !is_latin1(items[1])) return make_opaque(function, items);
  if (values_[items[0]].integer == kLatin1) return push_index(items[0]);
  const std::string_view from = values_[items[0]].text;
  std::string bytes;
  bytes.reserve(from.size());
  for (size_t at = 0; at < from.size(); ++at) {
    const uint8_t first = uint8_t(from[at]);
    if (first < 0x80) {
      bytes += char(first);
    } else if ((first == 0xc2 || first == 0xc3) && at + 1 < from.size() &&
               (uint8_t(from[at + 1]) & 0xc0) == 0x80) {
      bytes += char((first & 3) << 6 | (uint8_t(from[++at]) & 0x3f));
    } else {
      fail("the pickle has bytes that are none");
    }
  }
  for (size_t spent = 0; spent < from.size(); spent += 256) spend();  // one text may be used often
  push({Kind::kString, 0, keep(std::move(bytes))});
}

// Of nothing, of the pairs that Python 2 lists for an OrderedDict, of a Counter's dict, or of a
// defaultdict's factory. Items cost budget: one list may be used often.
void Unpickler::make_dict(const std::vector<uint32_t>& arguments) {
  constexpr size_t kMostArguments = 2;
  if (arguments.size() > kMostArguments) fail("a dict in the pickle is made of too many things");
  PickleValue dict{Kind::kDict};
  const auto add = [&](uint32_t item) { spend(), dict.items.push_back(item); };
  for (const uint32_t argument : arguments) {
    const PickleValue& value = values_[argument];
    const bool pairs = value.kind == Kind::kList;
    if (!pairs && value.kind != Kind::kDict && value.kind != Kind::kGlobal &&
        value.kind != Kind::kNone)
      fail("a dict in the pickle is made of something that holds no items");
    for (const uint32_t item : value.items) {
      const PickleValue& pair = values_[item];
      if (!pairs) {
        add(item);
      } else if ((pair.kind == Kind::kList || pair.kind == Kind::kTuple) &&
                 pair.items.size() == 2) {
        add(pair.items[0]), add(pair.items[1]);
      } else {
        fail("a dict in the pickle is made of a list that holds no pairs");
      }
    }
  }
  push(std::move(dict));
}

// A dict's attributes (_metadata) are left out.
void Unpickler::build() {
  const uint32_t state = pop(), target = pop();
  stack_.push_back(target);
  const Kind kind = values_[target].kind;
  if (kind == Kind::kTensor)
    fail("the pickle sets the state of a tensor after it was made, which no state dict needs" +
         std::string(kWayOut));
  if (kind != Kind::kDict && kind != Kind::kOpaque)
    fail("the pickle sets the state of something that has none");
  if (kind == Kind::kOpaque) values_[target].items.push_back(state);
}

}  // namespace gauntlet::pickle
