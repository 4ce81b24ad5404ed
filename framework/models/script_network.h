// TorchScript programs as whole networks: logits and input gradients, no layers of the host's.
#pragma once
#include <filesystem>
#include <memory>

#include "models/network.h"

namespace gauntlet::models {

inline constexpr const char* kTorchScript = "torchscript";  ///< its name as an architecture

/// Without a program yet. Throws BadInput for options, which it has none of.
std::unique_ptr<Network> script_network(const NetworkSpec& spec);

/// Where `network` is of architecture "torchscript": loads the program, tries it on batches of two
/// sizes, and returns true. It may compute in any floating type and in place: it is given a copy of
/// its input in the type of its weights, and its logits become float32. Throws BadInput: no
/// TorchScript, it fails, its logits have another shape, or something is not finite.
bool load_script(Network& network, const std::filesystem::path& file);

}  // namespace gauntlet::models
