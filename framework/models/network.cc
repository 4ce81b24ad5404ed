#include "models/network.h"

#include <algorithm>

#include "base/nearest_name.h"

namespace gauntlet::models {

bool has_batch_norm(const Network& network) {
  const std::vector<NamedTensor> tensors = network.tensors();
  return std::any_of(tensors.begin(), tensors.end(),
                     [](const NamedTensor& named) { return named.name.ends_with(".running_var"); });
}

std::string features_problem(const Network& network, const std::vector<std::string>& features) {
  if (features.empty()) return "";  // as in almost every pass
  const std::vector<std::string> known = network.features();
  for (const std::string& name : features)
    if (std::find(known.begin(), known.end(), name) == known.end())
      return "the network has no feature '" + name + "'" +
             (known.empty() ? "; it has none" : suggestion(name, known));
  return "";
}

int64_t multiply_adds(const Network& network) {
  int64_t sum = 0;
  for (const Layer& layer : network.layers()) {
    const bool conv = layer.kind == Layer::Kind::kConv;
    sum +=
        c10::multiply_integers(layer.weight_shape) * (conv ? layer.output[1] * layer.output[2] : 1);
  }
  return sum;
}

}  // namespace gauntlet::models
