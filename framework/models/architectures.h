// Architectures by name. To add one, write a function that adds its operations to a graph and give
// it a line in architectures.cc.
#pragma once
#include <string>
#include <vector>

#include "models/graph.h"
#include "models/network.h"

namespace gauntlet {

/// Adds the architecture's operations behind the value `from`; the last one must give [classes].
/// `options` are spec.options without those of every architecture. Throws BadInput or ParamError.
using AddArchitecture = void (*)(Graph& graph, int from, const NetworkSpec& spec,
                                 const ParamMap& options);

struct Architecture {
  std::string name;
  AddArchitecture add;
};
const std::vector<Architecture>& architectures();

void add_sequential(Graph& graph, int from, const NetworkSpec& spec, const ParamMap& options);
/// Blocks a stage: 3, 5, 7, 9, 18 make ResNet-20, 32, 44, 56, 110.
template <int blocks>
void add_cifar_resnet(Graph& graph, int from, const NetworkSpec& spec, const ParamMap& options);

}  // namespace gauntlet
