#include "models/architectures/architectures.h"

namespace gauntlet::models {

const std::vector<Architecture>& architectures() {
  constexpr const char *kCifar =
                           "for CIFAR; shortcut = \"A\" | \"B\", classifier = \"linear\" | \"fc\", "
                           "bias = false, width = 16",
                       *kStem = "stem = \"cifar\" | \"imagenet\"",
                       *kVgg = "for CIFAR, one linear layer; norm = true";
  const std::vector<int> eleven{64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0},
      thirteen{64, 64, 0, 128, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0},
      sixteen{64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0},
      nineteen{64,  64,  0,   128, 128, 0,   256, 256, 256, 256, 0,
               512, 512, 512, 512, 0,   512, 512, 512, 512, 0};
  const std::vector<std::string> kSubBlock{"sub_block1.*"};  // made by TRADES, used by nobody
  static const std::vector<Architecture> all = {
      {"sequential", "layers one after the other: layers = [{ type = \"conv\", … }, …]",
       add_sequential},
      {"resnet20", kCifar, cifar_resnet(3)},
      {"resnet32", kCifar, cifar_resnet(5)},
      {"resnet44", kCifar, cifar_resnet(7)},
      {"resnet56", kCifar, cifar_resnet(9)},
      {"resnet110", kCifar, cifar_resnet(18)},
      {"resnet18", kStem, resnet(BlockKind::kBasic, {2, 2, 2, 2})},
      {"resnet34", kStem, resnet(BlockKind::kBasic, {3, 4, 6, 3})},
      {"resnet50", kStem, resnet(BlockKind::kBottleneck, {3, 4, 6, 3})},
      {"preactresnet18", "for CIFAR; final_norm = false, shortcut_from = \"activated\" | \"input\"",
       preact_resnet({2, 2, 2, 2})},
      {"preactresnet34", "as preactresnet18", preact_resnet({3, 4, 6, 3})},
      {"wrn-28-4", "WideResNet for CIFAR", wide_resnet(28, 4), kSubBlock},
      {"wrn-28-10", "WideResNet for CIFAR", wide_resnet(28, 10), kSubBlock},
      {"wrn-34-10", "WideResNet for CIFAR", wide_resnet(34, 10), kSubBlock},
      {"wrn-32-10", "wide ResNet of Madry et al. for CIFAR, shortcuts without weights; widen = 10",
       add_madry_wrn},
      {"vgg11", kVgg, vgg(eleven)},
      {"vgg13", kVgg, vgg(thirteen)},
      {"vgg16", kVgg, vgg(sixteen)},
      {"vgg19", kVgg, vgg(nineteen)},
      {"densenet40", "growth 12, for CIFAR", densenet(40, 12)},
      {"smallcnn",
       "four convolutions, of TRADES and DDN for MNIST; names = \"trades\" | \"fmn\" | \"deepsec\"",
       add_smallcnn},
      {"lenet5", "two convolutions with pooling, of advertorch for MNIST", add_lenet5},
      {"cnn-a", "two strided convolutions; width = 16, padding = 1", add_cnn_a},
      {"cresnet-2b", "two residual blocks without batch norm", plain_resnet(8, {16}, {2})},
      {"cresnet-4b", "four residual blocks without batch norm", plain_resnet(16, {32, 32}, {2, 2})},
  };
  return all;
}

std::vector<std::string> architecture_names() {
  std::vector<std::string> names;
  for (const Architecture& architecture : architectures()) names.push_back(architecture.name);
  return names;
}

}  // namespace gauntlet::models
