// Layers one after the other, as a list of tables.
#include "base/bad_input.h"
#include "base/nearest_name.h"
#include "models/architectures/architectures.h"
#include "models/architectures/build_network.h"

namespace gauntlet::models {
namespace {
constexpr double kMost = kLargestSize;

struct Conv {
  ConvOptions conv;
  static constexpr const char* required[] = {"out", "kernel"};
  template <class V>
  void fields(V visit) {
    visit(conv.out, "out", "output channels", Range{0, kMost});
    visit(conv.kernel, "kernel", "side of the kernel", Range{0, kMost});
    visit(conv.stride, "stride", "step of the kernel", Range{1, kMost});
    visit(conv.padding, "padding", "zeros around the image", Range{0, kMost});
    visit(conv.bias, "bias", "whether it has one");
  }
  int add(Graph& graph, int from, const std::string& name) const {
    return graph.conv(from, name, conv);
  }
};
struct Linear {
  int64_t out = 0;
  bool bias = true;
  static constexpr const char* required[] = {"out"};
  template <class V>
  void fields(V visit) {
    visit(out, "out", "output features", Range{0, kMost});
    visit(bias, "bias", "whether it has one");
  }
  int add(Graph& graph, int from, const std::string& name) const {
    return graph.linear(from, name, out, bias);
  }
};
template <bool max>
struct Pool {
  int64_t kernel = 0, stride = 0, padding = 0;
  static constexpr const char* required[] = {"kernel"};
  template <class V>
  void fields(V visit) {
    visit(kernel, "kernel", "side of the window", Range{0, kMost});
    visit(stride, "stride", "step of the window; 0: its side", Range{0, kMost});
    if (max) visit(padding, "padding", "around the image", Range{0, kMost});
  }
  int add(Graph& graph, int from, const std::string&) const {
    const int64_t step = stride ? stride : kernel;
    return max ? graph.max_pool(from, kernel, step, padding) : graph.avg_pool(from, kernel, step);
  }
};
template <int (Graph::*operation)(int)>
struct Plain {
  template <class V>
  void fields(V) {}
  int add(Graph& graph, int from, const std::string&) const { return (graph.*operation)(from); }
};
struct BatchNorm {
  BatchNormOptions norm;
  template <class V>
  void fields(V visit) {
    visit(norm.eps, "eps", kEpsilonHelp, kEpsilonRange);
    visit(norm.momentum, "momentum", kMomentumHelp, kMomentumRange);
  }
  int add(Graph& graph, int from, const std::string& name) const {
    return graph.batch_norm(from, name, norm);
  }
};

struct GroupNorm {
  int64_t groups = 0;
  static constexpr const char* required[] = {"groups"};
  template <class V>
  void fields(V visit) {
    visit(groups, "groups", "of channels that are normalised together", Range{0, kMost});
  }
  int add(Graph& graph, int from, const std::string& name) const {
    return graph.group_norm(from, name, groups);
  }
};
struct LeakyRelu {
  double negative_slope = 0.01;
  template <class V>
  void fields(V visit) {
    visit(negative_slope, "negative_slope", "what values below 0 are multiplied by",
          Range{-1e6, 1e6});
  }
  int add(Graph& graph, int from, const std::string&) const {
    return graph.leaky_relu(from, negative_slope);
  }
};
template <NetworkBuilder::Smooth which>
struct Smooth {
  template <class V>
  void fields(V) {}
  int add(Graph& graph, int from, const std::string&) const { return graph.smooth(from, which); }
};

// A value that must be written: given, and at least 1.
void check_required(const ParamMap& options, const char* name) {
  const auto it = options.find(name);
  if (it == options.end()) throw ParamError(std::string(name) + " is missing");
  if (const auto* value = it->second.get<int64_t>(); value && *value < 1)
    throw ParamError(std::string(name) + ": " + std::to_string(*value) + " is not in [1, " +
                     std::to_string(kLargestSize) + "]");
}

template <class Type>
int add_layer(Graph& graph, int from, const std::string& name, const ParamMap& options) {
  if constexpr (requires { Type::required; })
    for (const char* required : Type::required) check_required(options, required);
  return gauntlet::bind<Type>(options).add(graph, from, name);
}

// What a layer does not say is the network's.
int add_batch_norm(Graph& graph, int from, const std::string& name, const ParamMap& options) {
  const BatchNormOptions network = graph.batch_norm_options();
  ParamMap given = options;
  given.try_emplace("eps", network.eps);
  given.try_emplace("momentum", network.momentum);
  return add_layer<BatchNorm>(graph, from, name, given);
}

struct LayerType {
  const char* name;
  int (*add)(Graph&, int, const std::string&, const ParamMap&);
};
constexpr LayerType kTypes[] = {{"conv", add_layer<Conv>},
                                {"linear", add_layer<Linear>},
                                {"batchnorm", add_batch_norm},
                                {"groupnorm", add_layer<GroupNorm>},
                                {"relu", add_layer<Plain<&Graph::relu>>},
                                {"leakyrelu", add_layer<LeakyRelu>},
                                {"silu", add_layer<Smooth<NetworkBuilder::Smooth::kSilu>>},
                                {"softplus", add_layer<Smooth<NetworkBuilder::Smooth::kSoftplus>>},
                                {"gelu", add_layer<Smooth<NetworkBuilder::Smooth::kGelu>>},
                                {"elu", add_layer<Smooth<NetworkBuilder::Smooth::kElu>>},
                                {"tanh", add_layer<Smooth<NetworkBuilder::Smooth::kTanh>>},
                                {"sigmoid", add_layer<Smooth<NetworkBuilder::Smooth::kSigmoid>>},
                                {"maxpool", add_layer<Pool<true>>},
                                {"avgpool", add_layer<Pool<false>>},
                                {"globalavgpool", add_layer<Plain<&Graph::global_avg_pool>>},
                                {"flatten", add_layer<Plain<&Graph::flatten>>}};

const LayerType& type_of(const std::string& name) {
  std::vector<std::string> names;
  for (const LayerType& type : kTypes) {
    if (name == type.name) return type;
    names.emplace_back(type.name);
  }
  throw ParamError("unknown type '" + name + "'" + suggestion(name, names));
}

// Takes a string out of a layer's table.
std::string taken(ParamMap& table, const char* key, const std::string& fallback) {
  const auto it = table.find(key);
  if (it == table.end()) return fallback;
  const auto* text = it->second.get<std::string>();
  if (!text) throw ParamError(std::string(key) + ": " + to_text(it->second) + " is not a string");
  const std::string value = *text;
  table.erase(it);
  return value;
}

int add_table(Graph& graph, int from, size_t index, const ParamValue& layer) try {
  const auto* table = layer.get<ParamMap>();
  if (!table) throw ParamError(to_text(layer) + " is not a table");
  ParamMap rest = *table;
  const std::string type = taken(rest, "type", ""),
                    name = taken(rest, "name", std::to_string(index)),
                    feature = taken(rest, "feature", "");
  const int value = type_of(type).add(graph, from, name, rest);
  if (!feature.empty()) graph.feature(value, feature);
  return value;
} catch (const std::exception& problem) {
  throw BadInput("layer " + std::to_string(index) + ": " + problem.what());
}
}  // namespace

void add_sequential(Graph& graph, int from, const NetworkSpec&, const ParamMap& options) {
  for (const auto& [name, value] : options)
    if (name != "layers") {
      std::vector<std::string> names = common_option_names();
      names.emplace_back("layers");
      throw ParamError("unknown option '" + name + "'" + suggestion(name, names));
    }
  const auto it = options.find("layers");
  const ParamList* layers = it == options.end() ? nullptr : it->second.get<ParamList>();
  if (!layers || layers->empty())
    throw ParamError(
        "layers is missing: a list such as [{ type = \"flatten\" }, "
        "{ type = \"linear\", out = 10 }]");
  int value = from;
  for (size_t i = 0; i < layers->size(); ++i) value = add_table(graph, value, i, (*layers)[i]);
}

}  // namespace gauntlet::models
