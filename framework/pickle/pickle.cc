// The machine: operations are those of Python's pickletools. What they make is in pickle_make.cc
// and pickle_tensors.cc.
#include "pickle/pickle.h"

#include <algorithm>
#include <charconv>

#include "base/shown.h"
#include "pickle/pickle_names.h"

namespace gauntlet::pickle {

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
  if (step_scalar(op) || step_container(op) || step_memo(op) || step_text(op)) return;
  switch (op) {
    case 0x80:  // PROTO
      if (const uint64_t version = number(1); version > 5)
        fail("the pickle has protocol " + std::to_string(version) + ", expected 0 to 5");
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
    case 0x96:  // BYTEARRAY8
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
    case 't':
    case 'l': {
      std::vector<uint32_t> items = pop_to_mark();
      push({op == 't' ? Kind::kTuple : Kind::kList, 0, {}, std::move(items)});
      return true;
    }
    case 'd': {
      const std::vector<uint32_t> items = pop_to_mark();
      PickleValue dict{Kind::kDict};
      set_items(dict, items);
      push(std::move(dict));
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

// The operations of protocols 0 and 1 that are lines of text.
bool Unpickler::step_text(uint8_t op) {
  switch (op) {
    case 'I': {  // INT, and the bools of these protocols
      const std::string_view digits = line();
      if (digits == "00" || digits == "01")
        push({Kind::kBool, digits == "01"});
      else
        push({Kind::kInt, decimal(digits)});
      return true;
    }
    case 'L': {  // LONG
      std::string_view digits = line();
      if (digits.ends_with('L')) digits.remove_suffix(1);
      constexpr size_t kMostDigits = 18;  // only a magic number is longer
      if (digits.size() > kMostDigits)
        push({Kind::kOpaque, 0, digits});
      else
        push({Kind::kInt, decimal(digits)});
      return true;
    }
    case 'F':
      line();
      push({Kind::kFloat});
      return true;
    case 'S':
      push({Kind::kString, 0, unquoted(line())});
      return true;
    case 'V':
      push({Kind::kString, kLatin1, unescaped(line())});
      return true;
    case 'p':
      put(uint64_t(decimal(line())));
      return true;
    case 'g':
      get(uint64_t(decimal(line())));
      return true;
    case '0':  // POP
      pop();
      return true;
    case '1':  // POP_MARK
      pop_to_mark();
      return true;
    default:
      return false;
  }
}

int64_t Unpickler::decimal(std::string_view digits) const {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size())
    fail("the pickle has the number " + shown(digits) + ", which is none");
  return value;
}

std::string_view Unpickler::keep(std::string text) { return kept_.emplace_back(std::move(text)); }

// As Python's repr() writes bytes.
std::string_view Unpickler::unquoted(std::string_view quoted) {
  if (quoted.size() < 2 || quoted.front() != quoted.back() ||
      (quoted.front() != '\'' && quoted.front() != '"'))
    fail("the pickle has a string without quotes");
  quoted = quoted.substr(1, quoted.size() - 2);
  if (quoted.find('\\') == std::string_view::npos) return quoted;
  constexpr std::string_view kEscapes = "nrtabfv\\'\"", kMeant = "\n\r\t\a\b\f\v\\'\"";
  std::string out;
  out.reserve(quoted.size());
  for (size_t at = 0; at < quoted.size(); ++at) {
    if (quoted[at] != '\\') {
      out += quoted[at];
      continue;
    }
    const char letter = ++at < quoted.size() ? quoted[at] : '\0';
    unsigned code = 0;
    if (const size_t known = kEscapes.find(letter); known != std::string_view::npos) {
      out += kMeant[known];
    } else if (const std::string_view hex = quoted.substr(std::min(at + 1, quoted.size()), 2);
               letter == 'x' && hex.size() == 2 &&
               std::from_chars(hex.data(), hex.data() + 2, code, 16).ptr == hex.data() + 2) {
      out += char(code), at += 2;
    } else {
      fail("the pickle has a string with an escape that is none");
    }
  }
  return keep(std::move(out));
}

// "raw-unicode-escape": Latin-1, where \uXXXX stands for what is not, or would end the line.
std::string_view Unpickler::unescaped(std::string_view escaped) {
  constexpr size_t kDigits = 4;
  if (escaped.find('\\') == std::string_view::npos) return escaped;
  std::string out;
  out.reserve(escaped.size());
  for (size_t at = 0; at < escaped.size(); ++at) {
    const std::string_view rest = escaped.substr(at);
    unsigned code = 0;
    if (!rest.starts_with("\\u")) {
      out += escaped[at];
    } else if (rest.size() < 2 + kDigits ||
               std::from_chars(rest.data() + 2, rest.data() + 2 + kDigits, code, 16).ptr !=
                   rest.data() + 2 + kDigits) {
      fail("the pickle has a string with an escape that is none");
    } else {
      out += code <= 0xff ? char(code) : '?';  // names and labels need no more
      at += 1 + kDigits;
    }
  }
  return keep(std::move(out));
}

}  // namespace gauntlet::pickle
