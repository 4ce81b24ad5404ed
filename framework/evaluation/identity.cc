#include "evaluation/identity.h"

#include <dlfcn.h>
#include <torch/version.h>

#include <set>

#include "base/sha256.h"
#include "host/training_log.h"

namespace gauntlet {
namespace {
using nlohmann::json;

json params_json(const ParamMap& params) {
  json out = json::object();
  for (const auto& [name, value] : params) out[name] = to_json(value);
  return out;
}

std::string weights_hash(const ModelEntry& entry) {
  return entry.sha256.empty() ? sha256_of_file(entry.weights) : entry.sha256;
}

json network_json(const NetworkSpec& spec) {
  return {{"architecture", spec.architecture},
          {"input", spec.input},
          {"classes", spec.classes},
          {"mean", spec.mean},
          {"std", spec.std},
          {"options", params_json(spec.options)}};
}

json uses_json(const std::vector<Use>& uses) {
  json out = json::array();
  for (const Use& use : uses)
    out.push_back({{"use", use.plugin}, {"params", params_json(use.with)}});
  return out;
}

json model_json(const ModelEntry& entry) {
  return {{"network", network_json(entry.network)},
          {"weights", weights_hash(entry)},
          {"layer_plugins", uses_json(entry.layer_plugins)}};
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
  const json model = model_json(lab.registry().model(ref.id));
  if (ref.stack.empty()) return model;
  return {{"model", model}, {"stack", uses_json(ref.stack)}};
}

// Parameters that stand for something else (models, files, plugins) are named by their content.
json content_of(const std::string& plugin, const ParamMap& params, const Laboratory& lab) {
  json out = json::object();
  for (const ParamSpec& spec : lab.plugins().schema("attack", plugin)) {
    const auto it = params.find(spec.name);
    const ParamValue& value = it == params.end() ? spec.fallback : it->second;
    out[spec.name] = to_json(value);
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
    if (spec.type != ParamType::kUse) continue;
    ParamMap inner = *value.get<ParamMap>();
    const std::string name = *inner.at("use").get<std::string>();
    inner.erase("use");
    out[spec.name] = {{"use", name}, {"params", content_of(name, inner, lab)}};
  }
  return out;
}

json host_json(const HostKeys& keys) {
  return {{"restarts", keys.restarts},
          {"draws", keys.draws},
          {"average", keys.average ? json(to_string(*keys.average)) : json(nullptr)},
          {"goal", to_string(keys.goal)},
          {"access", keys.access ? json(to_string(*keys.access)) : json(nullptr)},
          {"max_queries", keys.max_queries}};
}

json scoring_json(const Scoring& scoring) {
  return {{"trials", scoring.trials},
          {"success", scoring.success == Success::kAny ? "any" : "final"}};
}

bool batch_matters(const DefenseSpec& defense, const AttackSpec& attack, const Laboratory& lab) {
  if (lab.plugins().attack(attack.plugin, attack.params)->facts().couples_rows) return true;
  for (const Use& use : defense.model.layer_plugins) {
    const auto plugin = lab.plugins().defense(use.plugin, use.with);
    const auto* perturbs = dynamic_cast<PerturbsLayers*>(plugin.get());
    if (perturbs && perturbs->couples_rows()) return true;
  }
  return false;
}

// The plugins behind an attack ("attack/pgd"): those it runs, and those in and around its sources.
void collect_plugins(const std::string& attack, const ParamMap& params, const Laboratory& lab,
                     std::set<std::string>& names) {
  names.insert("attack/" + attack);
  const auto add = [&](const std::vector<Use>& uses) {
    for (const Use& use : uses) names.insert("defense/" + use.plugin);
  };
  for (const ParamSpec& spec : lab.plugins().schema("attack", attack)) {
    const auto it = params.find(spec.name);
    const ParamValue& value = it == params.end() ? spec.fallback : it->second;
    for (const ModelRef& ref : models_of(spec, value)) {
      add(lab.registry().model(ref.id).layer_plugins);
      add(ref.stack);
    }
    if (spec.type != ParamType::kUse) continue;
    Use inner;
    detail::ParamTraits<Use>::assign(inner, value);
    collect_plugins(inner.plugin, inner.with, lab, names);
  }
}

const std::string& host_digest() {
  static const std::string digest = sha256_of_file("/proc/self/exe");
  return digest;
}
const std::string& sdk_digest() {
  static const std::string digest = [] {
    Dl_info info{};
    const auto address =
        reinterpret_cast<const void*>(static_cast<Tensor (*)(const Tensor&)>(&per_image));
    if (!dladdr(address, &info) || !info.dli_fname) return std::string("unknown");
    return sha256_of_file(info.dli_fname);
  }();
  return digest;
}

// {name: {value, default}}
json with_defaults(const Schema& schema, const ParamMap& params) {
  json out = json::object();
  for (const ParamSpec& spec : schema) {
    const auto it = params.find(spec.name);
    out[spec.name] = {{"value", to_json(it == params.end() ? spec.fallback : it->second)},
                      {"default", to_json(spec.fallback)}};
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

json to_json(const ParamValue& value) {
  return std::visit(
      [](const auto& v) -> json {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, ParamMap>)
          return params_json(v);
        else if constexpr (std::is_same_v<T, ParamList>) {
          json out = json::array();
          for (const ParamValue& item : v) out.push_back(to_json(item));
          return out;
        } else
          return v;
      },
      value.value);
}

json question(const Suite& suite, const Cell& cell, const Dataset& data,
              const std::vector<int64_t>& indices, int64_t batch_size, const Laboratory& lab) {
  const DefenseSpec& defense = suite.defenses[cell.defense];
  const AttackSpec& attack = suite.attacks[cell.attack];
  const ThreatSpec& threat = suite.threats[cell.threat];
  json out = {
      {"schema", 1},
      {"data", {{"sha256", data.sha256}, {"split", data.split}, {"indices", indices}}},
      {"model", model_json(defense.model)},
      {"stack", uses_json(defense.stack)},
      {"attack",
       {{"plugin", attack.plugin}, {"params", content_of(attack.plugin, attack.params, lab)}}},
      {"host", host_json(attack.host)},
      {"threat", {{"norm", to_string(threat.norm)}, {"epsilon", threat.epsilon}}},
      {"scoring", scoring_json(suite.scoring)},
      {"seed", cell.seed}};
  if (batch_matters(defense, attack, lab)) out["batch_size"] = batch_size;
  return out;
}

json certification_question(const DefenseSpec& defense, int64_t seed, const Dataset& data,
                            const std::vector<int64_t>& indices) {
  return {{"schema", 1},
          {"kind", "certification"},
          {"data", {{"sha256", data.sha256}, {"split", data.split}, {"indices", indices}}},
          {"model", model_json(defense.model)},
          {"stack", uses_json(defense.stack)},
          {"seed", seed}};
}

std::string identity_of(const json& question) { return sha256(question.dump()); }

namespace {
json answerer(const std::set<std::string>& names, const Laboratory& lab) {
  json plugins = json::object();
  for (const std::string& name : names) {
    const size_t slash = name.find('/');
    plugins[name] = lab.plugins().digest(name.substr(0, slash), name.substr(slash + 1));
  }
  return {{"host", host_digest()},     {"libgauntlet", sdk_digest()},  {"plugins", plugins},
          {"libtorch", TORCH_VERSION}, {"device", lab.device().str()}, {"precision", "float32"}};
}

std::set<std::string> plugins_of(const DefenseSpec& defense) {
  std::set<std::string> names;
  for (const auto* uses : {&defense.model.layer_plugins, &defense.stack})
    for (const Use& use : *uses) names.insert("defense/" + use.plugin);
  return names;
}
}  // namespace

json answerer(const DefenseSpec& defense, const Laboratory& lab) {
  return answerer(plugins_of(defense), lab);
}

json answerer(const DefenseSpec& defense, const AttackSpec& attack, const Laboratory& lab) {
  std::set<std::string> names = plugins_of(defense);
  collect_plugins(attack.plugin, attack.params, lab, names);
  return answerer(names, lab);
}

json parameters_of(const DefenseSpec& defense, const Laboratory& lab) {
  const auto uses = [&](const std::vector<Use>& list) {
    json out = json::array();
    for (const Use& use : list)
      out.push_back(
          {{"use", use.plugin},
           {"params", with_defaults(lab.plugins().schema("defense", use.plugin), use.with)}});
    return out;
  };
  return {{"defense",
           {{"model", defense.model.id},
            {"architecture", defense.model.network.architecture},
            {"weights_sha256", weights_hash(defense.model)},
            {"layer_plugins", uses(defense.model.layer_plugins)},
            {"stack", uses(defense.stack)},
            {"training", params_json(defense.model.training)}}}};
}

json parameters_of(const Suite& suite, const Cell& cell, const Laboratory& lab) {
  const AttackSpec& attack = suite.attacks[cell.attack];
  json out = parameters_of(suite.defenses[cell.defense], lab);
  out["attack"] = {
      {"plugin", attack.plugin},
      {"params", with_defaults(lab.plugins().schema("attack", attack.plugin), attack.params)}};
  out["host"] = beside_defaults(host_json(attack.host), host_json({}));
  out["scoring"] = beside_defaults(scoring_json(suite.scoring), scoring_json({}));
  return out;
}

namespace {
// By model; null where no model has one that is there.
json training_logs_of(const Suite& suite) {
  json logs;
  for (const DefenseSpec& d : suite.defenses) {
    if (d.model.log.empty() || logs.contains(d.model.id) || !std::filesystem::exists(d.model.log))
      continue;
    const TrainingLog log = read_training_log(d.model.log);
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

json settings_of(const Suite& suite) {
  json out = {{"name", suite.name},
              {"seeds", suite.seeds},
              {"scoring", scoring_json(suite.scoring)},
              {"data",
               {{"dataset", suite.data.dataset},
                {"split", suite.data.split},
                {"samples", suite.data.indices.size()}}}};
  for (const ThreatSpec& t : suite.threats)
    out["threats"].push_back({{"name", t.name},
                              {"norm", to_string(t.norm)},
                              {"epsilon", t.epsilon},
                              {"written", t.epsilon_text}});
  for (const AttackSpec& a : suite.attacks)
    out["attacks"].push_back({{"name", a.name},
                              {"use", a.plugin},
                              {"params", params_json(a.params)},
                              {"host", host_json(a.host)}});
  for (const DefenseSpec& d : suite.defenses)
    out["defenses"].push_back({{"name", d.name},
                               {"model", d.model.id},
                               {"citation", d.model.citation},
                               {"stack", uses_json(d.stack)}});
  if (suite.certify) out["certify"] = {{"samples", suite.certify->samples}};
  if (json logs = training_logs_of(suite); !logs.is_null()) out["training_logs"] = std::move(logs);
  return out;
}

}  // namespace gauntlet
