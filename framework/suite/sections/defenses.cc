// Section defense.
#include <algorithm>

#include "models/architectures/build_network.h"
#include "registry/registry_entry.h"
#include "registry/search_path.h"
#include "suite/sections/sections.h"
#include "suite/text/expand.h"

namespace gauntlet::suite {
namespace {

class RowReader {
 public:
  RowReader(const toml::Toml& row, SuiteContext& context)
      : reader_(row, name_of(row), context.problems), context_(context) {}

  std::optional<DefenseSpec> read() {
    DefenseSpec row;
    const size_t before = context_.problems.size();
    reader_.require("name", row.name);
    reader_.read("baseline", row.baseline);
    if (const toml::Toml* model = reader_.any("model")) {
      if (auto read = read_model(*model)) row.model = std::move(*read);
    } else {
      reader_.missing("model", "the id of a registry model or { architecture = \"…\", … }");
    }
    if (const toml::Toml* stack = reader_.list("stack"))
      row.stack = context_.plugins.stack(*stack, reader_.what() + ": stack");
    reader_.finish();
    if (context_.problems.size() == before) check_fit(row);
    if (context_.problems.size() == before && !row.stack.empty())
      context_.plugins.check_learned(row.model, row.stack, reader_.at("stack"),
                                     reader_.what() + ": stack");
    return context_.problems.size() == before ? std::optional(row) : std::nullopt;
  }

 private:
  // What wrappers choose their parameters on is the training split of the model's data.
  void check_fit(const DefenseSpec& row) {
    const auto wanted = std::find_if(row.stack.begin(), row.stack.end(), [&](const Use& use) {
      return context_.plugins.wants_fit(use);
    });
    if (wanted == row.stack.end()) return;
    const std::string what = "'" + wanted->plugin + "' is fitted on training images: ";
    const std::vector<std::string> ids = context_.registry.dataset_ids();
    if (!std::binary_search(ids.begin(), ids.end(), row.model.dataset)) {
      reader_.problem("model", what + (row.model.dataset.empty()
                                           ? "the model names no data set, expected dataset = \"…\""
                                           : "the registry has no data set '" + row.model.dataset +
                                                 "'" + suggestion(row.model.dataset, ids)));
      return;
    }
    const registry::DatasetEntry data = context_.registry.dataset(row.model.dataset);
    const registry::DatasetEntry::Split* train = data.find_split("train");
    if (!train) reader_.problem("stack", what + "data set '" + data.id + "' has no split 'train'");
    if (!train) return;
    for (const registry::DatasetEntry::DataFile& file : train->files)
      if (!context_.registry.find(file)) {
        reader_.problem("stack", what + context_.registry.absent_data(data, file));
        return;
      }
  }

  static std::string name_of(const toml::Toml& row) {
    const toml::Toml* name = row.find("name");
    return name ? "defense '" + plain_text(*name) + "'" : "defense";
  }

  std::optional<registry::ModelEntry> read_model(const toml::Toml& written) {
    const std::string what = reader_.what() + ": model";
    if (const auto* id = written.get<std::string>()) {
      const registry::ModelEntry* entry = context_.plugins.model(*id, written.position, what);
      if (!entry) return {};
      return *entry;
    }
    if (!written.get<toml::Toml::Table>()) {
      reader_.problem("model", to_text(to_param(written)) +
                                   " is no model, expected the id of a registry model or { "
                                   "architecture = \"…\", … }");
      return {};
    }
    const size_t before = context_.problems.size();
    registry::ModelEntry model = read_inline_model(written, what);
    if (context_.problems.size() == before)
      context_.plugins.check_network(model, written.position, what);
    return model;
  }

