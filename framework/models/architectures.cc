#include "models/architectures.h"

namespace gauntlet {

const std::vector<Architecture>& architectures() {
  static const std::vector<Architecture> all = {
      {"sequential", add_sequential},    {"resnet20", add_cifar_resnet<3>},
      {"resnet32", add_cifar_resnet<5>}, {"resnet44", add_cifar_resnet<7>},
      {"resnet56", add_cifar_resnet<9>}, {"resnet110", add_cifar_resnet<18>},
  };
  return all;
}

std::vector<std::string> architecture_names() {
  std::vector<std::string> names;
  for (const Architecture& architecture : architectures()) names.push_back(architecture.name);
  return names;
}

}  // namespace gauntlet
