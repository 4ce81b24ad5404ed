// ResNets for CIFAR. He et al., 2016, https://arxiv.org/abs/1512.03385
#include "models/architectures.h"

namespace gauntlet {
namespace {
struct Options {
  std::string shortcut = "A", classifier = "linear";
  template <class V>
  void fields(V visit) {
    visit(shortcut, "shortcut", "A: subsample and pad; B: 1x1 convolution and batch norm",
          OneOf{"A", "B"});
    visit(classifier, "classifier", "name of the last layer", OneOf{"linear", "fc"});
  }
};

// conv1-bn1-relu-conv2-bn2, plus the shortcut, relu.
int add_block(Graph& graph, int from, const std::string& name, int64_t width, int64_t stride,
              const std::string& shortcut) {
  const auto conv = [&](int value, const std::string& layer, int64_t kernel, int64_t step) {
    return graph.conv(value, name + layer, {width, kernel, step, kernel / 2, /*bias=*/false});
  };
  int value = graph.relu(graph.batch_norm(conv(from, ".conv1", 3, stride), name + ".bn1"));
  value = graph.batch_norm(conv(value, ".conv2", 3, 1), name + ".bn2");
  int around = from;
  if (graph.shape(from) != graph.shape(value))
    around = shortcut == "A"
                 ? graph.subsample_pad(from, width, stride)
                 : graph.batch_norm(conv(from, ".downsample.0", 1, stride), name + ".downsample.1");
  return graph.relu(graph.add(value, around));
}
}  // namespace

template <int blocks>
void add_cifar_resnet(Graph& graph, int from, const NetworkSpec& spec, const ParamMap& given) {
  const auto options = gauntlet::bind<Options>(given);
  int value = graph.relu(graph.batch_norm(graph.conv(from, "conv1", {16, 3, 1, 1, false}), "bn1"));
  for (int64_t stage = 1; stage <= 3; ++stage)
    for (int64_t block = 0; block < blocks; ++block)
      value = add_block(graph, value, "layer" + std::to_string(stage) + "." + std::to_string(block),
                        int64_t{8} << stage, stage > 1 && block == 0 ? 2 : 1, options.shortcut);
  graph.linear(graph.flatten(graph.global_avg_pool(value)), options.classifier, spec.classes);
}

template void add_cifar_resnet<3>(Graph&, int, const NetworkSpec&, const ParamMap&);
template void add_cifar_resnet<5>(Graph&, int, const NetworkSpec&, const ParamMap&);
template void add_cifar_resnet<7>(Graph&, int, const NetworkSpec&, const ParamMap&);
template void add_cifar_resnet<9>(Graph&, int, const NetworkSpec&, const ParamMap&);
template void add_cifar_resnet<18>(Graph&, int, const NetworkSpec&, const ParamMap&);

}  // namespace gauntlet
