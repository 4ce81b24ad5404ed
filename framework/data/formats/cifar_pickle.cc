#include "data/formats/cifar_pickle.h"

#include <algorithm>
#include <optional>

#include "base/bad_input.h"
#include "base/shape_text.h"
#include "base/shown.h"
#include "pickle/pickle.h"
#include "sdk/numpy_values.h"

namespace gauntlet::data {
namespace {
using Kind = pickle::PickleValue::Kind;

// Of an image: a label, maybe an object of NumPy's, a file name and what stores each for later;
// then of the batch.
constexpr uint64_t kValuesAnImage = 40, kValuesABatch = 1000;

// A NumPy array as its pickle describes it.
struct Array {
  std::string type;  // "<i8"
  std::vector<int64_t> shape;
  bool column_major = false;
  std::string_view bytes;
};

class Batch {
 public:
  Batch(std::string_view bytes, const std::string& file)
      : file_(file),
        in_(file, bytes, kValuesAnImage * (bytes.size() / kCifarValues) + kValuesABatch) {}

  CifarBatch read(const std::string& key) {
    const pickle::PickleValue& dict = in_.value(read_pickle());
    CifarBatch batch;
    batch.images = images_of(member(dict, "data"));
    batch.labels = labels_of(member(dict, key));
    if (batch.labels.dim() != 1 || batch.labels.size(0) != batch.images.size(0))
      refuse("'" + key +
             "' is not one label for each image: " + dimensions_text(batch.labels.sizes()) +
             " for " + std::to_string(batch.images.size(0)) + " images");
    return batch;
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw BadInput(file_ + ": is no batch of CIFAR's Python version (" + why + ")");
  }

  // What the reader of pickles refuses it explains by weights, which these are not.
  uint32_t read_pickle() {
    try {
      return in_.read();
    } catch (const pickle::CutShort&) {
      throw;
    } catch (const BadInput&) {
      refuse("its pickle has what no batch needs; nothing of it was run");
    }
  }
  const pickle::PickleValue& member(const pickle::PickleValue& dict, std::string_view key) const {
    if (dict.kind != Kind::kDict) refuse("it is no dict");
    std::string names;
    for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
      const pickle::PickleValue& name = in_.value(dict.items[i]);
      if (name.text == key) return in_.value(dict.items[i + 1]);
      if (name.kind == Kind::kString && names.size() < 200)
        names += (names.empty() ? "" : ", ") + shown(name.text);
    }
    refuse("it has no '" + std::string(key) + "'" + (names.empty() ? "" : ", but " + names));
  }
  const pickle::PickleValue& item(const pickle::PickleValue& value, size_t i) const {
    static const pickle::PickleValue kAbsent;
    return i < value.items.size() ? in_.value(value.items[i]) : kAbsent;
  }

  // numpy.dtype('u1', …) whose state is (version, byte order, …).
  std::string type_of(const pickle::PickleValue& dtype) const {
    if (dtype.kind != Kind::kOpaque || dtype.text != "dtype") return "";
    const std::string order(item(item(dtype, dtype.items.size() - 1), 1).text);
    return order + std::string(item(dtype, 0).text);
  }

  // _reconstruct(…) whose state is ([version,] shape, dtype, column-major, bytes), or, of protocol
  // 5, _frombuffer(bytes, dtype, shape, 'C' or 'F').
  std::optional<Array> array_of(const pickle::PickleValue& value) const {
    if (value.kind != Kind::kOpaque || value.items.empty()) return {};
    const bool from_buffer = value.text == "_frombuffer";
    if (!from_buffer && value.text != "_reconstruct") return {};
    const pickle::PickleValue& parts = from_buffer ? value : item(value, value.items.size() - 1);
    const size_t first = parts.items.size() - std::min<size_t>(parts.items.size(), 4);
    const auto part = [&](size_t i) -> const pickle::PickleValue& {
      return item(parts, first + i);
    };
    const pickle::PickleValue &shape = from_buffer ? part(2) : part(0), &type = part(1),
                              &order = from_buffer ? part(3) : part(2),
                              &bytes = from_buffer ? part(0) : part(3);
    constexpr size_t kMostDimensions = 4;
    if (shape.kind != Kind::kTuple || shape.items.size() > kMostDimensions ||
        bytes.kind != Kind::kString)
      return {};
    Array array{
        type_of(type), {}, from_buffer ? order.text == "F" : order.integer != 0, bytes.text};
    for (const uint32_t size : shape.items) array.shape.push_back(in_.value(size).integer);
    return array;
  }

