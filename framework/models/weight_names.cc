// From the names in a file to those of the network.
#include <algorithm>
#include <cmath>
#include <set>

#include "base/bad_input.h"
#include "models/graph.h"
#include "models/script_network.h"
#include "models/weights.h"

namespace gauntlet {
namespace {
using Tensors = std::map<std::string, Tensor>;

// What wrappers put before every name: DataParallel, torch.compile, modules that hold a network.
constexpr std::string_view kPrefixes[] = {"module.",  "_orig_mod.", "model.", "net.",
                                          "network.", "backbone.",  "1."};
// One part of a name in all the words for it; the first stands for all.
const std::vector<std::vector<std::string_view>> kSynonyms = {
    {"fc", "linear", "classifier", "logits", "head"},
    {"downsample", "shortcut", "convShortcut"},
};
constexpr double kSameNumber = 2e-3;  // files round 0.4914 to 0.491

std::string last_part(const std::string& name) {
  const size_t dot = name.rfind('.');
  return dot == std::string::npos ? name : name.substr(dot + 1);
}

std::string canonical(const std::string& name) {
  std::string out;
  for (size_t at = 0; at <= name.size();) {
    const size_t dot = std::min(name.find('.', at), name.size());
    std::string part = name.substr(at, dot - at);
    for (const auto& words : kSynonyms)
      if (std::find(words.begin(), words.end(), part) != words.end()) part = words.front();
    out += (at ? "." : "") + part;
    at = dot + 1;
  }
  return out;
}

// Takes out the mean and standard deviation of a normalising layer, compared with the spec's.
void take_normalisation(Tensors& tensors, const std::set<std::string>& own, const NetworkSpec& spec,
                        const std::string& source) {
  std::string problems;
  for (auto it = tensors.begin(); it != tensors.end();) {
    const std::string part = last_part(it->first);
    const bool mean = part == "mean" || part == "mu", std = part == "std" || part == "sigma";
    const Tensor& tensor = it->second;
    if (!(mean || std) || own.count(it->first) || tensor.numel() != spec.input[0] ||
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
      problems += "\n  '" + it->first + "' is [" + values + "], the entry's " +
                  (mean ? "mean" : "std") + " differs: write " + (mean ? "mean" : "std") + " = [" +
                  values + "]";
    it = tensors.erase(it);
  }
  if (!problems.empty()) throw BadInput(source + " normalises its inputs otherwise:" + problems);
}

bool all_begin_with(const auto& names, std::string_view prefix) {
  return std::all_of(names.begin(), names.end(),
                     [&](const std::string& name) { return name.starts_with(prefix); });
}

Tensors without_prefixes(Tensors tensors, const std::set<std::string>& own) {
  for (bool stripped = true; stripped && !tensors.empty();) {
    stripped = false;
    std::vector<std::string> names;
    for (const auto& [name, tensor] : tensors) names.push_back(name);
    for (const std::string_view prefix : kPrefixes) {
      if (!all_begin_with(names, prefix) || all_begin_with(own, prefix)) continue;
      Tensors shorter;
      for (auto& [name, tensor] : tensors) shorter[name.substr(prefix.size())] = tensor;
      tensors = std::move(shorter), stripped = true;
      break;
    }
  }
  return tensors;
}

// Renames by synonym what is not in the network, where one name of each side means the same.
Tensors with_synonyms(const Tensors& tensors, const std::set<std::string>& own) {
  std::map<std::string, std::vector<std::string>> wanted, given;
  for (const std::string& name : own)
    if (!tensors.count(name)) wanted[canonical(name)].push_back(name);
  for (const auto& [name, tensor] : tensors)
    if (!own.count(name)) given[canonical(name)].push_back(name);
  Tensors out;
  for (const auto& [name, tensor] : tensors) {
    const auto mine = wanted.find(canonical(name));
    const bool meant = !own.count(name) && mine != wanted.end() && mine->second.size() == 1 &&
                       given[canonical(name)].size() == 1;
    out[meant ? mine->second.front() : name] = tensor;
  }
  return out;
}
}  // namespace

Tensors matched_names(const Tensors& tensors, const Network& network, const std::string& source) {
  std::set<std::string> own;
  for (const NamedTensor& named : network.tensors()) own.insert(named.name);
  if (std::all_of(own.begin(), own.end(), [&](const auto& name) { return tensors.count(name); }))
    return tensors;
  Tensors rest = tensors;
  take_normalisation(rest, own, network.spec(), source);
  return with_synonyms(without_prefixes(std::move(rest), own), own);
}

void load_weights(Network& network, const std::filesystem::path& file) {
  if (load_script(network, file)) return;
  const WeightsFile weights = read_weights(file);
  const std::string source =
      file.string() + (weights.taken.empty() ? "" : " ('" + weights.taken + "' in it)");
  load_state(network, matched_names(weights.tensors, network, source), source);
}

}  // namespace gauntlet
