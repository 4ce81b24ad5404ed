#include "models/network.h"

#include <fnmatch.h>

#include <cmath>

#include "base/bad_input.h"
#include "base/nearest_name.h"
#include "base/shown.h"
#include "models/architectures.h"
#include "models/host_network.h"
#include "models/plugin_graph.h"
#include "models/script_network.h"

namespace gauntlet {
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
  names.push_back(kTorchScript);
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
struct CommonOptions {
  std::vector<std::string> ignore;
  template <class V>
  void fields(V visit) {
    visit(ignore, "ignore", "patterns of tensors in the weights file that the network has not");
  }
};
CommonOptions common_options(const ParamMap& options) {
  const auto it = options.find("ignore");
  return gauntlet::bind<CommonOptions>(it == options.end() ? ParamMap{}
                                                           : ParamMap{*it});  // not std::bind
}

std::vector<Node> build_graph(const NetworkSpec& spec) {
  Graph graph(spec.input);
  const int first = spec.mean.empty() ? 0 : graph.normalise(0, spec.mean, spec.std);
  ParamMap own = spec.options;
  own.erase("ignore");
  try {
    common_options(spec.options);
    if (spec.builds) {
      PluginGraph builder(graph, first, spec.classes);
      spec.builds(builder);
    } else {
      architecture_of(spec.architecture).add(graph, first, spec, own);
    }
  } catch (const ParamError& problem) {
    throw BadInput(spec.architecture + ": " + problem.what());
  }
  std::vector<Node> nodes = std::move(graph).finish();
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

bool ignored(const std::string& name, const std::vector<std::string>& patterns) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
  });
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

int64_t multiply_adds(const Network& network) {
  int64_t sum = 0;
  for (const Layer& layer : network.layers()) {
    const bool conv = layer.kind == Layer::Kind::kConv;
    sum +=
        c10::multiply_integers(layer.weight_shape) * (conv ? layer.output[1] * layer.output[2] : 1);
  }
  return sum;
}

namespace {
// What is wrong with one value for one tensor, or empty.
std::string misfit(const NamedTensor& own, const Tensor& given) {
  if (given.sizes() != own.tensor.sizes())
    return shape_text(given.sizes()) + " instead of " + shape_text(own.tensor.sizes());
  if (!at::isFloatingType(given.scalar_type())) return "not floating-point numbers";
  const Tensor value = given.to(own.tensor.scalar_type());  // where large ones become infinite
  if (!value.isfinite().all().item<bool>()) return "values that are not finite";
  if (own.name.ends_with(".running_var") && value.lt(0).any().item<bool>())
    return "variances below 0";
  return "";
}

// The problems of a file, one a line, as many as one reads.
class Problems {
 public:
  bool full() const { return count_ >= kMost; }
  void add(const std::string& problem) {
    if (!full()) text_ += "\n  " + problem;
    ++count_;
  }
  void throw_if_any(const std::string& what) const {
    if (count_ == 0) return;
    throw BadInput(what + text_ +
                   (count_ > kMost ? "\n  … and " + std::to_string(count_ - kMost) + " more" : ""));
  }

 private:
  static constexpr size_t kMost = 30;
  std::string text_;
  size_t count_ = 0;
};
}  // namespace

void load_state(Network& network, const std::map<std::string, Tensor>& state,
                const std::string& source) {
  const std::vector<std::string> patterns = unneeded(network.spec());
  const std::vector<NamedTensor> tensors = network.tensors();
  std::vector<std::string> names;
  Problems problems;
  for (const NamedTensor& own : tensors) {
    names.push_back(own.name);
    const auto it = state.find(own.name);
    if (it == state.end())
      problems.add("missing: '" + own.name + "' " + shape_text(own.tensor.sizes()));
    else if (const std::string wrong = misfit(own, it->second); !wrong.empty())
      problems.add("does not fit: '" + own.name + "' has " + wrong);
  }
  for (const auto& [name, tensor] : state) {
    if (std::find(names.begin(), names.end(), name) != names.end() || ignored(name, patterns))
      continue;
    const std::string near = problems.full() ? "" : nearest_name(name, names);
    problems.add("not in the network: " + shown(name) + " " + shape_text(tensor.sizes()) +
                 (near.empty() ? "" : ", did you mean '" + near + "'?"));
  }
  problems.throw_if_any(source + " does not fit the network '" + network.spec().architecture +
                        "':");
  const at::NoGradGuard no_graph;
  for (const NamedTensor& own : tensors) own.tensor.copy_(state.at(own.name));
  network.weights_changed();
}

}  // namespace gauntlet
