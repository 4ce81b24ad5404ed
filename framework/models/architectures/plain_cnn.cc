// Convolutions without shortcuts: VGG and the small networks of papers.
#include <algorithm>

#include "models/architectures/blocks.h"

namespace gauntlet::models {
namespace {
struct VggOptions {
  bool norm = true;
  template <class V>
  void fields(V visit) {
    visit(norm, "norm", "batch norm behind every convolution");
  }
};
// The layers of SmallCNN under the names its users gave them: four convolutions, three linear.
struct SmallCnnNames {
  const char *project, *layers[7];
};
constexpr SmallCnnNames kSmallCnnNames[] = {
    {"trades",
     {"feature_extractor.conv1", "feature_extractor.conv2", "feature_extractor.conv3",
      "feature_extractor.conv4", "classifier.fc1", "classifier.fc2", "classifier.fc3"}},
    {"fmn", {"conv1", "conv2", "conv3", "conv4", "fc1", "fc2", "fc3"}},
    {"deepsec", {"conv32.0", "conv32.2", "conv64.0", "conv64.2", "fc1", "fc2", "fc3"}}};
struct SmallCnnOptions {
  std::string names = "trades";
  template <class V>
  void fields(V visit) {
    visit(names, "names", "the project whose names the layers have",
          OneOf{"trades", "fmn", "deepsec"});
  }
};
struct CnnAOptions {
  int64_t width = 16, padding = 1;
  template <class V>
  void fields(V visit) {
    visit(width, "width", "channels of the first convolution, half of the second's",
          Range{1, 4096});
    visit(padding, "padding", "of both convolutions", Range{0, 2});
  }
};
}  // namespace

AddArchitecture vgg(std::vector<int> widths) {
  return [widths = std::move(widths)](Graph& graph, int from, const NetworkSpec& spec,
                                      const ParamMap& given) {
    const bool norm = gauntlet::bind<VggOptions>(given).norm;
    size_t stage = 0;
    int value = from, place = 0;  // of a module in the Sequential "features"
    const auto name = [&](int offset) { return "features." + std::to_string(place + offset); };
    for (const int width : widths) {
      if (width == 0) {
        value = graph.max_pool(value, 2, 2);
        name_stage(graph, value, stage++);
        place += 1;
        continue;
      }
      value = same_conv(graph, value, name(0), width, 3, 1, /*bias=*/true);
      if (norm) value = graph.batch_norm(value, name(1));
      value = graph.relu(value);
      place += norm ? 3 : 2;
    }
    graph.linear(graph.flatten(value), "classifier", spec.classes);
  };
}

void add_smallcnn(Graph& graph, int from, const NetworkSpec& spec, const ParamMap& given) {
  const auto options = gauntlet::bind<SmallCnnOptions>(given);
  const auto& names =
      std::find_if(std::begin(kSmallCnnNames), std::end(kSmallCnnNames), [&](const auto& known) {
        return options.names == known.project;
      })->layers;
  int value = from;
  for (const int i : {0, 1, 2, 3}) {
    value = graph.relu(graph.conv(value, names[i], {i < 2 ? 32 : 64, 3, 1, 0, true}));
    if (i % 2 == 0) continue;
    value = graph.max_pool(value, 2, 2);
    name_stage(graph, value, size_t(i / 2));
  }
  value = graph.flatten(value);
  for (const int i : {4, 5}) value = graph.relu(graph.linear(value, names[i], 200));
  graph.linear(value, names[6], spec.classes);
}

void add_lenet5(Graph& graph, int from, const NetworkSpec& spec, const ParamMap& given) {
  gauntlet::bind<NoOptions>(given);
  int value = graph.max_pool(graph.relu(graph.conv(from, "conv1", {32, 3, 1, 1, true})), 2, 2);
  name_stage(graph, value, 0);
  value = graph.max_pool(graph.relu(graph.conv(value, "conv2", {64, 3, 1, 1, true})), 2, 2);
  name_stage(graph, value, 1);
  value = graph.relu(graph.linear(graph.flatten(value), "linear1", 200));
  graph.linear(value, "linear2", spec.classes);
}

void add_cnn_a(Graph& graph, int from, const NetworkSpec& spec, const ParamMap& given) {
  const auto options = gauntlet::bind<CnnAOptions>(given);
  int value = graph.relu(graph.conv(from, "0", {options.width, 4, 2, options.padding, true}));
  name_stage(graph, value, 0);
  value = graph.relu(graph.conv(value, "2", {2 * options.width, 4, 2, options.padding, true}));
  name_stage(graph, value, 1);
  value = graph.relu(graph.linear(graph.flatten(value), "5", 100));
  graph.linear(value, "7", spec.classes);
}

}  // namespace gauntlet::models
