// Section defense.
#include <algorithm>

#include "host/registry_entry.h"
#include "host/suite_expand.h"
#include "host/suite_sections.h"

namespace gauntlet {
namespace {

class RowReader {
 public:
  RowReader(const Toml& row, SuiteContext& context)
      : reader_(row, name_of(row), context.problems), context_(context) {}

  std::optional<DefenseSpec> read() {
    DefenseSpec row;
    const size_t before = context_.problems.size();
    reader_.require("name", row.name);
    if (const Toml* model = reader_.any("model")) {
      if (auto read = read_model(*model)) row.model = std::move(*read);
    } else {
      reader_.missing("model", "the id of a registry model or { architecture = \"…\", … }");
    }
    if (const Toml* stack = reader_.list("stack")) row.stack = read_stack(*stack);
    reader_.finish();
    return context_.problems.size() == before ? std::optional(row) : std::nullopt;
  }

 private:
  static std::string name_of(const Toml& row) {
    const Toml* name = row.find("name");
    return name ? "defense '" + plain_text(*name) + "'" : "defense";
  }

  std::optional<ModelEntry> read_model(const Toml& written) {
    const std::string what = reader_.what() + ": model";
    if (const auto* id = written.get<std::string>()) {
      const ModelEntry* entry = context_.plugins.model(*id, written.position, what);
      if (!entry) return {};
      return *entry;
    }
    if (!written.get<Toml::Table>()) {
      reader_.problem("model", to_text(to_param(written)) +
                                   " is no model, expected the id of a registry model or { "
                                   "architecture = \"…\", … }");
      return {};
    }
    const size_t before = context_.problems.size();
    ModelEntry model = read_inline_model(written, what);
    if (context_.problems.size() == before)
      context_.plugins.check_network(model, written.position, what);
    return model;
  }

  ModelEntry read_inline_model(const Toml& written, const std::string& what) {
    TableReader table(written, what, context_.problems);
    ModelEntry model;
    std::string weights;
    if (table.require("weights", weights)) {
      model.weights = find_weights(weights, context_.plugins.folder_of(table.at("weights")));
      model.id = "inline:" + std::filesystem::path(weights).filename().string();
      context_.plugins.check_weights(model, table.at("weights"), what);
    }
    table.read("dataset", model.dataset);
    if (const Toml* layers = table.list("layer_plugins"))
      for (const Toml& item : *layers->get<Toml::List>())
        if (auto use = context_.plugins.use("defense", item, what + ": layer_plugins")) {
          context_.plugins.check_layer_role(*use, item.position, what);
          model.layer_plugins.push_back(std::move(*use));
        }
    model.network = read_network(table);
    return model;
  }

  std::vector<Use> read_stack(const Toml& stack) {
    std::vector<Use> out;
    DefenseRoles all;
    for (const Toml& item : *stack.get<Toml::List>()) {
      const std::string what = reader_.what() + ": stack";
      auto use = context_.plugins.use("defense", item, what);
      if (!use) continue;
      const DefenseRoles roles = context_.plugins.roles(*use);
      const Position at = item.find("use")->position;
      const std::string named = what + ": '" + use->plugin + "' ";
      if (!roles.wraps && roles.layers) {
        context_.problems.add(at, named +
                                      "works inside layers, expected it in the model's "
                                      "layer_plugins");
      } else if (!roles.wraps) {
        context_.problems.add(at, named + "only trains networks, expected an inference wrapper");
      }
      if (roles.votes && all.votes)
        context_.problems.add(at, named + "is a second vote, expected at most one");
      if (roles.refuses && all.refuses)
        context_.problems.add(at, named + "is a second detector, expected at most one");
      if (roles.certifies && all.certifies)
        context_.problems.add(at, named + "is a second certifier, expected at most one");
      all.certifies |= roles.certifies;
      all.votes |= roles.votes;
      all.refuses |= roles.refuses;
      out.push_back(std::move(*use));
    }
    return out;
  }

  TableReader reader_;
  SuiteContext& context_;
};

// Rows of one [[defense]] entry.
void read_entry(const Toml& entry, SuiteContext& context, std::vector<DefenseSpec>& out) {
  const Toml* name = entry.find("name");
  const std::string what = name ? "defense '" + plain_text(*name) + "'" : "defense";
  if (!entry.get<Toml::Table>()) {
    context.problems.add(entry.position, what + ": expected a table");
    return;
  }
  Toml plain = entry;
  plain.erase("cross");
  plain.erase("zip");
  std::set<std::string> used;
  std::vector<Combination> all = combinations(entry, what, context.problems);
  for (const Combination& combination : all) {
    std::set<std::string> in_name;
    if (name) fill_slots(*name, combination, in_name, what, context.problems);
    Toml filled = fill_slots(plain, combination, used, what, context.problems);
    auto row = RowReader(filled, context).read();
    if (!row) continue;
    if (in_name.empty()) row->name += label(combination);
    const auto twin = std::find_if(
        out.begin(), out.end(), [&](const DefenseSpec& other) { return other.name == row->name; });
    if (twin != out.end())
      context.problems.add(name->position, "two rows are named '" + row->name +
                                               "', expected a name with every slot in it");
    out.push_back(std::move(*row));
  }
  if (all.empty()) return;
  for (const auto& member : all.front())
    if (!used.count(member.key))
      for (const char* lists : {"cross", "zip"})
        if (const Toml* table = entry.find(lists); table && table->find(member.key))
          context.problems.add(member.position, what + ": " + lists + ": no '$" + member.key +
                                                    "' takes these values");
}
}  // namespace

std::vector<DefenseSpec> read_defenses(const Toml& list, SuiteContext& context) {
  std::vector<DefenseSpec> out;
  for (const Toml& entry : *list.get<Toml::List>()) read_entry(entry, context, out);
  if (list.get<Toml::List>()->empty())
    context.problems.add(list.position, "defense: is empty, expected at least one row");
  return out;
}

}  // namespace gauntlet
