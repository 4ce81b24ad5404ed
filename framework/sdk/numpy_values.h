// NumPy's types of numbers, as .npy files and pickles name them.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "gauntlet/abi.h"
#include "gauntlet/types.h"

namespace gauntlet {

struct NumpyType {
  at::ScalarType stored;  ///< of the bytes
  bool swapped = false;   ///< the bytes stand in the order of big-endian machines
};

/// "<f4", "|u1", ">i8", or without an order "f4"; nothing for what is not bool, whole numbers or
/// floats of 2 to 8 bytes.
GAUNTLET_API std::optional<NumpyType> numpy_type(std::string_view name);

/// Puts `count` bytes of numbers in this machine's order.
GAUNTLET_API void to_native_order(char* bytes, uint64_t count, const NumpyType& type);

/// Numbers that LibTorch computes with: uint16 becomes int32, uint32 and uint64 int64, float16
/// float32; the others stay as they are. Throws BadInput, which begins with `what`, where a uint64
/// is beyond int64.
GAUNTLET_API Tensor computable(const Tensor& stored, const std::string& what);

}  // namespace gauntlet