  registry::ModelEntry read_inline_model(const toml::Toml& written, const std::string& what) {
    toml::TableReader table(written, what, context_.problems);
    registry::ModelEntry model;
    std::string weights;
    if (table.require("weights", weights)) {
      model.weights =
          registry::find_weights(weights, context_.plugins.folder_of(table.at("weights")));
      model.id = "inline:" + std::filesystem::path(weights).filename().string();
      context_.plugins.check_weights(model, table.at("weights"), what);
    }
    table.read("dataset", model.dataset);
    if (const toml::Toml* layers = table.list("layer_plugins"))
      for (const toml::Toml& item : *layers->get<toml::Toml::List>())
        if (auto use = context_.plugins.use("defense", item, what + ": layer_plugins")) {
          context_.plugins.check_layer_role(*use, item.position, what + ": layer_plugins");
          model.layer_plugins.push_back(std::move(*use));
        }
    if (const toml::Toml* learned = table.table("learned"))
      model.learned =
          registry::read_learned(*learned, context_.plugins.folder_of(learned->position),
                                 what + ": learned", context_.problems);
    model.network = registry::read_network(table);
    return model;
  }

  toml::TableReader reader_;
  SuiteContext& context_;
};

// Rows of one [[defense]] entry.
void read_entry(const toml::Toml& entry, SuiteContext& context, std::vector<DefenseSpec>& out,
                std::vector<toml::Position>& places) {
  const toml::Toml* name = entry.find("name");
  const std::string what = name ? "defense '" + plain_text(*name) + "'" : "defense";
  if (!entry.get<toml::Toml::Table>()) {
    context.problems.add(entry.position, what + ": expected a table");
    return;
  }
  toml::Toml plain = entry;
  plain.erase("cross");
  plain.erase("zip");
  std::set<std::string> used;
  std::vector<Combination> all = combinations(entry, what, context.problems);
  for (const Combination& combination : all) {
    std::set<std::string> in_name;
    if (name) fill_slots(*name, combination, in_name, what, context.problems);
    toml::Toml filled = fill_slots(plain, combination, used, what, context.problems);
    auto row = RowReader(filled, context).read();
    if (!row) continue;
    if (in_name.empty()) row->name += label(combination);
    const auto twin = std::find_if(
        out.begin(), out.end(), [&](const DefenseSpec& other) { return other.name == row->name; });
    if (twin != out.end())
      context.problems.add(name->position, "two rows are named '" + row->name +
                                               "', expected a name with every slot in it");
    const toml::Toml* baseline = filled.find("baseline");
    places.push_back(baseline ? baseline->position : filled.position);
    out.push_back(std::move(*row));
  }
  if (all.empty()) return;
  for (const auto& member : all.front())
    if (!used.contains(member.key))
      for (const char* lists : {"cross", "zip"})
        if (const toml::Toml* table = entry.find(lists); table && table->find(member.key))
          context.problems.add(member.position, what + ": " + lists + ": no '$" + member.key +
                                                    "' takes these values");
}

void check_baselines(const std::vector<DefenseSpec>& rows,
                     const std::vector<toml::Position>& places, toml::Problems& problems) {
  std::vector<std::string> names;
  for (const DefenseSpec& row : rows) names.push_back(row.name);
  for (size_t i = 0; i < rows.size(); ++i) {
    const DefenseSpec& row = rows[i];
    if (row.baseline.empty()) continue;
    const std::string what = "defense '" + row.name + "': baseline: ";
    if (row.baseline == row.name)
      problems.add(places[i], what + "is the row itself");
    else if (std::find(names.begin(), names.end(), row.baseline) == names.end())
      problems.add(places[i], what + "there is no row '" + row.baseline + "'" +
                                  suggestion(row.baseline, names));
  }
}
}  // namespace

std::vector<DefenseSpec> read_defenses(const toml::Toml& list, SuiteContext& context) {
  std::vector<DefenseSpec> out;
  const size_t before = context.problems.size();
  std::vector<toml::Position> places;
  for (const toml::Toml& entry : *list.get<toml::Toml::List>())
    read_entry(entry, context, out, places);
  if (list.get<toml::Toml::List>()->empty())
    context.problems.add(list.position, "defense: is empty, expected at least one row");
  // Of rows with a mistake nothing is known.
  if (context.problems.size() == before) check_baselines(out, places, context.problems);
  return out;
}

}  // namespace gauntlet::suite
