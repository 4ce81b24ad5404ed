// The operations are those of Python's pickletools; what torch.save writes with them is in
// torch/serialization.py and torch/_utils.py.
#include "base/pickle.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/file_limits.h"
#include "base/shown.h"

namespace gauntlet {
namespace {
constexpr const char* kWayOut =
    "; save the weights alone: torch.save(model.state_dict(), 'weights.pth')";

constexpr std::pair<std::string_view, at::ScalarType> kStorages[] = {
    {"FloatStorage", at::kFloat},       {"DoubleStorage", at::kDouble}, {"HalfStorage", at::kHalf},
    {"BFloat16Storage", at::kBFloat16}, {"LongStorage", at::kLong},     {"IntStorage", at::kInt},
    {"ShortStorage", at::kShort},       {"CharStorage", at::kChar},     {"ByteStorage", at::kByte},
    {"BoolStorage", at::kBool}};

enum class Made { kDict, kTensor, kOldTensor, kParameter, kStorageType, kSequence, kOpaque };

// All that a pickle may name. kOpaque: appears beside the weights in training checkpoints
// (accuracies, arguments); it is not built, only left out.
const std::map<std::string, Made, std::less<>>& known_globals() {
  static const auto all = [] {
    std::map<std::string, Made, std::less<>> map = {
        {"collections.OrderedDict", Made::kDict},
        {"collections.defaultdict", Made::kDict},
        {"collections.Counter", Made::kDict},
        {"torch._utils._rebuild_tensor", Made::kOldTensor},
        {"torch._utils._rebuild_tensor_v2", Made::kTensor},
        {"torch._utils._rebuild_parameter", Made::kParameter},
        {"torch.Size", Made::kSequence},
        {"torch.device", Made::kOpaque},
        {"numpy.core.multiarray.scalar", Made::kOpaque},
        {"numpy._core.multiarray.scalar", Made::kOpaque},
        {"numpy.core.multiarray._reconstruct", Made::kOpaque},
        {"numpy._core.multiarray._reconstruct", Made::kOpaque},
        {"numpy.ndarray", Made::kOpaque},
        {"numpy.dtype", Made::kOpaque},
        {"_codecs.encode", Made::kOpaque},
        {"argparse.Namespace", Made::kOpaque},
        {"__builtin__.set", Made::kOpaque},
        {"builtins.set", Made::kOpaque}};
    for (const char* module : {"builtins.", "__builtin__."})  // what a defaultdict makes
      for (const char* type : {"dict", "list", "int", "float"})
        map[std::string(module) + type] = Made::kOpaque;
    for (const char* type : {"float32", "float64", "float16", "bfloat16", "int64", "int32", "int16",
                             "int8", "uint8", "bool"})
      map["torch." + std::string(type)] = Made::kOpaque;
    for (const auto& [name, type] : kStorages)
      map["torch." + std::string(name)] = Made::kStorageType;
    return map;
  }();
  return all;
}
}  // namespace

bool storage_type(std::string_view name, at::ScalarType& type) {
  for (const auto& [known, its] : kStorages)
    if (name == known) return type = its, true;
  return false;
}

Unpickler::Unpickler(std::string file, std::string_view bytes, uint64_t budget)
    : file_(std::move(file)), bytes_(bytes), budget_(budget) {
  values_.emplace_back();  // 0 is None
}

void Unpickler::fail(const std::string& problem) const { throw BadInput(file_ + ": " + problem); }

uint32_t Unpickler::read() {
  stack_.clear(), marks_.clear(), memo_.clear();
  while (true) {
    const uint8_t op = uint8_t(number(1));
    if (op != '.') {
      step(op);
      continue;
    }
    if (!marks_.empty() || stack_.size() != 1) fail("the pickle ends with values left over");
    return stack_[0];
  }
}

uint64_t Unpickler::number(size_t bytes) {
  const std::string_view from = text(bytes);
  uint64_t value = 0;
  for (size_t i = bytes; i-- > 0;) value = value << 8 | uint8_t(from[i]);
  return value;
}

std::string_view Unpickler::text(uint64_t size) {
  if (size > bytes_.size() - at_)
    throw CutShort(file_ + ": the pickle is cut short: " + std::to_string(size) +
                   " bytes wanted at byte " + std::to_string(at_) + ", " +
                   std::to_string(bytes_.size() - at_) + " follow");
  at_ += size;
  return bytes_.substr(at_ - size, size);
}

std::string_view Unpickler::line() {
  const size_t end = bytes_.find('\n', at_);
  if (end == std::string_view::npos)
    throw CutShort(file_ + ": the pickle is cut short: a name does not end");
  const std::string_view found = bytes_.substr(at_, end - at_);
  at_ = end + 1;
  return found;
}

void Unpickler::spend() {
  if (budget_-- == 0) fail("the pickle has more values than a state dict of this size can need");
}

void Unpickler::push_index(uint32_t index) {
  spend();
  stack_.push_back(index);
}

void Unpickler::push(PickleValue value) {
  push_index(uint32_t(values_.size()));
  values_.push_back(std::move(value));
}

uint32_t Unpickler::pop() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back()))
    fail("the pickle takes a value where there is none, at byte " + std::to_string(at_));
  const uint32_t index = stack_.back();
  stack_.pop_back();
  return index;
}

