// Pickles of state dicts and of data sets, read as data. Nothing a pickle names is ever looked up
// or called: an operation either builds one of the values below or is refused.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/bad_input.h"
#include "gauntlet/types.h"

namespace gauntlet::pickle {

/// The bytes end before the pickle does.
struct CutShort : BadInput {
  using BadInput::BadInput;
};

/// A storage that a pickle refers to; its numbers lie elsewhere in the file.
struct PickledStorage {
  std::string key;
  at::ScalarType type = at::kFloat;
  int64_t numel = 0;
};

/// A tensor as the pickle describes it, checked against its storage: every element lies inside.
/// There may be more elements than the storage holds: a stride may be 0.
struct PickledTensor {
  size_t storage = 0;  ///< which of Unpickler::storages()
  int64_t offset = 0;  ///< in elements
  std::vector<int64_t> sizes, strides;
  at::ScalarType type = at::kFloat;  ///< of its elements; that of the storage, where that has one
  bool negated = false, conjugated = false;  ///< the stored numbers are not yet
};

struct PickleValue {
  enum class Kind : uint8_t {
    kNone,
    kBool,
    kInt,
    kFloat,
    kString,
    kTuple,
    kList,
    kDict,
    kGlobal,
    kStorage,
    kTensor,
    kOpaque  ///< something that a state dict does not need: what it was made of, then its states
  };
  Kind kind = Kind::kNone;
  int64_t integer = 0;    ///< kBool, kInt; the index of kGlobal, kStorage, kTensor
  std::string_view text;  ///< kString; of kGlobal and of what one made, kOpaque, its last name
  std::vector<uint32_t> items;  ///< kTuple, kList, kOpaque; kDict: key, value, key, value, …
};

/// Reads the pickles, of protocols 0 to 5, that lie one behind the other in `bytes`, which must
/// outlive it. A reference is an index into one flat table, so no depth of nesting costs stack.
/// What neither state dicts nor NumPy's arrays need throws BadInput with one sentence that begins
/// with `file`.
class Unpickler {
 public:
  /// `budget`: so many values may be built in all.
  Unpickler(std::string file, std::string_view bytes, uint64_t budget);

  /// The next pickle; an index for value().
  uint32_t read();
  const PickleValue& value(uint32_t index) const { return values_[index]; }
  size_t position() const { return at_; }
  const std::vector<PickledStorage>& storages() const { return storages_; }
  const std::vector<PickledTensor>& tensors() const { return tensors_; }
  [[noreturn]] void fail(const std::string& problem) const;

 private:
  using Kind = PickleValue::Kind;
  enum class Rebuild { kOld, kV2, kV3 };
  // What a kStorage value means: a storage, and for views of the oldest files where they begin.
  struct StorageView {
    size_t storage = 0;
    int64_t offset = 0, numel = 0;
  };

  void step(uint8_t op);
  bool step_scalar(uint8_t op);
  bool step_container(uint8_t op);
  bool step_memo(uint8_t op);
  bool step_text(uint8_t op);
  uint64_t number(size_t bytes);
  std::string_view text(uint64_t size);
  std::string_view line();
  void push(PickleValue value);
  void push_index(uint32_t index);
  uint32_t pop();
  std::vector<uint32_t> pop_to_mark();
  PickleValue& top(Kind kind, const char* what);
  void put(uint64_t key);
  void get(uint64_t key);
  void spend();
  void set_items(PickleValue& dict, const std::vector<uint32_t>& items);
  int64_t decimal(std::string_view digits) const;
  std::string_view keep(std::string text);
  std::string_view unquoted(std::string_view quoted);
  std::string_view unescaped(std::string_view escaped);
  void push_global(const std::string& name, std::string_view text);
  void reduce();
  void make(uint32_t function, const std::vector<uint32_t>& items);
  void make_dict(const std::vector<uint32_t>& arguments);
  void make_bytes(uint32_t function, const std::vector<uint32_t>& items);
  void make_opaque(uint32_t function, const std::vector<uint32_t>& items);
  void build();
  void persistent();
  StorageView view_of(const std::vector<uint32_t>& items, size_t storage) const;
  void take_parameter(const std::vector<uint32_t>& items, size_t count);
  void take_typed(const std::vector<uint32_t>& items);
  void rebuild_tensor(const std::vector<uint32_t>& items, Rebuild how);
  void check_bounds(const PickledTensor& tensor, const StorageView& view) const;
  void expect_no_hooks(uint32_t requires_gradient, uint32_t hooks) const;
  void take_metadata(uint32_t index, PickledTensor& tensor) const;
  int64_t count_of(uint32_t index, const char* what) const;
  std::vector<int64_t> counts_of(uint32_t index, const char* what) const;

  const std::string file_;
  const std::string_view bytes_;
  uint64_t budget_;
  size_t at_ = 0;
  std::vector<PickleValue> values_;
  std::vector<uint32_t> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, uint32_t> memo_;
  std::vector<PickledStorage> storages_;
  std::map<std::string, size_t, std::less<>> storage_of_;
  std::vector<StorageView> views_;
  std::deque<std::string> kept_;  // text that does not stand in the pickle as it is meant
  std::vector<PickledTensor> tensors_;
};

}  // namespace gauntlet::pickle
