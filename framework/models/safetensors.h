#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "gauntlet/types.h"

namespace gauntlet {

/// Reads a .safetensors file (float32, float64, float16, bfloat16, int64, int32, uint8, bool).
/// Throws BadInput for every malformation: short file, header length, JSON, dtype, offsets,
/// overlaps.
std::map<std::string, Tensor> read_safetensors(const std::filesystem::path& file);
/// The same of the content of such a file; `name` is what messages call it.
std::map<std::string, Tensor> parse_safetensors(const std::string& bytes, const std::string& name);
/// Writes atomically; names in order; float32, int64 and uint8. metadata goes to "__metadata__".
void write_safetensors(const std::filesystem::path& file,
                       const std::map<std::string, Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace gauntlet
