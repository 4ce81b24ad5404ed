#include <cmath>

#include "gauntlet/noise.h"
#include "models/host_network.h"

namespace gauntlet::models {

void initialise(std::vector<Node>& nodes, uint64_t seed) {
  constexpr uint64_t kWeights = 0x57656967687473;  // keeps these draws apart from other noise
  for (Node& node : nodes) {
    if (node.layer < 0) continue;
    Noise noise;
    noise.key.seed = seed ^ kWeights, noise.key.layer = uint32_t(node.layer);
    noise.key.id = noise.key.place = torch::zeros({1}, torch::kLong);
    const bool conv = node.op == Node::Op::kConv;
    const double fan_in = double(node.weight.numel()) / double(node.weight.size(0)),
                 fan_out = double(node.weight.numel()) / double(node.weight.size(1)),
                 bound = 1 / std::sqrt(fan_in);
    const auto uniform = [&](at::IntArrayRef shape) {
      return (noise.uniform(shape).squeeze(0) * 2 - 1) * bound;
    };
    node.weight = conv ? noise.shared_normal(node.weight.sizes()) * std::sqrt(2 / fan_out)
                       : uniform(node.weight.sizes());
    if (node.bias.defined()) node.bias = uniform(node.bias.sizes());
  }
}

}  // namespace gauntlet::models
