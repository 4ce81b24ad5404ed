#include "suite/plugin_checker.h"

#include <algorithm>
#include <map>
#include <utility>

#include "suite/inner_keys.h"
#include "suite/text/named_presets.h"

namespace gauntlet::suite {
namespace {

// Whether a value is given for a parameter of the plugin's own.
const toml::Toml* given_value(const ParamSpec& spec, const toml::Toml& table,
                              const std::set<std::string>& host_keys) {
  return host_keys.contains(spec.name) ? nullptr : table.find(spec.name);
}

// A list of models that may stand in for a plugin's single model.
const ParamSpec* list_of_models(const Schema& schema) {
  for (const ParamSpec& spec : schema)
    if (spec.type == ParamType::kModelList) return &spec;
  return nullptr;
}

// A plugin with a model and a list of models takes one of the two.
std::string choice_problem(const ParamSpec& one, const ParamSpec& list, bool both) {
  if (both)
    return "'" + one.name + "' and '" + list.name + "' are both given, expected one of them";
  return "'" + one.name + "' is missing, expected the id of a registry model, or '" + list.name +
         "', a list of them";
}

// A parameter that names nothing.
bool is_empty(const ParamSpec& spec, const toml::Toml& value) {
  const toml::Toml* name = spec.type == ParamType::kUse ? value.find("use") : &value;
  const auto* text = name ? name->get<std::string>() : nullptr;
  return text && text->empty();
}

// A list that nobody leaves empty by not giving it: there would be nothing to run, or to climb.
bool lacks_items(const ParamSpec& spec, const toml::Toml& given) {
  const auto* list = given.get<toml::Toml::List>();
  const auto* fallback = spec.fallback.get<ParamList>();
  return list && list->empty() && fallback && !fallback->empty();
}

// How often attacks in turn run: a number for each of them, or none at all.
std::string repeats_problem(const Schema& schema, const ParamMap& params) {
  const auto there = params.find("repeats");
  const auto* repeats = there == params.end() ? nullptr : there->second.get<ParamList>();
  if (!repeats || repeats->empty()) return "";
  for (const ParamSpec& spec : schema) {
    const auto of = spec.type == ParamType::kUseList ? params.find(spec.name) : params.end();
    const auto* list = of == params.end() ? nullptr : of->second.get<ParamList>();
    if (!list || list->size() == repeats->size()) continue;
    const auto counted = [](size_t count, const std::string& what) {
      return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
    };
    return "has " + counted(repeats->size(), "number") + ", '" + spec.name + "' has " +
           counted(list->size(), "attack") + ", expected a number for each";
  }
  return "";
}

// What other libraries call a parameter that is here under another name, or not an attack's.
std::string other_name(const std::string& key, const std::vector<std::string>& names) {
  for (const char* of_threat : {"epsilon", "eps", "norm", "ord"})
    if (key == of_threat)
      return ", it is a threat's: threat.NAME = { norm = \"linf\", epsilon = \"8/255\" }";
  static const std::map<std::string, std::string, std::less<>> kOthers = {
      {"iterations", "steps"},
      {"iters", "steps"},
      {"n_iter", "steps"},
      {"num_iter", "steps"},
      {"nb_iter", "steps"},
      {"num_steps", "steps"},
      {"max_iter", "steps"},
      {"alpha", "step_size"},
      {"eps_iter", "step_size"},
      {"stepsize", "step_size"},
      {"rel_stepsize", "step_size"},
      {"n_restarts", "restarts"},
      {"random_restarts", "restarts"},
      {"num_restarts", "restarts"},
      {"eot", "draws"},
      {"eot_iter", "draws"},
      {"n_draws", "draws"},
      {"num_samples", "draws"},
      {"targeted", "goal"},
      {"n_queries", "max_queries"},
      {"confidence", "kappa"},
      {"n_examples", "samples"}};
  const auto there = kOthers.find(key);
  if (there == kOthers.end()) return "";
  const bool has = std::count(names.begin(), names.end(), there->second) > 0;
  return has ? ", here it is '" + there->second + "'" : "";
}

// `own`: parameters of the plugin; `all`: with the host's keys.
std::string what_instead(const std::string& key, const std::string& kind,
                         const std::vector<std::string>& own, const std::vector<std::string>& all) {
  const std::string other = kind == "attack" ? other_name(key, all) : "";
  if (!other.empty()) return other;
  if (!nearest_name(key, all).empty()) return suggestion(key, all);
  return (own.empty() ? ", which has none" : "") + suggestion(key, own);
}
}  // namespace

PluginChecker::PluginChecker(const library::PluginCatalogue& plugins,
                             const registry::Registry& registry, std::filesystem::path folder,
                             toml::Problems& problems)
    : plugins_(plugins), registry_(registry), folder_(std::move(folder)), problems_(problems) {}

std::vector<std::string> PluginChecker::presets() const { return preset_names(plugins_); }

std::filesystem::path PluginChecker::folder_of(const toml::Position& position) const {
  return position.line == 0 ? folder_ : std::filesystem::path(position.file).parent_path();
}

std::optional<ParamValue> PluginChecker::value(const ParamSpec& spec, const toml::Toml& given,
                                               bool is_default, const std::string& what,
                                               bool inner_keys) {
  if (spec.type == ParamType::kModelList)
    return is_default ? canonical(spec, to_param(given)) : models_value(spec, given, what);
  const bool empty = is_empty(spec, given);
  if (spec.type == ParamType::kModel && !empty) return model_value(given, what + ": " + spec.name);
  const ParamValue plain = to_param(given);
  if (const std::string wrong = problem_of(spec, plain); !wrong.empty()) {
    problems_.add(given.position, what + ": " + spec.name + ": " + wrong);
    return {};
  }
  const std::string where = what + ": " + spec.name;
  if (empty && (spec.type == ParamType::kModel || spec.type == ParamType::kFile)) {
    problems_.add(given.position, what + ": '" + spec.name + "' is missing, expected " +
                                      (spec.type == ParamType::kModel ? "the id of a registry model"
                                                                      : expectation(spec.type)));
    return {};
  }
  if (spec.type == ParamType::kUse && !empty) {
    const auto nested = use("attack", given, where, inner_keys);
    return nested ? std::optional(detail::ParamTraits<Use>::wrap(*nested)) : std::nullopt;
  }
  if (spec.type == ParamType::kFile && !is_default) {
    const auto file = (folder_of(given.position) / *given.get<std::string>()).lexically_normal();
    if (!std::filesystem::is_regular_file(file)) {
      problems_.add(given.position, where + ": there is no file " + file.string());
      return {};
    }
    return file.string();
  }
  return canonical(spec, plain);
}

// `repeating`: the plugin that runs these attacks as often as its own 'repeats' says; "": it runs
// each once.
std::optional<ParamValue> PluginChecker::attacks_value(const ParamSpec& spec,
                                                       const toml::Toml& given,
                                                       const std::string& where, bool inner_keys,
                                                       const std::string& repeating) {
  const ParamValue plain = to_param(given);
  if (const std::string wrong = problem_of(spec, plain); !wrong.empty()) {
    problems_.add(given.position, where + ": " + wrong);
    return {};
  }
  const auto& list = *given.get<toml::Toml::List>();
  std::vector<Use> out;
  for (const toml::Toml& item : list) {
    if (const toml::Toml* restarts = repeating.empty() ? nullptr : item.find("restarts")) {
      problems_.add(restarts->position, where + ": unknown parameter 'restarts', 'repeats' of '" +
                                            repeating + "' says how often each runs");
      continue;
    }
    if (auto nested = use("attack", item, where, inner_keys)) out.push_back(std::move(*nested));
  }
  if (out.size() != list.size()) return {};
  return detail::ParamTraits<std::vector<Use>>::wrap(out);
}

std::optional<ParamMap> PluginChecker::parameters(
    const std::string& kind, const std::string& plugin, const toml::Position& name_position,
    const toml::Toml& table, const std::set<std::string>& host_keys, const std::string& what) {
  Schema schema;
  try {
    const std::vector<std::string> names = plugins_.names(kind);
    const std::string other = kind == "attack" ? "defense" : "attack";
    const std::vector<std::string> others = plugins_.names(other);
    if (!std::count(names.begin(), names.end(), plugin) &&
        std::count(others.begin(), others.end(), plugin)) {
      problems_.add(name_position, what + ": '" + plugin + "' is a plugin of kind " + other +
                                       ", expected one of kind " + kind);
      return {};
    }
    const std::vector<std::string> known =
        kind == "attack" && !std::count(names.begin(), names.end(), plugin)
            ? presets()
            : std::vector<std::string>{};
    if (std::count(known.begin(), known.end(), plugin)) {
      problems_.add(name_position, what + ": '" + plugin +
                                       "' is a preset, expected an attack plugin; "
                                       "write attack.NAME = \"" +
                                       plugin + "\", or { base = \"" + plugin + "\", … }");
      return {};
    }
    schema = plugins_.schema(kind, plugin);
  } catch (const BadInput& error) {
    problems_.add(name_position, what + ": " + error.what());
    return {};
  }
  const bool inner_keys = inner_keys_ && kind != "attack";
  std::vector<std::string> names;
  ParamMap out;
  bool right = true;
  const bool repeats = std::any_of(schema.begin(), schema.end(),
                                   [](const ParamSpec& spec) { return spec.name == "repeats"; });
  const std::string repeating = repeats ? plugin : "";
  const ParamSpec* models = list_of_models(schema);
  const toml::Toml* listed = models ? given_value(*models, table, host_keys) : nullptr;
  for (const ParamSpec& spec : schema) {
    names.push_back(spec.name);
    const toml::Toml* given = given_value(spec, table, host_keys);
    if (models && spec.type == ParamType::kModel && (listed || !given)) {
      if (!given == !listed)
        problems_.add(given ? listed->position : name_position,
                      what + ": " + choice_problem(spec, *models, given));
      right &= !given != !listed;
      out[spec.name] = spec.fallback;
      continue;
    }
    if (kind == "attack" && given && lacks_items(spec, *given)) {
      problems_.add(given->position, what + ": " + spec.name + ": is empty, expected at least one");
      right = false;
      continue;
    }
    const toml::Toml value_given = given ? *given : from_param(spec.fallback, name_position);
    const auto checked =
        spec.type == ParamType::kUseList
            ? attacks_value(spec, value_given, what + ": " + spec.name, inner_keys, repeating)
            : value(spec, value_given, !given, what, inner_keys);
    if (checked) {
      out[spec.name] = *checked;
    } else {
      right = false;
    }
  }
  if (const std::string wrong = kind == "attack" ? repeats_problem(schema, out) : "";
      !wrong.empty()) {
    const toml::Toml* given = table.find("repeats");
    problems_.add(given ? given->position : name_position, what + ": repeats: " + wrong);
    right = false;
  }
  const std::vector<std::string> own = names;
  names.insert(names.end(), host_keys.begin(), host_keys.end());
  for (const auto& member : *table.get<toml::Toml::Table>()) {
    if (std::count(names.begin(), names.end(), member.key)) continue;
    problems_.add(member.position, what + ": unknown parameter '" + member.key + "' of " + kind +
                                       " plugin '" + plugin + "'" +
                                       what_instead(member.key, kind, own, names));
    right = false;
  }
  return right ? std::optional(out) : std::nullopt;
}

// Those that are given, in canonical form. A parameter of the attack by such a name keeps its
// default, as in a suite.
bool PluginChecker::read_inner_keys(const toml::Toml& table, const std::string& what,
                                    ParamMap& out) {
  bool right = true;
  for (const ParamSpec& spec : schema_of<InnerKeys>()) {
    out.erase(spec.name);
    const toml::Toml* given = table.find(spec.name);
    if (!given) continue;
    const auto checked = value(spec, *given, false, what, false);
    if (checked) out[spec.name] = *checked;
    right &= checked.has_value();
  }
  return right;
}

std::optional<Use> PluginChecker::use(const std::string& kind, const toml::Toml& table,
                                      const std::string& what, bool inner_keys) {
  toml::TableReader reader(table, what, problems_);
  Use out;
  if (!table.get<toml::Toml::Table>()) return {};
  if (!reader.has("use")) reader.missing("use", "the name of a plugin of kind " + kind);
  if (!reader.read("use", out.plugin)) return {};
  const bool carries = inner_keys && kind == "attack";
  std::set<std::string> host_keys{"use"};
  if (carries)
    for (const ParamSpec& spec : schema_of<InnerKeys>()) host_keys.insert(spec.name);
  const auto params =
      parameters(kind, out.plugin, table.find("use")->position, table, host_keys, what);
  if (params) out.with = *params;
  if (carries && !read_inner_keys(table, what, out.with)) return {};
  return params ? std::optional(out) : std::nullopt;
}

}  // namespace gauntlet::suite
