#include "suite/text/recommended.h"

#include <algorithm>
#include <optional>
#include <set>

#include "registry/search_path.h"
#include "suite/text/expand.h"

namespace gauntlet::suite {
namespace {

// Networks to transfer from, by the slots that the file of the sets has for them.
class Sources {
 public:
  Sources(const toml::Toml& suite, const registry::Registry& registry) : registry_(registry) {
    const toml::Toml* data = suite.find("data");
    const toml::Toml* id = data ? data->find("dataset") : nullptr;
    if (const auto* name = id ? id->get<std::string>() : nullptr) data_ = {*name};
    for (const std::string& name : std::set<std::string>(data_)) try {
        data_.insert(registry.dataset(name).embedded_of);
      } catch (const BadInput&) {  // a problem of the suite's data
      }
    data_.erase("");
    if (const toml::Toml* rows = suite.find("defense"); rows && rows->get<toml::Toml::List>())
      for (const toml::Toml& row : *rows->get<toml::Toml::List>()) leave_to(row);
    for (const std::string& model : registry.model_ids()) consider(model);
  }

  // The id that a slot stands for; null if there is none.
  const std::string* find(const std::string& slot) const {
    const std::optional<std::string>& id = slot == "undefended" ? undefended_
                                           : adversarial_       ? adversarial_
                                                                : trained_;
    return id ? &*id : nullptr;
  }
  static const char* meaning(const std::string& slot) {
    return slot == "undefended" ? "without a defense" : "with adversarial training";
  }

 private:
  // Models of rows that may draw noise, by each combination of the row's slots.
  void leave_to(const toml::Toml& row) {
    const toml::Toml* model = row.find("model");
    if (!model || !model->get<std::string>()) return;
    const toml::Toml* stack = row.find("stack");
    const bool wrapped =
        stack && stack->get<toml::Toml::List>() && !stack->get<toml::Toml::List>()->empty();
    toml::Problems told_by_the_reader;
    std::set<std::string> used;
    for (const Combination& combination : combinations(row, "", told_by_the_reader)) {
      const toml::Toml id = fill_slots(*model, combination, used, "", told_by_the_reader);
      if (wrapped) taken_.insert(plain_text(id));
    }
  }

  void consider(const std::string& id) try {
    const registry::ModelEntry model = registry_.model(id);
    // Rows of models with noise in their layers are none of these, either.
    if (!data_.contains(model.dataset) || !model.layer_plugins.empty() || taken_.contains(id) ||
        !std::filesystem::is_regular_file(model.weights))
      return;
    const auto method = model.training.find("method");
    if (method == model.training.end()) return;
    if (const auto* loss = method->second.get<std::string>()) {
      if (*loss == "cross-entropy" && !undefended_) undefended_ = id;
    } else if (const auto* plugin = method->second.get<ParamMap>()) {
      const auto use = plugin->find("use");
      const bool plain = use != plugin->end() && use->second == ParamValue("adversarial_training");
      std::optional<std::string>& place = plain ? adversarial_ : trained_;
      if (!place) place = id;
    }
  } catch (const BadInput&) {  // whoever uses a broken entry is told
  }

  const registry::Registry& registry_;
  std::set<std::string> data_;   // what the suite's data are, and what they are part of
  std::set<std::string> taken_;  // models of rows
  std::optional<std::string> undefended_, adversarial_, trained_;  // trained_: by another plugin
};

// The slot that a value is, such as "$undefended"; "": it is none.
std::string slot_of(const toml::Toml& value) {
  const auto* text = value.get<std::string>();
  return text && (*text == "$undefended" || *text == "$adversarial") ? text->substr(1) : "";
}
}  // namespace

bool is_recommended(const toml::Toml& attack) {
  const auto* word = attack.get<std::string>();
  return word && *word == "recommended";
}

std::filesystem::path recommended_file() {
  const std::vector<std::filesystem::path> folders =
      registry::shipped_search_path("GAUNTLET_SUITES", "suites");
  for (const std::filesystem::path& folder : folders)
    if (const auto file = folder / "attacks/recommended.toml";
        std::filesystem::is_regular_file(file))
      return file;
  return folders.back() / "attacks/recommended.toml";
}

toml::Toml recommended_attacks(const toml::Toml& suite, const registry::Registry& registry,
                               toml::Problems& problems, std::vector<std::string>& notes) {
  const toml::Position position = suite.find("attack")->position;
  toml::Toml out{toml::Toml::Table{}, position};
  try {
    const toml::Toml text = toml::read_toml(recommended_file());
    const toml::Toml* attacks = text.find("attack");
    if (!attacks || !attacks->get<toml::Toml::Table>())
      throw BadInput(recommended_file().string() + ": lacks tables [attack.NAME]");
    const Sources sources(suite, registry);
    for (toml::Toml::Member attack : *attacks->get<toml::Toml::Table>()) {
      toml::Toml* source = attack.value.find("source");
      const std::string slot = source ? slot_of(*source) : "";
      const std::string* model = sources.find(slot);
      if (!slot.empty() && !model) {
        notes.push_back("attack '" + attack.key + "' is left out: the registry has no model " +
                        Sources::meaning(slot) + " for these data that no row is made of");
        continue;
      }
      if (!slot.empty()) source->value = *model;
      out.set(attack);
    }
  } catch (const BadInput& error) {
    problems.add(error);
  }
  return out;
}

}  // namespace gauntlet::suite
