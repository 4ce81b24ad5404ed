#include "evaluation/identity.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <torch/version.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <set>

#include "base/bad_input.h"
#include "base/sha256.h"
#include "evaluation/attack_facts.h"
#include "models/architectures/architectures.h"
#include "models/architectures/build_network.h"
#include "models/script_network.h"
#include "registry/training_log.h"
#include "suite/names.h"
#include "suite/param_json.h"

namespace gauntlet::evaluation {
namespace {
using nlohmann::json;

std::string weights_hash(const registry::ModelEntry& entry) {
  return entry.sha256.empty() ? sha256_of_file(entry.weights) : entry.sha256;
}

json network_json(const models::NetworkSpec& spec) {
  return {{"architecture", spec.architecture},
          {"input", spec.input},
          {"classes", spec.classes},
          {"mean", spec.mean},
          {"std", spec.std},
          {"options", suite::to_json(spec.options)}};
}

json uses_json(const std::vector<Use>& uses) {
  json out = json::array();
  for (const Use& use : uses)
    out.push_back({{"use", use.plugin}, {"params", suite::to_json(use.with)}});
  return out;
}

json content_of(const std::string& kind, const std::string& plugin, const ParamMap& params,
                const Laboratory& lab);

json contents_of(const std::vector<Use>& uses, const Laboratory& lab) {
  json out = json::array();
  for (const Use& use : uses)
    out.push_back(
        {{"use", use.plugin}, {"params", content_of("defense", use.plugin, use.with, lab)}});
  return out;
}

json model_json(const registry::ModelEntry& entry, const Laboratory& lab) {
  return {{"network", network_json(entry.network)},
          {"weights", weights_hash(entry)},
          {"layer_plugins", contents_of(entry.layer_plugins, lab)}};
}

// What a plugin says of itself. Where it throws, no cell of it gets a number, whatever it is.
template <class Question>
bool says(const Question& question) try {
  return question();
} catch (const BadInput&) {
  throw;
} catch (const ParamError&) {
  throw;
} catch (...) {
  return false;
}

bool wants_fit(const Use& use, const Laboratory& lab) {
  return says([&] {
    const auto plugin = lab.plugins().defense(use.plugin, use.with);
    const auto* fits = dynamic_cast<const Fits*>(plugin.get());
    return fits && fits->wanted();
  });
}

// What the sums of files do not say: how a split is read where that can be chosen; null elsewhere.
json reading_of(const registry::DatasetEntry::Split& split, const registry::DatasetEntry& entry) {
  if (split.format == data::DataFormat::kImages)
    return {{"shape", entry.shape}, {"resize", split.resize}, {"classes", entry.class_names}};
  if (split.format == data::DataFormat::kNpz)
    return {{"images", split.images_array},
            {"labels", split.labels_array},
            {"channels_last", split.channels_last}};
  return nullptr;
}

// The training images of a data set, by the sums of their files.
json training_json(const registry::DatasetEntry& data) {
  json sums = json::array(), out = {{"dataset", data.id}};
  if (const registry::DatasetEntry::Split* split = data.find_split("train")) {
    for (const registry::DatasetEntry::DataFile& file : split->files)
      sums.push_back(file.content_sha256.empty() ? file.sha256 : file.content_sha256);
    if (json read = reading_of(*split, data); !read.is_null()) out["read"] = std::move(read);
  }
  out["sha256"] = sums;
  return out;
}

// The sum of what was trained with the model for one of the wrappers; empty: for none of them.
std::string learned_hash(const registry::ModelEntry& entry, const std::vector<Use>& stack,
                         const Laboratory& lab) {
  const bool learns = std::any_of(stack.begin(), stack.end(), [&](const Use& use) {
    return says([&] {
      const auto plugin = lab.plugins().defense(use.plugin, use.with);
      return dynamic_cast<const Learns*>(plugin.get()) != nullptr;
    });
  });
  return learns ? entry.learned.sha256 : "";
}

// The data that wrappers are fitted on; null where none is fitted.
json fitted_on(const std::vector<Use>& stack, const registry::ModelEntry& entry,
               const Laboratory& lab) {
  if (std::none_of(stack.begin(), stack.end(), [&](auto& use) { return wants_fit(use, lab); }))
    return nullptr;
  const registry::Registry& registry = lab.registry();
  return training_json(TrainingImages(registry, registry.dataset(entry.dataset)).entry());
}

// The same where some file has no sum that would tell: those are read.
json training_json(TrainingImages& images) {
  json out = training_json(images.entry());
  for (const json& sum : out["sha256"])
    if (sum == "") {
      out["content_sha256"] = images.sha256();
      break;
    }
  return out;
}

// A model and what stands around it.
json wrapped_json(const registry::ModelEntry& entry, const std::vector<Use>& stack,
                  const Laboratory& lab) {
  json out = {{"model", model_json(entry, lab)}, {"stack", contents_of(stack, lab)}};
  if (json data = fitted_on(stack, entry, lab); !data.is_null()) out["fitted_on"] = std::move(data);
  if (std::string sum = learned_hash(entry, stack, lab); !sum.empty()) out["learned"] = sum;
  return out;
}

// The models a parameter names.
std::vector<ModelRef> models_of(const ParamSpec& spec, const ParamValue& value) {
  std::vector<ModelRef> out;
  if (spec.type == ParamType::kModel)
    detail::ParamTraits<ModelRef>::assign(out.emplace_back(), value);
  if (spec.type == ParamType::kModelList)
    detail::ParamTraits<std::vector<ModelRef>>::assign(out, value);
  std::erase_if(out, [](const ModelRef& ref) { return ref.id.empty(); });
  return out;
}

json source_json(const ModelRef& ref, const Laboratory& lab) {
  const registry::ModelEntry entry = lab.registry().model(ref.id);
  return ref.stack.empty() ? model_json(entry, lab) : wrapped_json(entry, ref.stack, lab);
}

// Parameters that stand for something else (models, files, plugins) are named by their content.
json content_of(const std::string& kind, const std::string& plugin, const ParamMap& params,
                const Laboratory& lab) {
  json out = json::object();
  for (const ParamSpec& spec : lab.plugins().schema(kind, plugin)) {
    const auto it = params.find(spec.name);
    const ParamValue& value = it == params.end() ? spec.fallback : it->second;
    out[spec.name] = suite::to_json(value);
    const auto* text = value.get<std::string>();
    const std::vector<ModelRef> models = models_of(spec, value);
    if (spec.type == ParamType::kModel && !models.empty())
      out[spec.name] = source_json(models.front(), lab);
    if (spec.type == ParamType::kModelList) {
      out[spec.name] = json::array();
      for (const ModelRef& ref : models) out[spec.name].push_back(source_json(ref, lab));
    }
    if (spec.type == ParamType::kFile && text && !text->empty())
      out[spec.name] = sha256_of_file(*text);
    json attacks = json::array();
    for (const Use& use : uses_of(spec, value))
      attacks.push_back(
          {{"use", use.plugin}, {"params", content_of("attack", use.plugin, use.with, lab)}});
    if (spec.type == ParamType::kUse) out[spec.name] = attacks.front();
    if (spec.type == ParamType::kUseList) out[spec.name] = attacks;
  }
  return out;
}

std::string saturation_text(suite::Saturation saturation) {
  return word_for(suite::kSaturations, saturation);
}

// Without "saturation" nothing is retried: what every result meant before there was a choice.
json host_json(const suite::HostKeys& keys) {
  json out = {{"restarts", keys.restarts},
              {"draws", keys.draws},
              {"average", keys.average ? json(suite::to_string(*keys.average)) : json(nullptr)},
              {"goal", suite::to_string(keys.goal)},
              {"access", keys.access ? json(suite::to_string(*keys.access)) : json(nullptr)},
              {"max_queries", keys.max_queries},
              {"precision", word_for(suite::kPrecisions, keys.mode)}};
  if (keys.retries()) out["saturation"] = saturation_text(suite::Saturation::kRetry);
  // A cell that is skipped for it is no answer to the same without it.
  if (keys.division) out["division"] = to_string(*keys.division);
  return out;
}

json scoring_json(const suite::Scoring& scoring) {
  return {{"trials", scoring.trials},
          {"draws", scoring.draws},
          {"success", word_for(suite::kSuccesses, scoring.success)}};
}

bool couples_rows(const std::vector<Use>& layer_plugins, const Laboratory& lab) {
  return std::any_of(layer_plugins.begin(), layer_plugins.end(), [&](const Use& use) {
    return says([&] {
      const auto plugin = lab.plugins().defense(use.plugin, use.with);
      const auto* perturbs = dynamic_cast<PerturbsLayers*>(plugin.get());
      return perturbs && perturbs->couples_rows();
    });
  });
}

// Every attack behind an attack, itself the first, and every model that one of them names.
void visit_parts(const std::string& attack, const ParamMap& params, const Laboratory& lab,
                 const std::function<void(const std::string&)>& on_attack,
                 const std::function<void(const ModelRef&)>& on_model) {
  on_attack(attack);
  for (const ParamSpec& spec : lab.plugins().schema("attack", attack)) {
    const auto it = params.find(spec.name);
    const ParamValue& value = it == params.end() ? spec.fallback : it->second;
    for (const ModelRef& ref : models_of(spec, value)) on_model(ref);
    for (const Use& inner : uses_of(spec, value))
      visit_parts(inner.plugin, inner.with, lab, on_attack, on_model);
  }
}

// A whole program as a source is not probed yet when its cell is named, so it may.
bool sources_couple_rows(const std::string& attack, const ParamMap& params, const Laboratory& lab) {
  bool found = false;
  visit_parts(
      attack, params, lab, [](const std::string&) {},
      [&](const ModelRef& ref) {
        const registry::ModelEntry entry = lab.registry().model(ref.id);
        found |= entry.network.architecture == models::kTorchScript ||
                 couples_rows(entry.layer_plugins, lab);
      });
  return found;
}

bool batch_matters(const suite::DefenseSpec& defense, const suite::AttackSpec& attack,
                   const Laboratory& lab) {
  const DefendedModel* probed = lab.known(defense.name);
  return (probed && probed->couples_rows()) || says([&] {
           return lab.plugins().attack(attack.plugin, attack.params)->facts().couples_rows;
         }) ||
         couples_rows(defense.model.layer_plugins, lab) ||
         sources_couple_rows(attack.plugin, attack.params, lab);
}

void collect_plugins(const std::string& attack, const ParamMap& params, const Laboratory& lab,
                     std::set<std::string>& names);

void collect_defenses(const std::vector<Use>& uses, const Laboratory& lab,
                      std::set<std::string>& names);

// Those inside of a network, and the one that builds it where that is a plugin.
void collect_network(const registry::ModelEntry& entry, const Laboratory& lab,
                     std::set<std::string>& names) {
  const std::vector<std::string> own = models::architecture_names();
  const std::string& architecture = entry.network.architecture;
  if (std::find(own.begin(), own.end(), architecture) == own.end() &&
      lab.plugins().has("defense", architecture))
    names.insert("defense/" + architecture);
  collect_defenses(entry.layer_plugins, lab, names);
}

// Defenses, and the attacks that they are fitted with.
void collect_defenses(const std::vector<Use>& uses, const Laboratory& lab,
                      std::set<std::string>& names) {
  for (const Use& use : uses) {
    names.insert("defense/" + use.plugin);
    if (!wants_fit(use, lab)) continue;
    for (const ParamSpec& spec : lab.plugins().schema("defense", use.plugin)) {
      const auto it = use.with.find(spec.name);
      for (const Use& inner : uses_of(spec, it == use.with.end() ? spec.fallback : it->second))
        collect_plugins(inner.plugin, inner.with, lab, names);
    }
  }
}

// The plugins behind an attack ("attack/pgd"): those it runs, and those in and around its sources.
void collect_plugins(const std::string& attack, const ParamMap& params, const Laboratory& lab,
                     std::set<std::string>& names) {
  visit_parts(
      attack, params, lab, [&](const std::string& name) { names.insert("attack/" + name); },
      [&](const ModelRef& ref) {
        collect_network(lab.registry().model(ref.id), lab, names);
        collect_defenses(ref.stack, lab, names);
      });
}

// SHA-256 of the library that a function of it lies in.
std::string digest_around(const void* address) {
  Dl_info info{};
  if (!dladdr(address, &info) || !info.dli_fname) return "unknown";
  return sha256_of_file(info.dli_fname);
}

const std::string& sdk_digest() {
  static const std::string digest = digest_around(
      reinterpret_cast<const void*>(static_cast<Tensor (*)(const Tensor&)>(&per_image)));
  return digest;
}

// A plugin that is a parameter says all of its own: {"use": "pgd", "steps": 7, …}.
json filled(const ParamSpec& spec, const ParamValue& value, const Laboratory& lab) {
  json out = json::array();
  for (const Use& inner : uses_of(spec, value)) {
    json attack = {{"use", inner.plugin}};
    for (const ParamSpec& each : lab.plugins().schema("attack", inner.plugin)) {
      const auto it = inner.with.find(each.name);
      attack[each.name] = filled(each, it == inner.with.end() ? each.fallback : it->second, lab);
    }
    out.push_back(std::move(attack));
  }
  if (spec.type == ParamType::kUse) return out.front();
  return spec.type == ParamType::kUseList ? out : suite::to_json(value);
}

// {name: {value, default}}
json with_defaults(const std::string& kind, const std::string& plugin, const ParamMap& params,
                   const Laboratory& lab) {
  json out = json::object();
  for (const ParamSpec& spec : lab.plugins().schema(kind, plugin)) {
    const auto it = params.find(spec.name);
    out[spec.name] = {{"value", filled(spec, it == params.end() ? spec.fallback : it->second, lab)},
                      {"default", filled(spec, spec.fallback, lab)}};
  }
  return out;
}
}  // namespace

namespace {
// Host keys and scoring beside what holds where the suite says nothing.
json beside_defaults(const json& values, const json& defaults) {
  json out = json::object();
  for (const auto& [name, value] : values.items())
    out[name] = {{"value", value}, {"default", defaults.at(name)}};
  return out;
}
}  // namespace

const std::string& engine_digest() {
  static const std::string digest = digest_around(reinterpret_cast<const void*>(&engine_digest));
  return digest;
}

json data_question(const suite::DataSpec& from, const data::Dataset& data,
                   const std::vector<int64_t>& indices) {
  json out = {{"sha256", data.sha256}, {"split", data.split}, {"indices", indices}};
  if (const registry::DatasetEntry::Split* split = from.entry.find_split(data.split))
    if (json read = reading_of(*split, from.entry); !read.is_null()) out["read"] = std::move(read);
  return out;
}

namespace {
// The training images that a column's attack may take; null where it asks for none, or there are
// none.
json samples_json(const suite::AttackSpec& attack, const Laboratory& lab) {
  int64_t wanted = 0;
  says([&] {
    return wanted = samples_wanted({attack.plugin, attack.params}, lab.plugins()), true;
  });
  if (wanted <= 0 || !lab.samples_problem().empty()) return nullptr;
  TrainingImages& images = *lab.lent_samples();
  json out = training_json(images);
  out["count"] = std::min(wanted, images.size());
  return out;
}
}  // namespace

namespace {
json attack_json(const suite::AttackSpec& attack, const suite::ThreatSpec& threat, int64_t seed,
                 const Laboratory& lab) {
  return {{"attack",
           {{"plugin", attack.plugin},
            {"params", content_of("attack", attack.plugin, attack.params, lab)}}},
          {"host", host_json(attack.host)},
          {"threat", {{"norm", suite::to_string(threat.norm)}, {"epsilon", threat.epsilon}}},
          {"seed", seed}};
}
}  // namespace

json question(const suite::Job& job, const data::Dataset& data, int64_t batch_size,
              const Laboratory& lab) {
  const suite::AttackSpec& attack = *job.attack;
  json out = attack_json(attack, job.threat, job.seed, lab);
  out["schema"] = 1;
  out["data"] = data_question(job.data, data, job.data.indices);
  out["scoring"] = scoring_json(job.scoring);
  out.update(wrapped_json(job.defense.model, job.defense.stack, lab));
  if (json samples = samples_json(attack, lab); !samples.is_null())
    out["attack"]["samples"] = std::move(samples);
  if (batch_matters(job.defense, attack, lab)) out["batch_size"] = batch_size;
  return out;
}

json certification_question(const suite::Job& job, const data::Dataset& data,
                            const Laboratory& lab) {
  json out = {{"schema", 1},
              {"kind", "certification"},
              {"data", data_question(job.data, data, job.data.indices)},
              {"seed", job.seed}};
  out.update(wrapped_json(job.defense.model, job.defense.stack, lab));
  return out;
}

std::string identity_of(const json& question) { return sha256(question.dump()); }

std::string draws_identity(const suite::DefenseSpec& defense, const DefendedModel& model,
                           const Laboratory& lab) {
  if (!model.shares_draws() || model.fits()) return "";
  std::vector<Use> stack = defense.stack;
  for (Use& use : stack) {
    const auto plugin = lab.plugins().defense(use.plugin, use.with);
    const auto* votes = dynamic_cast<const Votes*>(plugin.get());
    if (!votes) continue;
    for (const std::string& name : votes->ballot_only()) use.with.erase(name);
  }
  return identity_of(wrapped_json(defense.model, stack, lab));
}

std::string attack_identity(const suite::AttackSpec& attack, const suite::ThreatSpec& threat,
                            int64_t seed, Average average, const Laboratory& lab) {
  json out = attack_json(attack, threat, seed, lab);
  out["average"] =
      attack.host.average ? suite::to_string(*attack.host.average) : suite::to_string(average);
  return identity_of(out);
}

std::string told_apart(const std::string& identity, std::map<std::string, int64_t>& asked) {
  const int64_t times = ++asked[identity];
  return times == 1 ? identity : identity + "-" + std::to_string(times);
}

namespace {
json answerer(const std::set<std::string>& names, const Laboratory& lab) {
  json plugins = json::object();
  for (const std::string& name : names) {
    const size_t slash = name.find('/');
    plugins[name] = lab.plugins().digest(name.substr(0, slash), name.substr(slash + 1));
  }
  return {{"engine", engine_digest()}, {"libgauntlet", sdk_digest()},  {"plugins", plugins},
          {"libtorch", TORCH_VERSION}, {"device", lab.device().str()}, {"precision", "float32"}};
}

std::set<std::string> plugins_of(const suite::DefenseSpec& defense, const Laboratory& lab) {
  std::set<std::string> names;
  collect_network(defense.model, lab, names);
  collect_defenses(defense.stack, lab, names);
  return names;
}
}  // namespace

json answerer(const suite::DefenseSpec& defense, const Laboratory& lab) {
  return answerer(plugins_of(defense, lab), lab);
}

FittingQuestion::FittingQuestion(const registry::ModelEntry& entry, const std::vector<Use>& stack,
                                 TrainingImages& images, const Laboratory& lab)
    : laboratory_(lab) {
  std::set<std::string> plugins;
  collect_network(entry, lab, plugins);
  collect_defenses(stack, lab, plugins);
  question_ = {{"schema", 1}, {"kind", "fitting"}, {"by", answerer(plugins, lab)}};
  question_.update(wrapped_json(entry, stack, lab));
  question_["fitted_on"] = training_json(images);
}

std::string FittingQuestion::identity(size_t place) const {
  json of_one = question_;
  of_one["place"] = place;
  return identity_of(of_one);
}

bool FittingQuestion::names(const Use& attack) const {
  const json wanted = {{"use", attack.plugin},
                       {"params", content_of("attack", attack.plugin, attack.with, laboratory_)}};
  // Equal objects have equal texts: their keys are in order.
  return question_.dump().find(wanted.dump()) != std::string::npos;
}

json answerer(const suite::DefenseSpec& defense, const suite::AttackSpec& attack,
              const Laboratory& lab) {
  return answerer(plugins_behind(defense, attack, lab), lab);
}

std::set<std::string> plugins_behind(const suite::DefenseSpec& defense,
                                     const suite::AttackSpec& attack, const Laboratory& lab) {
  std::set<std::string> names = plugins_of(defense, lab);
  collect_plugins(attack.plugin, attack.params, lab, names);
  return names;
}

std::set<std::string> sources_of(const suite::AttackSpec& attack, const Laboratory& lab) {
  std::set<std::string> ids;
  visit_parts(
      attack.plugin, attack.params, lab, [](const std::string&) {},
      [&](const ModelRef& ref) { ids.insert(ref.id); });
  return ids;
}

namespace {
constexpr int64_t kShownNumbers = 256;

// A small tensor as nested lists, a single number as itself.
json numbers(const Tensor& tensor) {
  if (tensor.dim() > 0) {
    json out = json::array();
    for (int64_t i = 0; i < tensor.size(0); ++i) out.push_back(numbers(tensor[i]));
    return out;
  }
  if (!tensor.is_floating_point()) return tensor.item<int64_t>();
  if (tensor.scalar_type() == torch::kDouble) return tensor.item<double>();
  // The shortest text of a float, so that 0.04 stays 0.04.
  return std::strtod(fmt::format("{}", tensor.item<float>()).c_str(), nullptr);
}

// What the row's wrappers found on validation data.
json fitted_of(const suite::DefenseSpec& defense, const Laboratory& lab) {
  json out = json::object();
  if (const DefendedModel* model = lab.known(defense.name))
    for (const auto& [wrapper, state] : model->fitted())
      for (const auto& [name, tensor] : state)
        if (tensor.numel() <= kShownNumbers) out[wrapper][name] = numbers(tensor);
  return out;
}
}  // namespace

namespace {
json uses_of(const std::vector<Use>& list, const Laboratory& lab) {
  json out = json::array();
  for (const Use& use : list)
    out.push_back(
        {{"use", use.plugin}, {"params", with_defaults("defense", use.plugin, use.with, lab)}});
  return out;
}

// All that the identity takes of a model and what stands around it.
json model_parameters(const registry::ModelEntry& entry, const std::vector<Use>& stack,
                      const Laboratory& lab) {
  const models::NetworkSpec& network = entry.network;
  json out = {{"model", entry.id},
              {"architecture", network.architecture},
              {"input", network.input},
              {"classes", network.classes},
              {"mean", network.mean},
              {"std", network.std},
              {"options", suite::to_json(network.options)},
              {"weights_sha256", weights_hash(entry)},
              {"layer_plugins", uses_of(entry.layer_plugins, lab)},
              {"stack", uses_of(stack, lab)}};
  if (json data = fitted_on(stack, entry, lab); !data.is_null()) out["fitted_on"] = std::move(data);
  if (std::string sum = learned_hash(entry, stack, lab); !sum.empty()) out["learned_sha256"] = sum;
  return out;
}

// What files hold that an attack or a plugin inside of it names.
void add_files(const std::string& plugin, const ParamMap& params, const Laboratory& lab,
               json& files) {
  for (const ParamSpec& spec : lab.plugins().schema("attack", plugin)) {
    const auto it = params.find(spec.name);
    const ParamValue& value = it == params.end() ? spec.fallback : it->second;
    const auto* path = value.get<std::string>();
    if (spec.type == ParamType::kFile && path && !path->empty())
      files[spec.name] = sha256_of_file(*path);
    for (const Use& inner : uses_of(spec, value)) add_files(inner.plugin, inner.with, lab, files);
  }
}

json attack_parameters(const suite::AttackSpec& attack, const Laboratory& lab) {
  json out = {{"plugin", attack.plugin},
              {"params", with_defaults("attack", attack.plugin, attack.params, lab)}};
  // No part of the identity: it follows from the plugin and its parameters.
  if (says(
          [&] { return lab.plugins().attack(attack.plugin, attack.params)->facts().minimal_norm; }))
    out["minimal_norm"] = true;
  json files;
  add_files(attack.plugin, attack.params, lab, files);
  if (!files.is_null()) out["files_sha256"] = std::move(files);
  visit_parts(
      attack.plugin, attack.params, lab, [](const std::string&) {},
      [&](const ModelRef& ref) {
        out["sources"].push_back(model_parameters(lab.registry().model(ref.id), ref.stack, lab));
      });
  return out;
}

constexpr size_t kShownRanges = 20;

// "0-999", "3, 17-20".
std::string ranges_text(const std::vector<int64_t>& indices) {
  std::string text;
  size_t ranges = 0;
  for (size_t i = 0; i < indices.size();) {
    size_t last = i;
    while (last + 1 < indices.size() && indices[last + 1] == indices[last] + 1) ++last;
    if (++ranges > kShownRanges)
      return text + fmt::format(", … ({} images, SHA-256 {})", indices.size(),
                                sha256(json(indices).dump()));
    text += (text.empty() ? "" : ", ") + std::to_string(indices[i]);
    if (last > i) text += "-" + std::to_string(indices[last]);
    i = last + 1;
  }
  return text;
}
}  // namespace

json data_parameters(const suite::DataSpec& from, const data::Dataset& data,
                     const std::vector<int64_t>& indices) {
  json out = data_question(from, data, indices);
  out["dataset"] = data.id;
  out["indices"] = ranges_text(indices);
  if (!data.remarks.empty()) out["reading"] = data.remarks;  // files that were left out
  return out;
}

json parameters_of(const suite::DefenseSpec& defense, const Laboratory& lab) {
  json out = model_parameters(defense.model, defense.stack, lab);
  out["fitted"] = fitted_of(defense, lab);
  out["training"] = suite::to_json(defense.model.training);
  return {{"defense", std::move(out)}};
}

json parameters_of(const suite::Job& job, const data::Dataset& data, const Laboratory& lab) {
  const suite::AttackSpec& attack = *job.attack;
  json out = parameters_of(job.defense, lab);
  out["attack"] = attack_parameters(attack, lab);
  if (json samples = samples_json(attack, lab); !samples.is_null())
    out["attack"]["samples"] = std::move(samples);
  json defaults = host_json({});
  if (attack.host.division) defaults["division"] = nullptr;
  out["host"] = beside_defaults(host_json(attack.host), defaults);
  if (!attack.host.retries())
    out["host"]["saturation"] = {{"value", saturation_text(suite::Saturation::kReport)},
                                 {"default", saturation_text(suite::Saturation::kRetry)}};
  out["scoring"] = beside_defaults(scoring_json(job.scoring), scoring_json({}));
  out["data"] = data_parameters(job.data, data, job.data.indices);
  return out;
}

namespace {
// By model; null where no model has one that is there.
json training_logs_of(const suite::Suite& suite) {
  json logs;
  for (const suite::DefenseSpec& d : suite.defenses) {
    if (d.model.log.empty() || logs.contains(d.model.id) || !std::filesystem::exists(d.model.log))
      continue;
    const registry::TrainingLog log = registry::read_training_log(d.model.log);
    json rows = json::array();
    for (const auto& row : log.rows) {
      json& line = rows.emplace_back(json::array());
      for (const auto& value : row) line.push_back(value ? json(*value) : json(nullptr));
    }
    logs[d.model.id] = {{"columns", log.columns}, {"rows", std::move(rows)}};
  }
  return logs;
}
}  // namespace

namespace {
json board_json(const suite::Board& board) {
  return {{"id", board.id()},
          {"sha256", board.sha256},
          {"title", board.title},
          {"division", to_string(board.division)},
          {"audit",
           {{"control", board.audit.control},
            {"white_box", board.audit.white_box},
            {"black_box", board.audit.black_box},
            {"slack", board.audit.slack}}}};
}
}  // namespace

json settings_of(const suite::Suite& suite) {
  json out = {{"name", suite.name},
              {"seeds", suite.seeds},
              {"scoring", scoring_json(suite.scoring)},
              {"data",
               {{"dataset", suite.data.dataset},
                {"split", suite.data.split},
                {"samples", suite.data.indices.size()},
                {"first", suite.data.indices.empty() ? 0 : suite.data.indices.front()}}}};
  if (suite.board) out["board"] = board_json(*suite.board);
  for (const suite::ThreatSpec& t : suite.threats)
    out["threats"].push_back({{"name", t.name},
                              {"norm", suite::to_string(t.norm)},
                              {"epsilon", t.epsilon},
                              {"written", t.epsilon_text}});
  for (const suite::AttackSpec& a : suite.attacks) {
    json column = {{"name", a.name},
                   {"use", a.plugin},
                   {"params", suite::to_json(a.params)},
                   {"host", host_json(a.host)}};
    if (suite.board) column["entry"] = a.entry, column["additional"] = a.additional;
    out["attacks"].push_back(std::move(column));
  }
  for (const suite::DefenseSpec& d : suite.defenses) {
    json row = {{"name", d.name},
                {"model", d.model.id},
                {"citation", d.model.citation},
                {"stack", uses_json(d.stack)}};
    if (!d.baseline.empty()) row["baseline"] = d.baseline;
    out["defenses"].push_back(std::move(row));
  }
  if (suite.certify) out["certify"] = {{"samples", suite.certify->samples}};
  if (suite.audit.samples > 0) out["audit"] = {{"samples", suite.audit.samples}};
  if (json logs = training_logs_of(suite); !logs.is_null()) out["training_logs"] = std::move(logs);
  return out;
}

}  // namespace gauntlet::evaluation
