// Networks whose batch norms and ReLUs come before the convolutions. He et al., 2016,
// https://arxiv.org/abs/1603.05027
#include "models/architectures/blocks.h"

namespace gauntlet::models {
namespace {
int active(Graph& graph, int from, const std::string& norm) {
  return graph.relu(graph.batch_norm(from, norm));
}

struct PreactOptions {
  bool final_norm = false;
  std::string shortcut_from = "activated";
  template <class V>
  void fields(V visit) {
    visit(final_norm, "final_norm", "batch norm 'bn' and ReLU before the classifier");
    visit(
        shortcut_from, "shortcut_from",
        "what a shortcut with a convolution reads: the block's input behind its first ReLU, as in "
        "pytorch-cifar, or the input itself, as RobustBench's PreActBlock does",
        OneOf{"activated", "input"});
  }
};

// bn1-relu-conv1-bn2-relu-conv2; where the shape changes the shortcut is a convolution.
int block(Graph& graph, int from, const std::string& name, const std::string& shortcut,
          int64_t width, int64_t stride, bool shortcut_from_input = false) {
  const int first = active(graph, from, name + ".bn1");
  int value = same_conv(graph, first, name + ".conv1", width, 3, stride);
  value = same_conv(graph, active(graph, value, name + ".bn2"), name + ".conv2", width, 3);
  const int around = graph.shape(from) == graph.shape(value)
                         ? from
                         : same_conv(graph, shortcut_from_input ? from : first,
                                     name + "." + shortcut, width, 1, stride);
  return graph.add(value, around);
}

struct MadryOptions {
  int64_t widen = 10;
  template <class V>
  void fields(V visit) {
    visit(widen, "widen", "stages have 16, 32 and 64 times as many channels", Range{1, 64});
  }
};

int leaky(Graph& graph, int from, const std::string& norm) {
  return graph.leaky_relu(graph.batch_norm(from, norm), 0.1);
}

// A unit of Madry et al.: where the shape changes the shortcut is pooled, and gets channels of
// zeros on both sides. `activated`: it begins behind the first activation.
int madry_unit(Graph& graph, int from, const std::string& name, int64_t width, int64_t stride,
               bool activated) {
  const int first = leaky(graph, from, name + ".bn1");
  const ConvOptions narrowing{width, 3, stride, 0, false, 1};
  int value = stride > 1 ? graph.conv(first, name + ".conv1", narrowing)
                         : same_conv(graph, first, name + ".conv1", width, 3);
  value = same_conv(graph, leaky(graph, value, name + ".bn2"), name + ".conv2", width, 3);
  int around = activated ? first : from;
  if (stride > 1) around = graph.avg_pool(around, stride, stride);
  if (graph.shape(around)[0] != width) around = graph.subsample_pad(around, width, 1);
  return graph.add(value, around);
}

void classify(Graph& graph, int from, const std::string& name, int64_t classes) {
  graph.linear(graph.flatten(graph.global_avg_pool(from)), name, classes);
}
}  // namespace

AddArchitecture preact_resnet(std::vector<int> blocks) {
  return [blocks = std::move(blocks)](Graph& graph, int from, const NetworkSpec& spec,
                                      const ParamMap& given) {
    const auto options = gauntlet::bind<PreactOptions>(given);
    int value = same_conv(graph, from, "conv1", 64, 3);
    for (size_t stage = 0; stage < blocks.size(); ++stage) {
      for (int b = 0; b < blocks[stage]; ++b)
        value = block(graph, value, "layer" + std::to_string(stage + 1) + "." + std::to_string(b),
                      "shortcut.0", int64_t{64} << stage, stage > 0 && b == 0 ? 2 : 1,
                      options.shortcut_from == "input");
      name_stage(graph, value, stage);
    }
    classify(graph, options.final_norm ? active(graph, value, "bn") : value, "linear",
             spec.classes);
  };
}

AddArchitecture wide_resnet(int depth, int width) {
  return [=](Graph& graph, int from, const NetworkSpec& spec, const ParamMap& given) {
    gauntlet::bind<NoOptions>(given);
    int value = same_conv(graph, from, "conv1", 16, 3);
    for (size_t stage = 0; stage < 3; ++stage) {
      for (int b = 0; b < (depth - 4) / 6; ++b)
        value =
            block(graph, value, "block" + std::to_string(stage + 1) + ".layer." + std::to_string(b),
                  "convShortcut", (int64_t{16} << stage) * width, stage > 0 && b == 0 ? 2 : 1);
      name_stage(graph, value, stage);
    }
    classify(graph, active(graph, value, "bn1"), "fc", spec.classes);
  };
}

void add_madry_wrn(Graph& graph, int from, const NetworkSpec& spec, const ParamMap& given) {
  const auto options = gauntlet::bind<MadryOptions>(given);
  int value = same_conv(graph, from, "conv1", 16, 3);
  for (size_t stage = 0; stage < 3; ++stage) {
    for (int unit = 0; unit < 5; ++unit)
      value = madry_unit(graph, value,
                         "block" + std::to_string(stage + 1) + ".layer." + std::to_string(unit),
                         (int64_t{16} << stage) * options.widen, stage > 0 && unit == 0 ? 2 : 1,
                         stage == 0 && unit == 0);
    name_stage(graph, value, stage);
  }
  classify(graph, leaky(graph, value, "bn1"), "fc", spec.classes);
}

AddArchitecture densenet(int depth, int growth) {
  return [=](Graph& graph, int from, const NetworkSpec& spec, const ParamMap& given) {
    gauntlet::bind<NoOptions>(given);
    int value = same_conv(graph, from, "conv1", 16, 3);
    for (int stage = 1; stage <= 3; ++stage) {
      for (int layer = 0; layer < (depth - 4) / 3; ++layer) {
        const std::string name =
            "block" + std::to_string(stage) + ".layer." + std::to_string(layer);
        value = graph.concat(value, same_conv(graph, active(graph, value, name + ".bn1"),
                                              name + ".conv1", growth, 3));
      }
      name_stage(graph, value, size_t(stage - 1));
      if (stage == 3) break;
      const std::string name = "trans" + std::to_string(stage);
      value = same_conv(graph, active(graph, value, name + ".bn1"), name + ".conv1",
                        graph.shape(value)[0], 1);
      value = graph.avg_pool(value, 2, 2);
    }
    classify(graph, active(graph, value, "bn1"), "fc", spec.classes);
  };
}

}  // namespace gauntlet::models
