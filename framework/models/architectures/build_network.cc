#include "models/architectures/build_network.h"

#include <cmath>

#include "base/bad_input.h"
#include "base/nearest_name.h"
#include "base/shape_text.h"
#include "models/architectures/architectures.h"
#include "models/host_network.h"
#include "models/plugin_graph.h"
#include "models/script_network.h"
#include "models/state_check.h"

namespace gauntlet::models {
namespace {
// nullptr: it is none of the host's.
const Architecture* find_architecture(const std::string& name) {
  for (const Architecture& architecture : architectures())
    if (architecture.name == name) return &architecture;
  return nullptr;
}

const Architecture& architecture_of(const std::string& name) {
  if (const Architecture* found = find_architecture(name)) return *found;
  std::vector<std::string> names = architecture_names();
  names.emplace_back(kTorchScript);
  throw BadInput("unknown architecture '" + name + "'" + suggestion(name, names));
}

void check(const NetworkSpec& spec) {
  if (spec.input.size() != 3 ||
      std::any_of(spec.input.begin(), spec.input.end(), [](int64_t size) { return size < 1; }))
    throw BadInput("input: " + shape_text(spec.input) + " is not [channels, height, width]");
  if (spec.classes < 2)
    throw BadInput("classes: " + std::to_string(spec.classes) + " is fewer than 2");
  const auto per_channel = [&](const std::vector<double>& values, const std::string& name) {
    if (int64_t(values.size()) != spec.input[0])
      throw BadInput(name + ": " + std::to_string(values.size()) + " values for " +
                     std::to_string(spec.input[0]) + " channels");
    for (const double value : values)
      if (!std::isfinite(value)) throw BadInput(name + ": a value is not finite");
  };
  if (spec.mean.empty() && spec.std.empty()) return;
  per_channel(spec.mean, "mean");
  per_channel(spec.std, "std");
  for (const double value : spec.std)
    if (value <= 0) throw BadInput("std: " + to_text(value) + " is not positive");
}

// Options of every architecture.
constexpr const char *kEpsilon = "batchnorm_eps", *kMomentum = "batchnorm_momentum",
                     *kBranches = "batchnorm_branches";
struct CommonOptions {
  std::vector<std::string> ignore;
  BatchNormOptions norm;
  int64_t branches = 1;
  template <class V>
  void fields(V visit) {
    visit(ignore, "ignore", "patterns of tensors in the weights file that the network has not");
    visit(norm.eps, kEpsilon, kEpsilonHelp, kEpsilonRange);
    visit(norm.momentum, kMomentum, kMomentumHelp, kMomentumRange);
    visit(branches, kBranches,
          "batch norms for kinds of inputs that a training method tells apart; answers are of the "
          "first",
          Range{1, 16});
  }
};
CommonOptions common_options(const ParamMap& options) {
  ParamMap common;
  for (const std::string& name : common_option_names())
    if (const auto it = options.find(name); it != options.end()) common.insert(*it);
  return gauntlet::bind<CommonOptions>(common);  // not std::bind
}

// An option without effect is a mistake.
void expect_batch_norm(const NetworkSpec& spec, const std::vector<Node>& nodes) {
  const bool there = std::any_of(nodes.begin(), nodes.end(),
                                 [](const Node& node) { return node.op == Node::Op::kBatchNorm; });
  for (const char* name : {kEpsilon, kMomentum, kBranches})
    if (!there && spec.options.contains(name))
      throw ParamError(std::string(name) + ": the network has no batch norm");
}

// What the architecture does not know may be a misspelt key of every model: "; 'means': did you
// mean 'mean'?".
std::string meant_by(const ParamMap& options) {
  std::vector<std::string> keys = common_option_names();
  keys.insert(keys.end(), {"architecture", "classes", "dataset", "input", "layer_plugins", "mean",
                           "std", "weights"});
  std::string out;
  for (const auto& [name, value] : options)
    if (const std::string near = nearest_name(name, keys); !near.empty())
      out += "; '" + name + "': did you mean '" + near + "'?";
  return out;
}

std::vector<Node> build_graph(const NetworkSpec& spec) {
  Graph graph(spec.input);
  const int first = spec.mean.empty() ? 0 : graph.normalise(0, spec.mean, spec.std);
  ParamMap own = spec.options;
  for (const std::string& name : common_option_names()) own.erase(name);
  std::vector<Node> nodes;
  try {
    const CommonOptions common = common_options(spec.options);
    graph.set_batch_norm(common.norm);
    graph.set_batch_norm_branches(common.branches);
    if (spec.builds) {
      PluginGraph builder(graph, first, spec.classes);
      spec.builds(builder);
    } else {
      architecture_of(spec.architecture).add(graph, first, spec, own);
    }
    nodes = std::move(graph).finish();
    expect_batch_norm(spec, nodes);
  } catch (const ParamError& problem) {
    throw BadInput(spec.architecture + ": " + problem.what() + meant_by(own));
  }
  if (nodes.back().shape != std::vector<int64_t>{spec.classes})
    throw BadInput(spec.architecture + ": the last layer gives " + shape_text(nodes.back().shape) +
                   ", expected " + shape_text({spec.classes}) + ", one logit a class");
  return nodes;
}

// Names that need no counterpart: counters, what the architecture's own checkpoints hold without
// need, what the options say.
std::vector<std::string> unneeded(const NetworkSpec& spec) {
  std::vector<std::string> patterns = common_options(spec.options).ignore;
  patterns.insert(patterns.end(), {"num_batches_tracked", "*.num_batches_tracked", "n_averaged"});
  const Architecture* own = spec.builds ? nullptr : find_architecture(spec.architecture);
  if (own) patterns.insert(patterns.end(), own->unneeded.begin(), own->unneeded.end());
  return patterns;
}
}  // namespace

std::unique_ptr<Network> build_network(const NetworkSpec& spec, uint64_t seed) {
  check(spec);
  if (spec.architecture == kTorchScript) return script_network(spec);
  std::vector<Node> nodes = build_graph(spec);
  initialise(nodes, seed);
  return std::make_unique<HostNetwork>(spec, std::move(nodes));
}

void check_network(const NetworkSpec& spec) {
  check(spec);
  if (spec.architecture == kTorchScript)
    script_network(spec);
  else
    build_graph(spec);
}

Schema common_option_specs() { return schema_of<CommonOptions>(); }

std::vector<std::string> common_option_names() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> names;
    for (const ParamSpec& spec : common_option_specs()) names.push_back(spec.name);
    return names;
  }();
  return all;
}

void load_state(Network& network, const std::map<std::string, Tensor>& state,
                const std::string& source) {
  check_state(network, state, unneeded(network.spec()), source);
  const at::NoGradGuard no_graph;
  for (const NamedTensor& own : network.tensors()) own.tensor.copy_(state.at(own.name));
  network.weights_changed();
}

}  // namespace gauntlet::models
