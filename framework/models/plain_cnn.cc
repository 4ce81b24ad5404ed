// Convolutions without shortcuts: VGG and the small networks of papers.
#include "models/architectures.h"

namespace gauntlet {
namespace {
struct NoOptions {
  template <class V>
  void fields(V) {}
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
    gauntlet::bind<NoOptions>(given);
    int value = from, place = 0;  // of a module in the Sequential "features"
    const auto name = [&](int offset) { return "features." + std::to_string(place + offset); };
    for (const int width : widths) {
      if (width == 0) {
        value = graph.max_pool(value, 2, 2);
        place += 1;
        continue;
      }
      value = graph.conv(value, name(0), {width, 3, 1, 1, /*bias=*/true});
      value = graph.relu(graph.batch_norm(value, name(1)));
      place += 3;
    }
    graph.linear(graph.flatten(value), "classifier", spec.classes);
  };
}

void add_smallcnn(Graph& graph, int from, const NetworkSpec& spec, const ParamMap& given) {
  gauntlet::bind<NoOptions>(given);
  int value = from;
  for (const int i : {1, 2, 3, 4}) {
    const std::string name = "feature_extractor.conv" + std::to_string(i);
    value = graph.relu(graph.conv(value, name, {i < 3 ? 32 : 64, 3, 1, 0, true}));
    if (i % 2 == 0) value = graph.max_pool(value, 2, 2);
  }
  value = graph.flatten(value);
  for (const char* name : {"classifier.fc1", "classifier.fc2"})
    value = graph.relu(graph.linear(value, name, 200));
  graph.linear(value, "classifier.fc3", spec.classes);
}

void add_lenet5(Graph& graph, int from, const NetworkSpec& spec, const ParamMap& given) {
  gauntlet::bind<NoOptions>(given);
  int value = graph.max_pool(graph.relu(graph.conv(from, "conv1", {32, 3, 1, 1, true})), 2, 2);
  value = graph.max_pool(graph.relu(graph.conv(value, "conv2", {64, 3, 1, 1, true})), 2, 2);
  value = graph.relu(graph.linear(graph.flatten(value), "linear1", 200));
  graph.linear(value, "linear2", spec.classes);
}

void add_cnn_a(Graph& graph, int from, const NetworkSpec& spec, const ParamMap& given) {
  const auto options = gauntlet::bind<CnnAOptions>(given);
  int value = graph.relu(graph.conv(from, "0", {options.width, 4, 2, options.padding, true}));
  value = graph.relu(graph.conv(value, "2", {2 * options.width, 4, 2, options.padding, true}));
  value = graph.relu(graph.linear(graph.flatten(value), "5", 100));
  graph.linear(value, "7", spec.classes);
}

}  // namespace gauntlet
