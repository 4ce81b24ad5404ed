// Weight files of every kind behind one function.
#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "gauntlet/types.h"

namespace gauntlet::models {

struct WeightsFile {
  std::string format;  ///< "safetensors", "PyTorch zip", "PyTorch zip without checksums", …
  std::string taken;   ///< the dict of a checkpoint that held the weights; "": the whole file
  std::map<std::string, Tensor> tensors;  ///< by the names in the file
};

/// Reads a state dict; what kind of file it is, its content says, not its name. Of a checkpoint the
/// dict at `wanted` ("ema.state_dict") is taken; where that is empty the one under a usual name, or
/// the largest. No pickle is executed. Throws BadInput.
WeightsFile read_weights(const std::filesystem::path& file, const std::string& wanted = "");

/// Throws BadInput where the file is only what Git LFS leaves in its place, for who cannot read it.
void refuse_pointer(const std::filesystem::path& file);

/// Whether a file is a TorchScript program (a zip file with code in it).
bool is_torchscript(const std::filesystem::path& file);

}  // namespace gauntlet::models