std::vector<uint32_t> Unpickler::pop_to_mark() {
  if (marks_.empty()) fail("the pickle ends a group that was not begun");
  const auto begin = stack_.begin() + std::ptrdiff_t(marks_.back());
  std::vector<uint32_t> items(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return items;
}

PickleValue& Unpickler::top(Kind kind, const char* what) {
  const uint32_t index = pop();
  stack_.push_back(index);
  if (values_[index].kind != kind)
    fail("the pickle adds to something that is no " + std::string(what));
  return values_[index];
}

void Unpickler::put(uint64_t key) {
  spend();
  const uint32_t index = pop();
  stack_.push_back(index);
  memo_[key] = index;
}

void Unpickler::get(uint64_t key) {
  const auto it = memo_.find(key);
  if (it == memo_.end())
    fail("the pickle refers to value " + std::to_string(key) + ", which it has not stored");
  push_index(it->second);
}

void Unpickler::step(uint8_t op) {
  if (step_scalar(op) || step_container(op) || step_memo(op)) return;
  switch (op) {
    case 0x80:  // PROTO
      if (const uint64_t version = number(1); version < 2 || version > 5)
        fail("the pickle has protocol " + std::to_string(version) + ", expected 2 to 5");
      return;
    case 0x95:  // FRAME
      number(8);
      return;
    case 'c': {  // GLOBAL
      const std::string_view module = line(), name = line();
      push_global(std::string(module) + "." + std::string(name), name);
      return;
    }
    case 0x93: {  // STACK_GLOBAL
      const PickleValue &name = values_[pop()], &module = values_[pop()];
      if (name.kind != Kind::kString || module.kind != Kind::kString)
        fail("the pickle names something by values that are no strings");
      push_global(std::string(module.text) + "." + std::string(name.text), name.text);
      return;
    }
    case 'R':   // REDUCE
    case 0x81:  // NEWOBJ
      reduce();
      return;
    case 'b':  // BUILD
      build();
      return;
    case 'Q':  // BINPERSID
      persistent();
      return;
    default: {
      static constexpr char kDigits[] = "0123456789abcdef";
      fail(std::string("the pickle has the operation 0x") + kDigits[op >> 4] + kDigits[op & 15] +
           " at byte " + std::to_string(at_ - 1) + ", which no state dict needs" + kWayOut);
    }
  }
}

bool Unpickler::step_scalar(uint8_t op) {
  const auto integer = [&](int64_t value) { push({Kind::kInt, value}); };
  const auto string = [&](size_t bytes) { push({Kind::kString, 0, text(number(bytes))}); };
  switch (op) {
    case 'N':
      push_index(0);
      return true;
    case 0x88:
    case 0x89:
      push({Kind::kBool, op == 0x88});
      return true;
    case 'J':
      integer(int32_t(number(4)));
      return true;
    case 'K':
      integer(int64_t(number(1)));
      return true;
    case 'M':
      integer(int64_t(number(2)));
      return true;
    case 0x8a:    // LONG1
    case 0x8b: {  // LONG4
      const std::string_view digits = text(number(op == 0x8a ? 1 : 4));
      if (digits.size() > 8) {  // kept as text: only a magic number is so long
        push({Kind::kOpaque, 0, digits});
        return true;
      }
      uint64_t value = !digits.empty() && int8_t(digits.back()) < 0 ? ~uint64_t{0} : 0;
      for (size_t i = digits.size(); i-- > 0;) value = value << 8 | uint8_t(digits[i]);
      integer(int64_t(value));
      return true;
    }
    case 'G':  // BINFLOAT
      text(8);
      push({Kind::kFloat});
      return true;
    case 'X':
    case 'T':
    case 'B':
      string(4);
      return true;
    case 0x8c:
    case 'U':
    case 'C':
      string(1);
      return true;
    case 0x8d:
    case 0x8e:
      string(8);
      return true;
    default:
      return false;
  }
}

bool Unpickler::step_container(uint8_t op) {
  const auto tuple_of = [&](size_t count) {
    std::vector<uint32_t> items(count);
    for (size_t i = count; i-- > 0;) items[i] = pop();
    push({Kind::kTuple, 0, {}, std::move(items)});
  };
  switch (op) {
    case '(':
      spend();
      marks_.push_back(stack_.size());
      return true;
    case ')':
      tuple_of(0);
      return true;
    case 0x85:
    case 0x86:
    case 0x87:
      tuple_of(op - 0x84u);
      return true;
    case 't': {
      std::vector<uint32_t> items = pop_to_mark();
      push({Kind::kTuple, 0, {}, std::move(items)});
      return true;
    }
    case ']':
      push({Kind::kList});
      return true;
    case '}':
      push({Kind::kDict});
      return true;
    case 0x8f:  // EMPTY_SET
      push({Kind::kOpaque});
      return true;
    case 0x90:  // ADDITEMS
      pop_to_mark();
      top(Kind::kOpaque, "set");
      return true;
    case 'a': {
      const uint32_t item = pop();
      top(Kind::kList, "list").items.push_back(item);
      return true;
    }
    case 'e': {
      const std::vector<uint32_t> items = pop_to_mark();
      auto& list = top(Kind::kList, "list").items;
      list.insert(list.end(), items.begin(), items.end());
      return true;
    }
    case 's': {
      const uint32_t value = pop(), key = pop();
      set_items(top(Kind::kDict, "dict"), {key, value});
      return true;
    }
    case 'u': {
      const std::vector<uint32_t> items = pop_to_mark();
      set_items(top(Kind::kDict, "dict"), items);
      return true;
    }
    default:
      return false;
  }
}

bool Unpickler::step_memo(uint8_t op) {
  switch (op) {
    case 'q':
      put(number(1));
      return true;
    case 'r':
      put(number(4));
      return true;
    case 0x94:  // MEMOIZE
      put(memo_.size());
      return true;
    case 'h':
      get(number(1));
      return true;
    case 'j':
      get(number(4));
      return true;
    default:
      return false;
  }
}

void Unpickler::set_items(PickleValue& dict, const std::vector<uint32_t>& items) {
  if (items.size() % 2) fail("the pickle gives a dict a key without a value");
  dict.items.insert(dict.items.end(), items.begin(), items.end());
}

void Unpickler::push_global(const std::string& name, std::string_view text) {
  const auto it = known_globals().find(name);
  if (it == known_globals().end())
    fail("the pickle asks for " + shown(name) +
         ", which no state dict needs; nothing of it was run" + kWayOut);
  push({Kind::kGlobal, int64_t(it->second), text});
}

void Unpickler::reduce() {
  const uint32_t arguments = pop(), function = pop();
  if (values_[arguments].kind != Kind::kTuple || values_[function].kind != Kind::kGlobal)
    fail("the pickle calls something that is no known name");
  const std::vector<uint32_t>& items = values_[arguments].items;
  switch (Made(values_[function].integer)) {
    case Made::kDict:
      return make_dict(items);
    case Made::kTensor:
      return rebuild_tensor(values_[arguments], true);
    case Made::kOldTensor:
      return rebuild_tensor(values_[arguments], false);
    case Made::kParameter:
      if (items.empty() || values_[items[0]].kind != Kind::kTensor)
        fail("a parameter in the pickle is no tensor");
      return push_index(items[0]);
    case Made::kSequence:
      if (items.size() != 1 || values_[items[0]].kind != Kind::kTuple)
        fail("a torch.Size in the pickle is no list of sizes");
      return push_index(items[0]);
    case Made::kStorageType:
      fail("the pickle makes a storage of its own, which no state dict needs");
    case Made::kOpaque:
      for (size_t i = 0; i < items.size(); ++i) spend();  // one tuple may be used often
      push({Kind::kOpaque, 0, {}, items});
      return;
  }
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
  if (kind != Kind::kDict && kind != Kind::kOpaque && kind != Kind::kTensor)
    fail("the pickle sets the state of something that has none");
  if (kind == Kind::kOpaque) values_[target].items.push_back(state);
}

int64_t Unpickler::count_of(uint32_t index, const char* what) const {
  const PickleValue& value = values_[index];
  if (value.kind != Kind::kInt || value.integer < 0)
    fail(std::string(what) + " in the pickle is no count");
  return value.integer;
}

std::vector<int64_t> Unpickler::counts_of(uint32_t index, const char* what) const {
  const PickleValue& value = values_[index];
  if ((value.kind != Kind::kTuple && value.kind != Kind::kList) ||
      value.items.size() > kMostDimensions)
    fail(std::string(what) + " in the pickle is no list of at most " +
         std::to_string(kMostDimensions) + " counts");
  std::vector<int64_t> counts;
  for (const uint32_t item : value.items) counts.push_back(count_of(item, what));
  return counts;
}

// ('storage', type, key, device, number of elements[, view])
void Unpickler::persistent() {
  const uint32_t index = pop();
  const std::vector<uint32_t>& items = values_[index].items;
  const auto is = [&](size_t i, Kind kind) { return values_[items[i]].kind == kind; };
  if (values_[index].kind != Kind::kTuple || items.size() < 5 || items.size() > 6 ||
      !is(0, Kind::kString) || values_[items[0]].text != "storage" || !is(1, Kind::kGlobal) ||
      !is(2, Kind::kString))
    fail("the pickle refers to data of a kind that is not known");
  const std::string_view key = values_[items[2]].text;
  if (key.size() > kLongestTensorName) fail("the name of a storage is too long: " + shown(key));
  PickledStorage storage{std::string(key)};
  if (!storage_type(values_[items[1]].text, storage.type))
    fail("the pickle refers to a storage of type " + shown(values_[items[1]].text));
  storage.numel = count_of(items[4], "the size of a storage");
  const auto [it, fresh] = storage_of_.try_emplace(storage.key, storages_.size());
  if (fresh) storages_.push_back(storage);
  const PickledStorage& known = storages_[it->second];
  if (known.type != storage.type || known.numel != storage.numel)
    fail("storage " + shown(storage.key) + " is described twice, and differently");
  StorageView view{it->second, 0, storage.numel};
  if (items.size() == 6 && !is(5, Kind::kNone)) {  // (key, offset, number of elements)
    const std::vector<uint32_t>& parts = values_[items[5]].items;
    if (!is(5, Kind::kTuple) || parts.size() != 3)
      fail("a view of a storage in the pickle is not described by three values");
    view.offset = count_of(parts[1], "the offset of a view");
    view.numel = count_of(parts[2], "the size of a view");
    if (view.offset > storage.numel || view.numel > storage.numel - view.offset)
      fail("a view leaves storage " + shown(storage.key));
  }
  push({Kind::kStorage, int64_t(views_.size())});
  views_.push_back(view);
}

// (storage, offset, sizes, strides[, requires_grad, backward hooks[, metadata]])
void Unpickler::rebuild_tensor(const PickleValue& arguments, bool has_gradient_flag) {
  const std::vector<uint32_t>& items = arguments.items;
  if (items.size() < (has_gradient_flag ? 6u : 4u) || items.size() > 7 ||
      values_[items[0]].kind != Kind::kStorage)
    fail("a tensor in the pickle is not described by storage, offset, sizes and strides");
  const StorageView view = views_[size_t(values_[items[0]].integer)];
  PickledTensor tensor;
  tensor.storage = view.storage;
  tensor.offset = count_of(items[1], "the offset of a tensor");
  tensor.sizes = counts_of(items[2], "the shape of a tensor");
  tensor.strides = counts_of(items[3], "the strides of a tensor");
  if (tensor.sizes.size() != tensor.strides.size())
    fail("a tensor in the pickle has " + std::to_string(tensor.sizes.size()) + " sizes and " +
         std::to_string(tensor.strides.size()) + " strides");
  const double elements = element_count(tensor.sizes);
  if (std::isinf(elements)) fail("a tensor in the pickle has an absurd size");
  double last = double(tensor.offset);
  for (size_t i = 0; i < tensor.sizes.size(); ++i)
    last += double(std::max<int64_t>(tensor.sizes[i] - 1, 0)) * double(tensor.strides[i]);
  const std::string& key = storages_[view.storage].key;
  if (double(tensor.offset) > double(view.numel) || (elements > 0 && last >= double(view.numel)))
    fail("a tensor leaves storage " + shown(key) + " of " + std::to_string(view.numel) +
         " elements");
  if (elements > double(view.numel))
    fail("a tensor has more elements than its storage " + shown(key) + ", which holds " +
         std::to_string(view.numel));
  tensor.offset += view.offset;
  push({Kind::kTensor, int64_t(tensors_.size())});
  tensors_.push_back(std::move(tensor));
}

}  // namespace gauntlet
