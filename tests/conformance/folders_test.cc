// What every plugin's folder holds: a README, and presets that its schema accepts.
#include <gtest/gtest.h>
#include <toml++/toml.h>

#include <fstream>
#include <set>

#include "suite/read_suite.h"
#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace toys;
namespace fs = std::filesystem;

ParamValue value_of(const ::toml::node& node) {
  if (const auto* v = node.as_boolean()) return v->get();
  if (const auto* v = node.as_integer()) return v->get();
  if (const auto* v = node.as_floating_point()) return v->get();
  if (const auto* v = node.as_string()) return v->get();
  if (const auto* list = node.as_array()) {
    ParamList out;
    for (const ::toml::node& item : *list) out.push_back(value_of(item));
    return out;
  }
  ParamMap out;
  for (const auto& [key, item] : *node.as_table()) out[std::string(key.str())] = value_of(item);
  return out;
}

// All tables with a `use`, however deep: presets and the plugins nested in them.
void collect(const ParamValue& value, std::vector<ParamMap>& uses) {
  if (const auto* list = value.get<ParamList>())
    for (const ParamValue& item : *list) collect(item, uses);
  const auto* table = value.get<ParamMap>();
  if (!table) return;
  if (table->count("use")) uses.push_back(*table);
  for (const auto& [key, item] : *table) collect(item, uses);
}

const std::set<std::string> kHostKeys = {"use",     "restarts",  "draws",       "average",
                                         "goal",    "access",    "max_queries", "samples",
                                         "dataset", "precision", "saturation",  "division"};

Schema schema_of_plugin(const std::string& name) {
  for (const char* kind : {"attacks", "defenses"}) {
    const fs::path file = build_folder() / "plugins" / kind / (name + ".so");
    if (fs::exists(file)) return entry_of(file).schema();
  }
  throw std::runtime_error("no plugin is named " + name);
}

class PluginFolder : public ::testing::Test {
 protected:
  static std::vector<fs::path> folders() {
    const char* source = std::getenv("GAUNTLET_SOURCE_DIR");
    if (!source) throw std::runtime_error("GAUNTLET_SOURCE_DIR is not set: start tests with ctest");
    std::vector<fs::path> out;
    for (const char* kind : {"attacks", "defenses"})
      for (const auto& group : fs::directory_iterator(fs::path(source) / "plugins" / kind))
        for (const auto& entry : fs::directory_iterator(group.path()))
          if (entry.is_directory()) out.push_back(entry.path());
    return out;
  }
};

TEST_F(PluginFolder, HasAReadmeThatNamesEveryParameter) {
  for (const fs::path& folder : folders()) {
    std::ifstream file(folder / "README.md");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const std::string name = folder.filename();
    EXPECT_EQ(text.rfind("# " + name + "\n", 0), 0u) << folder;
    for (const ParamSpec& spec : schema_of_plugin(name))
      EXPECT_NE(text.find("| `" + spec.name + "` |"), std::string::npos)
          << name << " " << spec.name;
  }
}

TEST_F(PluginFolder, HasPresetsThatTheSchemasAccept) {
  for (const fs::path& folder : folders()) {
    std::vector<ParamMap> uses;
    collect(value_of(::toml::parse_file((folder / "preset.toml").string())), uses);
    std::set<std::string> used;
    for (ParamMap use : uses) {
      const std::string plugin = *use.at("use").get<std::string>();
      used.insert(plugin);
      for (const std::string& key : kHostKeys) use.erase(key);
      EXPECT_NO_THROW(resolve(schema_of_plugin(plugin), use)) << folder;
    }
    EXPECT_TRUE(used.count(folder.filename())) << folder;
  }
}

// suites/all-fashion.toml names no plugin, and leaves none out.
TEST_F(PluginFolder, TakesPartInWhatCrossesEverything) {
  const fs::path source = std::getenv("GAUNTLET_SOURCE_DIR");
  const library::PluginLibrary plugins({build_folder() / "plugins"});
  const registry::Registry registry(source / "registry", {source / "registry/datasets"});
  const suite::Suite suite =
      suite::read_suite(source / "suites/all-fashion.toml", {}, plugins, registry);
  std::set<std::string> attacks, defenses;
  for (const suite::AttackSpec& attack : suite.attacks) attacks.insert(attack.plugin);
  for (const suite::DefenseSpec& row : suite.defenses) {
    std::vector<ParamMap> trained_by;
    collect(row.model.training, trained_by);
    for (const ParamMap& use : trained_by) defenses.insert(*use.at("use").get<std::string>());
    for (const auto* uses : {&row.model.layer_plugins, &row.stack})
      for (const Use& use : *uses) defenses.insert(use.plugin);
  }
  for (const std::string& name : plugins.names("attack")) EXPECT_TRUE(attacks.count(name)) << name;
  for (const std::string& name : plugins.names("defense"))
    EXPECT_TRUE(defenses.count(name)) << name;
}

TEST_F(PluginFolder, OfFgsmAndPgdIsShort) {
  const auto lines = [&](const char* file) {
    std::ifstream in(fs::path(std::getenv("GAUNTLET_SOURCE_DIR")) / "plugins/attacks/gradient" /
                     file);
    return std::count(std::istreambuf_iterator<char>(in), {}, '\n');
  };
  EXPECT_LE(lines("fgsm/fgsm.cc"), 30);
  EXPECT_LE(lines("pgd/pgd.cc"), 60);
}

}  // namespace
}  // namespace gauntlet
