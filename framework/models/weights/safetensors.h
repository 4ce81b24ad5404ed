#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "gauntlet/types.h"

namespace gauntlet::models {

/// kPlain: float32, float64, float16, bfloat16, int64, int32, uint8, bool. kAll: every one there
/// is, for files of which only some tensors are needed; of what LibTorch has no type for there is
/// only the shape, of type Bits8.
enum class Dtypes { kPlain, kAll };

/// Reads a .safetensors file. Throws BadInput for every malformation: short file, header length,
/// JSON, dtype, offsets, overlaps.
std::map<std::string, Tensor> read_safetensors(const std::filesystem::path& file,
                                               Dtypes dtypes = Dtypes::kPlain);
/// The same of the content of such a file; `name` is what messages call it.
std::map<std::string, Tensor> parse_safetensors(const std::string& bytes, const std::string& name);
/// Writes atomically; names in order; float32, float64, int64, int32, uint8 and bool. metadata goes
/// to "__metadata__".
void write_safetensors(const std::filesystem::path& file,
                       const std::map<std::string, Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace gauntlet::models
