#include "pickle/pickle_names.h"

#include <map>

namespace gauntlet::pickle {
namespace {
constexpr std::pair<std::string_view, at::ScalarType> kStorages[] = {
    {"FloatStorage", at::kFloat},
    {"DoubleStorage", at::kDouble},
    {"HalfStorage", at::kHalf},
    {"BFloat16Storage", at::kBFloat16},
    {"LongStorage", at::kLong},
    {"IntStorage", at::kInt},
    {"ShortStorage", at::kShort},
    {"CharStorage", at::kChar},
    {"ByteStorage", at::kByte},
    {"BoolStorage", at::kBool},
    {"ComplexFloatStorage", at::kComplexFloat},
    {"ComplexDoubleStorage", at::kComplexDouble},
    {"UntypedStorage", at::kByte}};

constexpr std::pair<std::string_view, at::ScalarType> kTypes[] = {
    {"float32", at::kFloat},
    {"float64", at::kDouble},
    {"float16", at::kHalf},
    {"bfloat16", at::kBFloat16},
    {"int64", at::kLong},
    {"int32", at::kInt},
    {"int16", at::kShort},
    {"int8", at::kChar},
    {"uint8", at::kByte},
    {"uint16", at::kUInt16},
    {"uint32", at::kUInt32},
    {"uint64", at::kUInt64},
    {"bool", at::kBool},
    {"complex64", at::kComplexFloat},
    {"complex128", at::kComplexDouble},
    {"float8_e4m3fn", at::kFloat8_e4m3fn},
    {"float8_e5m2", at::kFloat8_e5m2},
    {"float8_e4m3fnuz", at::kFloat8_e4m3fnuz},
    {"float8_e5m2fnuz", at::kFloat8_e5m2fnuz}};

// What torch.save writes is in torch/serialization.py, torch/_utils.py and torch/_tensor.py.
std::map<std::string, Made, std::less<>> all_names() {
  std::map<std::string, Made, std::less<>> map = {
      {"collections.OrderedDict", Made::kDict},
      {"collections.defaultdict", Made::kDict},
      {"collections.Counter", Made::kDict},
      {"torch._utils._rebuild_tensor", Made::kOldTensor},
      {"torch._utils._rebuild_tensor_v2", Made::kTensor},
      {"torch._utils._rebuild_tensor_v3", Made::kTypedStorageTensor},
      {"torch._utils._rebuild_parameter", Made::kParameter},
      {"torch._utils._rebuild_parameter_with_state", Made::kParameterWithState},
      {"torch._tensor._rebuild_from_type_v2", Made::kTensorWithState},
      {"torch.Tensor", Made::kTensorClass},
      {"torch.nn.parameter.Parameter", Made::kTensorClass},
      {"torch.nn.parameter.Buffer", Made::kTensorClass},
      {"torch.Size", Made::kSequence},
      {"_codecs.encode", Made::kBytes},
      {"torch.storage.UntypedStorage", Made::kStorageType},
      {"torch.device", Made::kOpaque},
      {"numpy.ndarray", Made::kOpaque},
      {"numpy.dtype", Made::kOpaque},
      {"argparse.Namespace", Made::kOpaque}};
  for (const char* core : {"numpy.core.", "numpy._core."})
    for (const char* function :
         {"multiarray.scalar", "multiarray._reconstruct", "numeric._frombuffer"})
      map[std::string(core) + function] = Made::kOpaque;
  for (const std::string module : {"builtins.", "__builtin__."}) {
    for (const char* type : {"dict", "list", "int", "float"})  // what a defaultdict makes
      map[module + type] = Made::kOpaque;
    map[module + "set"] = Made::kOpaque;
    map[module + "bytes"] = map[module + "bytearray"] = Made::kBytes;
  }
  for (const auto& [name, type] : kTypes) map["torch." + std::string(name)] = Made::kOpaque;
  for (const auto& [name, type] : kStorages) map["torch." + std::string(name)] = Made::kStorageType;
  return map;
}

template <class Table>
bool look_up(const Table& table, std::string_view name, at::ScalarType& type) {
  for (const auto& [known, its] : table)
    if (name == known) return type = its, true;
  return false;
}
}  // namespace

Made made_by(std::string_view name) {
  static const auto all = all_names();
  const auto it = all.find(name);
  return it == all.end() ? Made::kNothing : it->second;
}

std::string refused_tensor(std::string_view name) {
  struct Refused {
    std::string_view name;
    const char* why;
  };
  constexpr Refused kRefused[] = {
      {"_rebuild_qtensor", "a quantized tensor; save the network as it was before"},
      {"_rebuild_sparse_tensor", "a sparse tensor; save what its to_dense() gives"},
      {"_rebuild_sparse_csr_tensor", "a sparse tensor; save what its to_dense() gives"},
      {"_rebuild_mkldnn_tensor", "a tensor in oneDNN's layout; save what its to_dense() gives"},
      {"_rebuild_nested_tensor", "a nested tensor; save what its to_padded_tensor(0) gives"},
      {"_rebuild_meta_tensor_no_storage",
       "a tensor of the device 'meta', which has no values; save a network that is loaded"},
      {"_rebuild_wrapper_subclass",
       "a tensor of a class of its own, without its values; save a plain tensor"},
      {"_rebuild_device_tensor_from_numpy",
       "a tensor of a device of its own; save what its cpu() gives"},
      {"_rebuild_device_tensor_from_cpu_tensor",
       "a tensor of a device of its own; save what its cpu() gives"},
      {"_rebuild_xla_tensor", "a tensor of a device of its own; save what its cpu() gives"}};
  constexpr std::string_view kModule = "torch._utils.";
  if (!name.starts_with(kModule)) return "";
  for (const Refused& refused : kRefused)
    if (name.substr(kModule.size()) == refused.name) return refused.why;
  return "";
}

bool number_type(std::string_view name, at::ScalarType& type) {
  return look_up(kTypes, name, type);
}
bool storage_type(std::string_view name, at::ScalarType& type) {
  return look_up(kStorages, name, type);
}

}  // namespace gauntlet::pickle
