// Storages and tensors of torch.save: what it writes is in torch/serialization.py and
// torch/_utils.py. Every argument of a call is obeyed, or refused by its name.
#include <algorithm>
#include <cmath>

#include "base/shown.h"
#include "pickle/file_limits.h"
#include "pickle/pickle.h"
#include "pickle/pickle_names.h"

namespace gauntlet::pickle {

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

// ('storage', type, key, device, number of elements[, view]). The numbers lie in the file whatever
// the device was.
void Unpickler::persistent() {
  const uint32_t index = pop();
  const std::vector<uint32_t> items = values_[index].items;
  const auto is = [&](size_t i, Kind kind) { return values_[items[i]].kind == kind; };
  if (values_[index].kind != Kind::kTuple || items.size() < 5 || items.size() > 6 ||
      !is(0, Kind::kString) || values_[items[0]].text != "storage" || !is(1, Kind::kGlobal) ||
      !is(2, Kind::kString))
    fail("the pickle refers to data of a kind that is not known");
  const std::string_view key = values_[items[2]].text;
  if (key.size() > kLongestTensorName) fail("the name of a storage is too long: " + shown(key));
  if (!is(3, Kind::kString)) fail("the device of storage " + shown(key) + " is no name");
  if (values_[items[3]].text == "meta")
    fail("storage " + shown(key) + " is of the device 'meta', which has no values");
  PickledStorage storage{std::string(key)};
  if (!storage_type(values_[items[1]].text, storage.type))
    fail("the pickle refers to a storage of type " + shown(values_[items[1]].text));
  storage.numel = count_of(items[4], "the size of a storage");
  const auto [it, fresh] = storage_of_.try_emplace(storage.key, storages_.size());
  if (fresh) storages_.push_back(storage);
  const PickledStorage& known = storages_[it->second];
  if (known.type != storage.type || known.numel != storage.numel)
    fail("storage " + shown(storage.key) + " is described twice, and differently");
  push({Kind::kStorage, int64_t(views_.size())});
  views_.push_back(view_of(items, it->second));
}

// Of the whole storage, or of the part that (key, offset, number of elements) names.
Unpickler::StorageView Unpickler::view_of(const std::vector<uint32_t>& items,
                                          size_t storage) const {
  const PickledStorage& whole = storages_[storage];
  StorageView view{storage, 0, whole.numel};
  if (items.size() < 6 || values_[items[5]].kind == Kind::kNone) return view;
  const std::vector<uint32_t>& parts = values_[items[5]].items;
  if (values_[items[5]].kind != Kind::kTuple || parts.size() != 3)
    fail("a view of a storage in the pickle is not described by three values");
  view.offset = count_of(parts[1], "the offset of a view");
  view.numel = count_of(parts[2], "the size of a view");
  if (view.offset > whole.numel || view.numel > whole.numel - view.offset)
    fail("a view leaves storage " + shown(whole.key));
  return view;
}

// (tensor, requires_grad, backward hooks[, state]): attributes of a parameter are left out.
void Unpickler::take_parameter(const std::vector<uint32_t>& items, size_t count) {
  if (items.size() != count || values_[items[0]].kind != Kind::kTensor)
    fail("a parameter in the pickle is no tensor");
  expect_no_hooks(items[1], items[2]);
  push_index(items[0]);
}

// (function, class, its arguments, state): a tensor that has attributes, which are left out.
void Unpickler::take_typed(const std::vector<uint32_t>& items) {
  const auto is_global = [&](size_t i, auto... made) {
    const PickleValue& value = values_[items[i]];
    return value.kind == Kind::kGlobal && ((Made(value.integer) == made) || ...);
  };
  if (items.size() != 4 || !is_global(1, Made::kTensorClass) ||
      !is_global(0, Made::kTensor, Made::kOldTensor, Made::kTypedStorageTensor, Made::kParameter,
                 Made::kParameterWithState) ||
      values_[items[2]].kind != Kind::kTuple)
    fail("the pickle makes a tensor of a class of its own; save a plain one" +
         std::string(kWayOut));
  make(items[0], std::vector<uint32_t>(values_[items[2]].items));
}

// Whether a gradient was wanted changes no value; a hook may.
void Unpickler::expect_no_hooks(uint32_t requires_gradient, uint32_t hooks) const {
  const PickleValue &flag = values_[requires_gradient], &called = values_[hooks];
  if (flag.kind != Kind::kBool) fail("requires_grad of a tensor in the pickle is no bool");
  const bool none =
      called.kind == Kind::kNone || (called.kind == Kind::kDict && called.items.empty());
  if (!none) fail("a tensor in the pickle has backward hooks, which no state dict needs");
}

// {'neg': True, 'conj': True}: what torch's lazy views have yet to do to the stored numbers.
void Unpickler::take_metadata(uint32_t index, PickledTensor& tensor) const {
  const PickleValue& metadata = values_[index];
  if (metadata.kind == Kind::kNone) return;
  if (metadata.kind != Kind::kDict) fail("the metadata of a tensor in the pickle are no dict");
  for (size_t i = 0; i + 1 < metadata.items.size(); i += 2) {
    const PickleValue &key = values_[metadata.items[i]], &value = values_[metadata.items[i + 1]];
    const bool negation = key.text == "neg", conjugation = key.text == "conj";
    if (key.kind != Kind::kString || (!negation && !conjugation))
      fail("a tensor in the pickle has the metadata " + shown(key.text) +
           ", which is not known; known: 'neg', 'conj'");
    // PyTorch asks whether the key is there, not what it is.
    if (value.kind != Kind::kBool || !value.integer)
      fail("the metadata " + shown(key.text) + " of a tensor in the pickle is not True");
    (negation ? tensor.negated : tensor.conjugated) = true;
  }
  if (tensor.conjugated && !at::isComplexType(tensor.type))
    fail("the metadata 'conj' of a tensor in the pickle stands beside real numbers");
  const bool typed_storage = tensor.type == storages_[tensor.storage].type;
  if (tensor.negated && (tensor.type == at::kBool || !typed_storage))
    fail("the metadata 'neg' of a tensor in the pickle stands beside numbers without a sign");
}

// (storage, offset, sizes, strides), then (requires_grad, backward hooks[, metadata]), of v3
// (requires_grad, backward hooks, type[, metadata]).
void Unpickler::rebuild_tensor(const std::vector<uint32_t>& items, Rebuild how) {
  const size_t least = how == Rebuild::kOld  ? 4
                       : how == Rebuild::kV2 ? 6
                                             : 7,
               most = how == Rebuild::kOld ? 4 : least + 1;
  if (items.size() < least || items.size() > most || values_[items[0]].kind != Kind::kStorage)
    fail("a tensor in the pickle is not described by storage, offset, sizes and strides");
  StorageView view = views_[size_t(values_[items[0]].integer)];
  const PickledStorage& storage = storages_[view.storage];
  PickledTensor tensor;
  tensor.storage = view.storage, tensor.type = storage.type;
  tensor.offset = count_of(items[1], "the offset of a tensor");
  tensor.sizes = counts_of(items[2], "the shape of a tensor");
  tensor.strides = counts_of(items[3], "the strides of a tensor");
  if (how != Rebuild::kOld) expect_no_hooks(items[4], items[5]);
  if (how == Rebuild::kV3) {
    const PickleValue& type = values_[items[6]];
    if (type.kind != Kind::kGlobal || !number_type(type.text, tensor.type))
      fail("a tensor in the pickle is of type " + shown(type.text) + ", which is not known");
    if (storage.type != at::kByte || view.offset != 0)
      fail("storage " + shown(storage.key) + " of a typed tensor is not one of bytes");
    view.numel /= int64_t(at::elementSize(tensor.type));
  }
  if (items.size() == most && how != Rebuild::kOld) take_metadata(items[most - 1], tensor);
  check_bounds(tensor, view);
  tensor.offset += view.offset;
  push({Kind::kTensor, int64_t(tensors_.size())});
  tensors_.push_back(std::move(tensor));
}

void Unpickler::check_bounds(const PickledTensor& tensor, const StorageView& view) const {
  if (tensor.sizes.size() != tensor.strides.size())
    fail("a tensor in the pickle has " + std::to_string(tensor.sizes.size()) + " sizes and " +
         std::to_string(tensor.strides.size()) + " strides");
  const double elements = element_count(tensor.sizes);
  if (std::isinf(elements)) fail("a tensor in the pickle has an absurd size");
  double last = double(tensor.offset);
  for (size_t i = 0; i < tensor.sizes.size(); ++i)
    last += double(std::max<int64_t>(tensor.sizes[i] - 1, 0)) * double(tensor.strides[i]);
  if (double(tensor.offset) > double(view.numel) || (elements > 0 && last >= double(view.numel)))
    fail("a tensor leaves storage " + shown(storages_[view.storage].key) + " of " +
         std::to_string(view.numel) + " elements");
}

}  // namespace gauntlet::pickle