  // Its values, where they are numbers and as many as its shape says.
  std::optional<Tensor> values_of(const Array& array) const {
    const auto type = numpy_type(array.type);
    if (!type) return {};
    double bytes = double(at::elementSize(type->stored));
    for (const int64_t size : array.shape) bytes *= size < 0 ? -1e30 : double(size);
    if (bytes != double(array.bytes.size()) || array.bytes.empty()) return {};
    std::vector<int64_t> shape = array.shape;
    if (array.column_major) std::reverse(shape.begin(), shape.end());
    Tensor values = torch::empty(shape, type->stored);
    char* to = static_cast<char*>(values.mutable_data_ptr());
    std::copy(array.bytes.begin(), array.bytes.end(), to);
    to_native_order(to, array.bytes.size(), *type);
    values = computable(values, file_ + ": an array ");
    return array.column_major ? values.permute(reversed(shape.size())).contiguous() : values;
  }
  static std::vector<int64_t> reversed(size_t count) {
    std::vector<int64_t> order;
    while (count-- > 0) order.push_back(int64_t(count));
    return order;
  }

  Tensor images_of(const pickle::PickleValue& data) const {
    const std::optional<Array> array = array_of(data);
    if (!array) refuse("'data' is no array of N x 3072 bytes");
    const std::optional<Tensor> values = values_of(*array);
    const auto& shape = array->shape;
    const bool flat = shape.size() == 2 && shape[1] == kCifarValues,
               planes = shape.size() == 4 && shape[1] == 3 && shape[2] == 32 && shape[3] == 32;
    if (!values || values->scalar_type() != at::kByte || (!flat && !planes))
      refuse("'data' is no array of N x 3072 bytes, but " + dimensions_text(shape) + " of " +
             shown(array->type) + " in " + std::to_string(array->bytes.size()) + " bytes" +
             (shape.size() == 4 && shape[3] == 3
                  ? "; its channels are last: data.transpose(0, 3, 1, 2)"
                  : ""));
    return values->view({-1, 3, 32, 32});
  }

  // A list of whole numbers, Python's or NumPy's, or an array of them.
  Tensor labels_of(const pickle::PickleValue& labels) const {
    if (const std::optional<Array> array = array_of(labels)) {
      const std::optional<Tensor> values = values_of(*array);
      if (!values || values->is_floating_point() || values->scalar_type() == at::kBool)
        refuse("the labels are an array of " + shown(array->type) + ", expected whole numbers");
      const bool column = values->dim() == 2 && values->size(1) == 1;
      return (column ? values->squeeze(1) : *values).to(torch::kLong);
    }
    if (labels.kind != Kind::kList && labels.kind != Kind::kTuple)
      refuse("the labels are neither a list nor an array");
    Tensor out = torch::empty({int64_t(labels.items.size())}, torch::kLong);
    int64_t* to = out.mutable_data_ptr<int64_t>();
    for (const uint32_t label : labels.items) *to++ = whole_number(in_.value(label));
    return out;
  }

  // NumPy's are numpy.core.multiarray.scalar(dtype, bytes).
  int64_t whole_number(const pickle::PickleValue& label) const {
    if (label.kind == Kind::kInt) return label.integer;
    if (label.kind == Kind::kOpaque && label.text == "scalar") {
      const auto values = values_of({type_of(item(label, 0)), {}, false, item(label, 1).text});
      if (values && !values->is_floating_point() && values->scalar_type() != at::kBool)
        return values->item<int64_t>();
    }
    refuse("a label is no whole number");
  }

  const std::string& file_;
  pickle::Unpickler in_;
};
}  // namespace

bool is_cifar_pickle(std::string_view bytes) {
  if (bytes.size() < 4 || bytes.back() != '.') return false;
  if (bytes[0] == '\x80') return bytes[1] >= 2 && bytes[1] <= 5;
  // Protocols 0 and 1 do not say so: what a dict begins with, and no label of CIFAR's.
  return bytes.starts_with("(dp") || bytes.starts_with("}q") || bytes.starts_with("ccollections\n");
}

CifarBatch read_cifar_pickle(std::string_view bytes, const std::string& key,
                             const std::string& file) {
  return Batch(bytes, file).read(key);
}

}  // namespace gauntlet::data
