// Residual networks whose blocks end in a ReLU. He et al., 2016, https://arxiv.org/abs/1512.03385
#include "models/architectures/blocks.h"

namespace gauntlet::models {
namespace {
/// A 1x1 convolution with batch norm: "<name>.0", "<name>.1".
int projection(Graph& graph, int from, const std::string& name, int64_t width, int64_t stride,
               bool bias = false) {
  return graph.batch_norm(same_conv(graph, from, name + ".0", width, 1, stride, bias), name + ".1");
}

// conv1-bn1-relu-conv2-bn2.
int basic(Graph& graph, int from, const std::string& name, int64_t width, int64_t stride) {
  const int first = graph.relu(
      graph.batch_norm(same_conv(graph, from, name + ".conv1", width, 3, stride), name + ".bn1"));
  return graph.batch_norm(same_conv(graph, first, name + ".conv2", width, 3), name + ".bn2");
}

// 1x1, 3x3 with the stride, 1x1 to four times the width.
int bottleneck(Graph& graph, int from, const std::string& name, int64_t width, int64_t stride) {
  int value = graph.relu(
      graph.batch_norm(same_conv(graph, from, name + ".conv1", width, 1), name + ".bn1"));
  value = graph.relu(
      graph.batch_norm(same_conv(graph, value, name + ".conv2", width, 3, stride), name + ".bn2"));
  return graph.batch_norm(same_conv(graph, value, name + ".conv3", 4 * width, 1), name + ".bn3");
}

std::string block_name(size_t stage, int block) {
  return "layer" + std::to_string(stage + 1) + "." + std::to_string(block);
}

struct CifarOptions {
  std::string shortcut = "A", classifier = "linear";
  bool bias = false;
  int64_t width = 16;
  template <class V>
  void fields(V visit) {
    visit(shortcut, "shortcut", "A: subsample and pad; B: 1x1 convolution and batch norm",
          OneOf{"A", "B"});
    visit(classifier, "classifier", "name of the last layer", OneOf{"linear", "fc"});
    visit(bias, "bias", "of the first convolution and of those in shortcuts");
    visit(width, "width",
          "channels of the first stage; later ones have twice and four times as many",
          Range{1, 4096});
  }
};

struct Options {
  std::string stem = "cifar";
  template <class V>
  void fields(V visit) {
    visit(stem, "stem",
          "cifar: 3x3; imagenet: 7x7 with stride 2 and max-pooling, torchvision's names",
          OneOf{"cifar", "imagenet"});
  }
};
}  // namespace

AddArchitecture cifar_resnet(int blocks) {
  return [blocks](Graph& graph, int from, const NetworkSpec& spec, const ParamMap& given) {
    const auto options = gauntlet::bind<CifarOptions>(given);
    int value = graph.relu(graph.batch_norm(
        same_conv(graph, from, "conv1", options.width, 3, 1, options.bias), "bn1"));
    for (size_t stage = 0; stage < 3; ++stage) {
      for (int block = 0; block < blocks; ++block) {
        const std::string name = block_name(stage, block);
        const int64_t width = options.width << stage, stride = stage > 0 && block == 0 ? 2 : 1;
        const int residual = basic(graph, value, name, width, stride);
        if (graph.shape(value) != graph.shape(residual))
          value = options.shortcut == "A"
                      ? graph.subsample_pad(value, width, stride)
                      : projection(graph, value, name + ".downsample", width, stride, options.bias);
        value = graph.relu(graph.add(residual, value));
      }
      name_stage(graph, value, stage);
    }
    graph.linear(graph.flatten(graph.global_avg_pool(value)), options.classifier, spec.classes);
  };
}

AddArchitecture resnet(BlockKind kind, std::vector<int> blocks) {
  return [kind, blocks = std::move(blocks)](Graph& graph, int from, const NetworkSpec& spec,
                                            const ParamMap& given) {
    const bool cifar = gauntlet::bind<Options>(given).stem == "cifar";
    int value = same_conv(graph, from, "conv1", 64, cifar ? 3 : 7, cifar ? 1 : 2);
    value = graph.relu(graph.batch_norm(value, "bn1"));
    if (!cifar) value = graph.max_pool(value, 3, 2, 1);
    for (size_t stage = 0; stage < blocks.size(); ++stage) {
      for (int block = 0; block < blocks[stage]; ++block) {
        const std::string name = block_name(stage, block);
        const int64_t width = int64_t{64} << stage, stride = stage > 0 && block == 0 ? 2 : 1;
        const int residual =
            (kind == BlockKind::kBasic ? basic : bottleneck)(graph, value, name, width, stride);
        if (graph.shape(value) != graph.shape(residual))
          value = projection(graph, value, name + (cifar ? ".shortcut" : ".downsample"),
                             graph.shape(residual)[0], stride);
        value = graph.relu(graph.add(residual, value));
      }
      name_stage(graph, value, stage);
    }
    graph.linear(graph.flatten(graph.global_avg_pool(value)), cifar ? "linear" : "fc",
                 spec.classes);
  };
}

AddArchitecture plain_resnet(int64_t stem, const std::vector<int64_t>& widths,
                             const std::vector<int>& blocks) {
  return [=](Graph& graph, int from, const NetworkSpec& spec, const ParamMap& given) {
    gauntlet::bind<NoOptions>(given);
    const auto biased = [&](int value, const std::string& name, int64_t width, int64_t kernel,
                            int64_t stride) {
      return same_conv(graph, value, name, width, kernel, stride, /*bias=*/true);
    };
    int value = graph.relu(biased(from, "conv1", stem, 3, 2));
    for (size_t stage = 0; stage < blocks.size(); ++stage) {
      for (int block = 0; block < blocks[stage]; ++block) {
        const std::string name = block_name(stage, block);
        const int64_t stride = block == 0 ? 2 : 1;
        const int first = graph.relu(biased(value, name + ".conv1", widths[stage], 3, stride)),
                  residual = biased(first, name + ".conv2", widths[stage], 3, 1);
        if (graph.shape(value) != graph.shape(residual))
          value = biased(value, name + ".shortcut.0", widths[stage], 1, stride);
        value = graph.relu(graph.add(residual, value));
      }
      name_stage(graph, value, stage);
    }
    value = graph.relu(graph.linear(graph.flatten(value), "linear1", 100));
    graph.linear(value, "linear2", spec.classes);
  };
}

}  // namespace gauntlet::models
