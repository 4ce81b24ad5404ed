// Weight files of every kind behind one function.
#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "models/network.h"

namespace gauntlet {

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

/// The file's tensors under the network's names: prefixes of wrappers stripped, usual synonyms
/// exchanged where that is unambiguous, tensors that only repeat mean and std of the spec left out
/// (after they were compared). What has no counterpart keeps its name. Throws BadInput.
std::map<std::string, Tensor> matched_names(const std::map<std::string, Tensor>& tensors,
                                            const Network& network, const std::string& source);

/// Reads a file into a network: read_weights, matched_names, load_state; TorchScript whole. Returns
/// what was read: "PyTorch zip ('state_dict' in it)".
std::string load_weights(Network& network, const std::filesystem::path& file,
                         const std::string& wanted = "");

}  // namespace gauntlet
