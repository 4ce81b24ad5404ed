// Architectures by name. To add one, write a function that adds its operations to a graph and give
// it a line in architectures.cc. Tensors have the names of the implementations whose checkpoints
// are published: torchvision, kuangliu/pytorch-cifar, xternalz/WideResNet-pytorch and TRADES.
#pragma once
#include <string>
#include <vector>

#include "gauntlet/params.h"
#include "models/graph.h"
#include "models/network.h"

namespace gauntlet::models {

/// Adds the architecture's operations behind the value `from`; the last one must give [classes].
/// `options` are spec.options without those of every architecture. Throws BadInput or ParamError.
using AddArchitecture =
    std::function<void(Graph& graph, int from, const NetworkSpec& spec, const ParamMap& options)>;

// Options of every architecture that has batch norm, and of a sequential's batchnorm.
constexpr const char* kEpsilonHelp =
    "added to the variance in batch norm; networks ported from Keras and TensorFlow have 0.001";
constexpr const char* kMomentumHelp =
    "share of a batch in batch norm's running statistics, in training; what Keras calls 0.99 is "
    "0.01";
constexpr Range kEpsilonRange{0, 1}, kMomentumRange{1e-6, 1};

struct Architecture {
  std::string name;
  std::string summary;  ///< one line: what it is and its options
  AddArchitecture add;
  /// Patterns of tensors that published checkpoints hold and no forward pass uses.
  std::vector<std::string> unneeded = {};
};
const std::vector<Architecture>& architectures();
/// Their names.
std::vector<std::string> architecture_names();

void add_sequential(Graph& graph, int from, const NetworkSpec& spec, const ParamMap& options);
/// Blocks a stage: 3, 5, 7, 9, 18 make ResNet-20, 32, 44, 56, 110.
AddArchitecture cifar_resnet(int blocks);

enum class BlockKind { kBasic, kBottleneck };
/// ResNet-18, 34, 50 by blocks a stage; stems of CIFAR and of ImageNet.
AddArchitecture resnet(BlockKind kind, std::vector<int> blocks);
/// Batch norm and ReLU before the convolutions; the classifier sees the last sum. He et al., 2016b.
AddArchitecture preact_resnet(std::vector<int> blocks);
/// Zagoruyko & Komodakis, 2016, https://arxiv.org/abs/1605.07146; depth 6n + 4.
AddArchitecture wide_resnet(int depth, int width);
/// The wide ResNet of Madry et al., 2018, https://arxiv.org/abs/1706.06083, as released in
/// TensorFlow: five units a stage, shortcuts without weights, leaky ReLU of slope 0.1, "SAME"
/// padding. What is not in it: the standardisation of each image, which belongs before it.
void add_madry_wrn(Graph& graph, int from, const NetworkSpec& spec, const ParamMap& given);
/// Convolutions of 3x3, one linear layer; 0 is a max-pooling. Simonyan & Zisserman, 2015.
AddArchitecture vgg(std::vector<int> widths);
/// Huang et al., 2017, https://arxiv.org/abs/1608.06993, without bottleneck; depth 3n + 4.
AddArchitecture densenet(int depth, int growth);

// Small networks of papers on robustness and certification.
void add_smallcnn(Graph& graph, int from, const NetworkSpec& spec, const ParamMap& given);
void add_lenet5(Graph& graph, int from, const NetworkSpec& spec, const ParamMap& given);
void add_cnn_a(Graph& graph, int from, const NetworkSpec& spec, const ParamMap& given);
/// Without batch norm: 2 or 4 residual blocks (the alpha-beta-CROWN nets).
AddArchitecture plain_resnet(int64_t stem, const std::vector<int64_t>& widths,
                             const std::vector<int>& blocks);

}  // namespace gauntlet::models
