#include "models/architectures/load_weights.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/bad_input.h"
#include "base/shown.h"
#include "models/architectures/build_network.h"
#include "models/graph.h"
#include "models/script_network.h"
#include "models/state_check.h"
#include "models/weights/weights.h"

namespace gauntlet::models {
namespace {
using Tensors = std::map<std::string, Tensor>;

// What wrappers put before every name: DataParallel, torch.compile, modules that hold a network.
constexpr std::string_view kPrefixes[] = {"module.",  "_orig_mod.", "model.", "net.",
                                          "network.", "backbone.",  "1."};
// What layers that normalise are called; their mean may also lie beside the weights.
constexpr std::string_view kNormalisers[] = {
    "normalize.",     "normalizer.", "normalise.",  "normaliser.", "normalization.",
    "normalisation.", "norm.",       "preprocess.", "0.",          ""};
// One part of a name in all the words for it; the first stands for all.
const std::vector<std::vector<std::string_view>> kSynonyms = {
    {"fc", "linear", "classifier", "logits", "head"},
    {"downsample", "shortcut", "convShortcut"},
};
constexpr double kSameNumber = 2e-3;  // files round 0.4914 to 0.491

template <class Words>
bool found_in(const Words& words, std::string_view wanted) {
  return std::find(std::begin(words), std::end(words), wanted) != std::end(words);
}

std::string canonical(const std::string& name) {
  std::string out;
  for (size_t at = 0; at <= name.size();) {
    const size_t dot = std::min(name.find('.', at), name.size());
    std::string part = name.substr(at, dot - at);
    for (const auto& words : kSynonyms)
      if (found_in(words, part)) part = words.front();
    out += (at ? "." : "") + part;
    at = dot + 1;
  }
  return out;
}

// "mean" or "std" where a tensor has the name of one of a normalising layer, else nothing.
std::string_view normalisation(std::string_view name) {
  for (bool stripped = true; stripped;) {
    stripped = false;
    for (const std::string_view prefix : kPrefixes)
      if (name.starts_with(prefix)) name.remove_prefix(prefix.size()), stripped = true;
  }
  const size_t last = name.rfind('.') + 1;  // 0 where there is no dot
  if (!found_in(kNormalisers, name.substr(0, last))) return "";
  const std::string_view part = name.substr(last);
  constexpr std::string_view kMeans[] = {"mean", "mu", "new_mean"},
                             kStds[] = {"std", "sigma", "new_std"};
  return found_in(kMeans, part) ? "mean" : found_in(kStds, part) ? "std" : "";
}

// Takes out the mean and standard deviation of a normalising layer, compared with the spec's.
void take_normalisation(Tensors& tensors, const std::set<std::string>& own, const NetworkSpec& spec,
                        const std::string& source) {
  std::string problems;
  for (auto it = tensors.begin(); it != tensors.end();) {
    const std::string what(normalisation(it->first));
    const bool mean = what == "mean";
    const Tensor& tensor = it->second;
    if (what.empty() || own.contains(it->first) || tensor.numel() != spec.input[0] ||
        !at::isFloatingType(tensor.scalar_type())) {
      ++it;
      continue;
    }
    const Tensor flat = tensor.to(torch::kDouble).flatten();
    const std::vector<double>& wanted = mean ? spec.mean : spec.std;
    std::string values;
    bool same = true;
    for (int64_t i = 0; i < flat.numel(); ++i) {
      const double value = flat[i].item<double>();
      const double expected = wanted.empty() ? (mean ? 0 : 1) : wanted[size_t(i)];
      same &= std::abs(value - expected) <= kSameNumber;
      values += (i ? ", " : "") + to_text(std::round(value * 1e4) / 1e4);
    }
    if (!same)
      problems += "\n  " + shown(it->first) + " is [" + values + "], the entry's " + what +
                  " differs: write " + what + " = [" + values + "]";
    it = tensors.erase(it);
  }
  if (!problems.empty()) throw BadInput(source + " normalises its inputs otherwise:" + problems);
}

// The tensors with `prefix` stripped, or none where it does not stand before a whole network. What
// lies beside it (a counter of averages, a second copy) keeps its name.
Tensors without(std::string_view prefix, const Tensors& tensors, const std::set<std::string>& own) {
  const auto begins = [&](const std::string& name) { return name.starts_with(prefix); };
  if (std::all_of(own.begin(), own.end(), begins)) return {};
  Tensors shorter;
  size_t behind = 0;
  for (const auto& [name, tensor] : tensors) {
    behind += begins(name);
    if (!shorter.emplace(begins(name) ? name.substr(prefix.size()) : name, tensor).second)
      return {};
  }
  return behind == tensors.size() || behind >= own.size() ? shorter : Tensors{};
}

Tensors without_prefixes(Tensors tensors, const std::set<std::string>& own) {
  for (size_t i = 0; i < std::size(kPrefixes);) {
    if (std::all_of(own.begin(), own.end(), [&](const auto& name) { return tensors.count(name); }))
      break;
    Tensors shorter = without(kPrefixes[i++], tensors, own);
    if (!shorter.empty()) tensors = std::move(shorter), i = 0;
  }
  return tensors;
}

// A wrapper of the person's own: where the whole network lies behind one prefix and behind no
// other, names and shapes say so.
Tensors without_own_prefix(Tensors tensors, const std::vector<NamedTensor>& network) {
  if (std::all_of(network.begin(), network.end(),
                  [&](const NamedTensor& own) { return tensors.count(own.name); }))
    return tensors;
  const FittingPrefixes fitting = fitting_prefixes(tensors, network);
  const bool one = fitting.found == network.size() && fitting.prefixes.size() == 1;
  if (!one || fitting.prefixes[0].empty()) return tensors;
  const std::string& prefix = fitting.prefixes[0];
  Tensors shorter;
  for (const auto& [name, tensor] : tensors)
    if (!shorter.emplace(name.starts_with(prefix) ? name.substr(prefix.size()) : name, tensor)
             .second)
      return tensors;
  return shorter;
}

// Renames by synonym what is not in the network, where one name of each side means the same.
Tensors with_synonyms(const Tensors& tensors, const std::set<std::string>& own) {
  std::map<std::string, std::vector<std::string>> wanted, given;
  for (const std::string& name : own)
    if (!tensors.contains(name)) wanted[canonical(name)].push_back(name);
  for (const auto& [name, tensor] : tensors)
    if (!own.contains(name)) given[canonical(name)].push_back(name);
  Tensors out;
  for (const auto& [name, tensor] : tensors) {
    const auto mine = wanted.find(canonical(name));
    const bool meant = !own.contains(name) && mine != wanted.end() && mine->second.size() == 1 &&
                       given[canonical(name)].size() == 1;
    out[meant ? mine->second.front() : name] = tensor;
  }
  return out;
}
}  // namespace

Tensors matched_names(const Tensors& tensors, const Network& network, const std::string& source) {
  std::set<std::string> own;
  for (const NamedTensor& named : network.tensors()) own.insert(named.name);
  Tensors rest = tensors;
  take_normalisation(rest, own, network.spec(), source);
  rest = without_own_prefix(without_prefixes(std::move(rest), own), network.tensors());
  return with_synonyms(rest, own);
}

std::string load_weights(Network& network, const std::filesystem::path& file,
                         const std::string& wanted) {
  if (load_script(network, file)) {
    if (!wanted.empty())
      throw BadInput(file.string() + ": is a TorchScript program, with no '" + wanted + "' in it");
    return "TorchScript";
  }
  const WeightsFile weights = read_weights(file, wanted);
  const std::string taken = weights.taken.empty() ? "" : " (" + shown(weights.taken) + " in it)";
  const std::string source = file.string() + taken;
  load_state(network, matched_names(weights.tensors, network, source), source);
  return weights.format + taken;
}

}  // namespace gauntlet::models
