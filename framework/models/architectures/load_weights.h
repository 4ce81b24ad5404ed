// A weight file into a network: names matched, then every tensor.
#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "models/network.h"

namespace gauntlet::models {

/// The file's tensors under the network's names: prefixes of wrappers stripped, usual synonyms
/// exchanged where that is unambiguous, tensors that only repeat mean and std of the spec left out
/// (after they were compared). What has no counterpart keeps its name. Throws BadInput.
std::map<std::string, Tensor> matched_names(const std::map<std::string, Tensor>& tensors,
                                            const Network& network, const std::string& source);

/// Reads a file into a network: read_weights, matched_names, load_state; TorchScript whole. Returns
/// what was read: "PyTorch zip ('state_dict' in it)".
std::string load_weights(Network& network, const std::filesystem::path& file,
                         const std::string& wanted = "");

}  // namespace gauntlet::models
