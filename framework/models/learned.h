// Tensors that wrappers have of their own (Learns), declared and filled.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "gauntlet/defense.h"
#include "models/network.h"

namespace gauntlet::models {

/// Lets a wrapper that learns declare its tensors: copies of their first values become its
/// `learned`, and are given here by "<plugin>.<name>". None of a wrapper that does not learn.
/// Throws InvalidResult for what cannot be trained.
std::vector<NamedTensor> declare_learned(Defense& wrapper, const std::string& plugin,
                                         const NetworkSpec& spec);

/// The tensors of one plugin, by the same names.
std::map<std::string, Tensor> learned_of(const std::map<std::string, Tensor>& saved,
                                         const std::string& plugin);

/// Copies saved values into what a plugin declared. Throws BadInput, one sentence, where they are
/// not the same tensors: the first that is missing, surplus or of another shape. `source`: where
/// they come from.
void load_learned(const std::vector<NamedTensor>& declared,
                  const std::map<std::string, Tensor>& saved, const std::string& source);

}  // namespace gauntlet::models
