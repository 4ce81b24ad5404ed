// What a pickle may name, and what each name makes.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "gauntlet/types.h"

namespace gauntlet::pickle {

constexpr const char* kWayOut =
    "; save the weights alone: torch.save(model.state_dict(), 'weights.pth')";
/// PickleValue::integer of a string whose bytes are code points, not UTF-8.
constexpr int64_t kLatin1 = 1;

/// kOpaque: beside weights in training checkpoints (accuracies, arguments), and NumPy's arrays; not
/// built, but kept as what it is made of.
enum class Made : uint8_t {
  kNothing,
  kDict,
  kTensor,
  kOldTensor,
  kTypedStorageTensor,
  kParameter,
  kParameterWithState,
  kTensorWithState,
  kTensorClass,
  kStorageType,
  kSequence,
  kBytes,
  kOpaque
};
/// kNothing: no pickle that is read here needs `name` ("torch._utils._rebuild_tensor_v2").
Made made_by(std::string_view name);
/// Why a tensor of the kind that `name` makes is not read; "": it makes none.
std::string refused_tensor(std::string_view name);
/// "FloatStorage" -> kFloat; false for what is not a storage of plain numbers. An UntypedStorage is
/// one of bytes.
bool storage_type(std::string_view name, at::ScalarType& type);
/// "float8_e5m2" -> kFloat8_e5m2; false for what is no type of plain numbers.
bool number_type(std::string_view name, at::ScalarType& type);

}  // namespace gauntlet::pickle
