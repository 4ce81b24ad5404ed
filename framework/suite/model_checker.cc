// The part of PluginChecker that looks at models.
#include <algorithm>

#include "base/shape_text.h"
#include "gauntlet/defense.h"
#include "library/plugin_architecture.h"
#include "models/architectures/build_network.h"
#include "registry/learned_tensors.h"
#include "registry/search_path.h"
#include "suite/plugin_checker.h"

namespace gauntlet::suite {
namespace {

bool is_weights_file(const std::string& id) {
  const auto ends = {".pt", ".pth", ".bin", ".ckpt", ".tar", ".safetensors", ".onnx"};
  return std::any_of(ends.begin(), ends.end(), [&](const char* end) { return id.ends_with(end); });
}
constexpr const char* kFileAsModel =
    "; a file is a model as { architecture = \"…\", input = […], classes = …, weights = \"…\" }";

// "; channels come first: [1, 28, 28]"
std::string channels_first(const std::vector<int64_t>& given, const std::vector<int64_t>& images) {
  const bool last = given.size() == 3 && images.size() == 3 && given[2] == images[0] &&
                    given[0] == images[1] && given[1] == images[2] && given != images;
  return last ? "; channels come first, write " +
                    to_text(ParamValue(ParamList(images.begin(), images.end())))
              : "";
}
}  // namespace

const registry::ModelEntry* PluginChecker::model(const std::string& id,
                                                 const toml::Position& position,
                                                 const std::string& what) {
  const std::vector<std::string> ids = registry_.model_ids();
  if (!std::binary_search(ids.begin(), ids.end(), id)) {
    std::vector<std::string> beside;  // of the same data set, by which they are filed
    for (const std::string& each : ids)
      if (each.starts_with(id.substr(0, id.find('/') + 1))) beside.push_back(each);
    problems_.add(position, what + ": the registry has no model '" + id + "'" +
                                (is_weights_file(id) ? kFileAsModel
                                 : ids.empty()       ? "; it is empty"
                                               : suggestion(id, beside.empty() ? ids : beside)));
    return nullptr;
  }
  const auto [there, is_new] = models_.try_emplace(id);
  if (is_new) there->second = checked_model(id, position, what + " '" + id + "'");
  return there->second ? &*there->second : nullptr;
}

// "id", or { model = "id", stack = [ … ] }.
std::optional<ParamValue> PluginChecker::model_value(const toml::Toml& given,
                                                     const std::string& where) {
  if (const auto* id = given.get<std::string>()) {
    if (!model(*id, given.position, where)) return {};
    return *id;
  }
  if (!given.get<toml::Toml::Table>()) {
    problems_.add(given.position, where + ": " + to_text(to_param(given)) + " is not " +
                                      expectation(ParamType::kModel));
    return {};
  }
  const size_t before = problems_.size();
  toml::TableReader reader(given, where, problems_);
  ModelRef ref;
  const registry::ModelEntry* entry = nullptr;
  if (reader.require("model", ref.id)) entry = model(ref.id, reader.at("model"), where);
  if (const toml::Toml* wrappers = reader.list("stack"))
    ref.stack = stack(*wrappers, where + ": stack");
  if (entry && problems_.size() == before)
    check_learned(*entry, ref.stack, given.position, where + ": stack");
  reader.finish();
  if (problems_.size() != before) return {};
  return detail::ParamTraits<ModelRef>::wrap(ref);
}

std::optional<ParamValue> PluginChecker::models_value(const ParamSpec& spec,
                                                      const toml::Toml& given,
                                                      const std::string& what) {
  const std::string where = what + ": " + spec.name;
  const auto* list = given.get<toml::Toml::List>();
  if (!list) {
    problems_.add(given.position,
                  where + ": " + to_text(to_param(given)) + " is not " + expectation(spec.type));
    return {};
  }
  if (list->empty()) {
    problems_.add(given.position, where + ": is empty, expected at least one model");
    return {};
  }
  ParamList out;
  for (const toml::Toml& item : *list)
    if (auto one = model_value(item, where)) out.push_back(std::move(*one));
  return out.size() == list->size() ? std::optional<ParamValue>(out) : std::nullopt;
}

bool PluginChecker::wants_fit(const Use& defense) const try {
  const auto plugin = plugins_.defense(defense.plugin, defense.with);
  const auto* fits = dynamic_cast<const Fits*>(plugin.get());
  return fits && fits->wanted();
} catch (const BadInput&) {
  throw;
} catch (const ParamError&) {
  throw;
} catch (...) {  // what is wrong with it is told when its row is prepared
  return false;
}

void PluginChecker::check_learned(const registry::ModelEntry& model, const std::vector<Use>& stack,
                                  const toml::Position& position, const std::string& what,
                                  bool if_trained) {
  for (const Use& use : stack) {
    if (!roles(use).learns) continue;
    const auto& trained = model.learned.plugins;
    if (if_trained && std::none_of(trained.begin(), trained.end(),
                                   [&](const Use& other) { return other.plugin == use.plugin; }))
      continue;
    try {
      const auto wrapper = plugins_.defense(use.plugin, use.with);
      registry::fill_learned(model, use, plugins_.schema("defense", use.plugin), *wrapper);
    } catch (const BadInput& error) {
      problems_.add(position, what + ": " + error.what());
    } catch (const ParamError&) {
      throw;
    } catch (...) {  // what is wrong with the wrapper is told when its row is prepared
    }
  }
}

std::vector<Use> PluginChecker::stack(const toml::Toml& list, const std::string& what) {
  std::vector<Use> out;
  library::DefenseRoles all;
  for (const toml::Toml& item : *list.get<toml::Toml::List>()) {
    auto wrapper = use("defense", item, what);
    if (!wrapper) continue;
    const library::DefenseRoles now = roles(*wrapper);
    const toml::Position at = item.find("use")->position;
    const std::string named = what + ": '" + wrapper->plugin + "' ";
    if (!now.wraps && now.layers) {
      problems_.add(at, named +
                            "works inside layers, expected it in the model's "
                            "layer_plugins");
    } else if (!now.wraps) {
      problems_.add(at, named + "only trains networks, expected an inference wrapper");
    }
    if (now.votes && all.votes) problems_.add(at, named + "is a second vote, expected at most one");
    if (now.refuses && all.refuses)
      problems_.add(at, named + "is a second detector, expected at most one");
    if (now.learns && std::any_of(out.begin(), out.end(), [&](const Use& other) {
          return other.plugin == wrapper->plugin;
        }))
      problems_.add(at, named + "is trained and there twice, expected it once");
    if (now.certifies && all.certifies)
      problems_.add(at, named + "is a second certifier, expected at most one");
    all.certifies |= now.certifies;
    all.votes |= now.votes;
    all.refuses |= now.refuses;
    out.push_back(std::move(*wrapper));
  }
  return out;
}

std::optional<registry::ModelEntry> PluginChecker::checked_model(const std::string& id,
                                                                 const toml::Position& position,
                                                                 const std::string& what) {
  registry::ModelEntry model;
  try {
    model = registry_.model(id);
  } catch (const BadInput& error) {
    problems_.add(error);
    return {};
  }
  bool right = check_weights(model, position, what);
  right &= check_network(model, position, what);
  for (Use& layer : model.layer_plugins) {
    ParamMap table = layer.with;
    table["use"] = layer.plugin;
    auto checked = use("defense", from_param(table, position), what + ": layer_plugins");
    right &= checked && check_layer_role(*checked, position, what + ": layer_plugins");
    if (checked) layer = std::move(*checked);
  }
  return right ? std::optional(model) : std::nullopt;
}

bool PluginChecker::check_layer_role(const Use& plugin, const toml::Position& position,
                                     const std::string& what) {
  const library::DefenseRoles all = roles(plugin);
  if (all.layers && !all.learns) return true;
  problems_.add(position, what + ": '" + plugin.plugin + "' " +
                              (all.layers ? "declares tensors as a wrapper (Learns), expected a "
                                            "plugin whose tensors belong to layers"
                                          : "does not act inside layers; expected a plugin that "
                                            "does, such as pni"));
  return false;
}

bool PluginChecker::check_weights(const registry::ModelEntry& model, const toml::Position& position,
                                  const std::string& what) {
  if (std::filesystem::is_regular_file(model.weights)) return true;
  problems_.add(position, what + ": " + absent_weights(model));
  return false;
}

bool PluginChecker::check_network(registry::ModelEntry& model, const toml::Position& position,
                                  const std::string& what) {
  const size_t before = problems_.size();
  models::NetworkSpec& network = model.network;
  try {
    network = with_architecture(network, plugins_);
    models::check_network(network);
  } catch (const BadInput& error) {
    problems_.add(position, what + ": " + error.what());
  }
  if (data_ && (network.input != data_->shape || network.classes != data_->classes))
    problems_.add(position, what + ": takes images of " + shape_text(network.input) +
                                " and knows " + std::to_string(network.classes) +
                                " classes, but data set '" + data_->id + "' has images of " +
                                shape_text(data_->shape) + " and " +
                                std::to_string(data_->classes) + " classes" +
                                channels_first(network.input, data_->shape));
  return problems_.size() == before;
}

}  // namespace gauntlet::suite
