#include "models/state_check.h"

#include <fnmatch.h>

#include <algorithm>

#include "base/bad_input.h"
#include "base/nearest_name.h"
#include "base/shape_text.h"
#include "base/shown.h"
#include "models/graph.h"

namespace gauntlet::models {
namespace {
using State = std::map<std::string, Tensor>;

// Types that a weight may have in a file.
bool is_weight(at::ScalarType type) {
  constexpr at::ScalarType kWeights[] = {at::kFloat,    at::kDouble,        at::kHalf,
                                         at::kBFloat16, at::kFloat8_e4m3fn, at::kFloat8_e5m2};
  return std::find(std::begin(kWeights), std::end(kWeights), type) != std::end(kWeights);
}

// What is wrong with one value for one tensor, or empty.
std::string misfit(const NamedTensor& own, const Tensor& given) {
  if (given.sizes() != own.tensor.sizes())
    return shape_text(given.sizes()) + " instead of " + shape_text(own.tensor.sizes());
  if (!is_weight(given.scalar_type()))
    return std::string("not floating-point numbers but those of type ") +
           at::toString(given.scalar_type());
  const Tensor value = given.to(own.tensor.scalar_type());  // where large ones become infinite
  if (!value.isfinite().all().item<bool>()) return "values that are not finite";
  if (own.name.ends_with(".running_var") && value.lt(0).any().item<bool>())
    return "variances below 0";
  return "";
}

bool matches(const std::string& name, const std::vector<std::string>& patterns) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
  });
}

// The problems of a file, one a line.
class Problems {
 public:
  void missing(const NamedTensor& own) {
    missing_.push_back("missing: '" + own.name + "' " + shape_text(own.tensor.sizes()));
  }
  void misfit(const std::string& name, const std::string& what) {
    missing_.push_back("does not fit: '" + name + "' has " + what);
  }
  void left(const std::string& name, const Tensor& tensor, const std::vector<std::string>& own) {
    left_names_.push_back(name);
    if (left_.size() >= kMost) return;
    const std::string near = nearest_name(name, own);
    left_.push_back("not in the network: " + shown(name) + " " + shape_text(tensor.sizes()) +
                    (near.empty() ? "" : ", did you mean '" + near + "'?"));
  }

  bool any() const { return !missing_.empty() || !left_names_.empty(); }
  bool only_left() const { return missing_.empty() && !left_names_.empty(); }
  const std::vector<std::string>& left_names() const { return left_names_; }

  // Of both kinds, so that one sees what the file has instead of what is missing.
  std::string text() const {
    const size_t of_missing = std::min(missing_.size(), kMost - std::min(kMost / 2, left_.size())),
                 of_left = std::min(left_.size(), kMost - of_missing);
    std::string out;
    for (size_t i = 0; i < of_missing; ++i) out += "\n  " + missing_[i];
    for (size_t i = 0; i < of_left; ++i) out += "\n  " + left_[i];
    const size_t more = missing_.size() + left_names_.size() - of_missing - of_left;
    return out + (more ? "\n  … and " + std::to_string(more) + " more" : "");
  }

 private:
  static constexpr size_t kMost = 30;
  std::vector<std::string> missing_, left_, left_names_;
};

// "ignore = ["attacker.*"]", where few patterns leave out all that is left over.
std::string ignore_hint(const std::vector<std::string>& names) {
  constexpr size_t kMostPatterns = 4;
  std::map<std::string, std::vector<std::string>> by_module;
  for (const std::string& name : names) {
    by_module[name.substr(0, name.find('.'))].push_back(name);
    if (by_module.size() > kMostPatterns) return "";
  }
  std::string patterns;
  for (const auto& [module, of_it] : by_module) {
    const std::string pattern = of_it.size() == 1 ? of_it.front() : module + ".*";
    const bool plain = std::all_of(pattern.begin(), pattern.end(), [](unsigned char c) {
      return std::isalnum(c) || c == '_' || c == '.' || c == '-' || c == '*';
    });
    if (!plain) return "";
    patterns += (patterns.empty() ? "\"" : ", \"") + pattern + "\"";
  }
  return "\n  everything else fits: where the network does without what is left over, say "
         "ignore = [" +
         patterns + "]";
}

std::string prefix_hint(const State& state, const std::vector<NamedTensor>& network) {
  constexpr size_t kMostPrefixes = 3;
  const FittingPrefixes fitting = fitting_prefixes(state, network);
  std::string names;
  for (size_t i = 0; i < std::min(fitting.prefixes.size(), kMostPrefixes); ++i)
    if (!fitting.prefixes[i].empty())
      names += (names.empty() ? "" : " and behind ") + shown(fitting.prefixes[i]);
  if (names.empty() || 2 * fitting.found < network.size()) return "";
  return "\n  " + std::to_string(fitting.found) + " of the network's " +
         std::to_string(network.size()) + " names are there behind " + names;
}
}  // namespace

FittingPrefixes fitting_prefixes(const State& state, const std::vector<NamedTensor>& network) {
  std::map<std::string, size_t> found;
  for (const NamedTensor& own : network)
    for (const auto& [name, tensor] : state) {
      const bool ends = name.ends_with(own.name) && tensor.sizes() == own.tensor.sizes();
      const std::string prefix = ends ? name.substr(0, name.size() - own.name.size()) : "";
      if (ends && (prefix.empty() || prefix.ends_with('.'))) ++found[prefix];
    }
  FittingPrefixes out;
  for (const auto& [prefix, count] : found) out.found = std::max(out.found, count);
  for (const auto& [prefix, count] : found)
    if (count == out.found) out.prefixes.push_back(prefix);
  return out;
}

void check_state(const Network& network, const State& state,
                 const std::vector<std::string>& unneeded, const std::string& source) {
  const std::vector<NamedTensor> tensors = network.tensors();
  std::vector<std::string> names;
  std::set<std::string> known;
  Problems problems;
  for (const NamedTensor& own : tensors) {
    names.push_back(own.name), known.insert(own.name);
    const auto it = state.find(own.name);
    if (it == state.end())
      problems.missing(own);
    else if (const std::string wrong = misfit(own, it->second); !wrong.empty())
      problems.misfit(own.name, wrong);
  }
  for (const auto& [name, tensor] : state)
    if (!known.contains(name) && !matches(name, unneeded)) problems.left(name, tensor, names);
  if (!problems.any()) return;
  throw BadInput(
      source + " does not fit the network '" + network.spec().architecture +
      "':" + problems.text() +
      (problems.only_left() ? ignore_hint(problems.left_names()) : prefix_hint(state, tensors)));
}

}  // namespace gauntlet::models
