// The catalogue over real plugin libraries.
#include "library/plugin_catalogue.h"

#include "suite/read_suite.h"
#include "tests/unit/suite/suite_fixture.h"

namespace gauntlet {
namespace {

using CatalogueOfLibraries = SuiteTest;

std::filesystem::path built_plugins() {
  return std::filesystem::path(std::getenv("GAUNTLET_BUILD_DIR")) / "plugins";
}

TEST_F(CatalogueOfLibraries, RolesAreTheAbilitiesOfThePlugin) {
  const library::PluginLibrary library({built_plugins()});
  const library::LibraryCatalogue catalogue(library);
  const auto roles = [&](const std::string& name) {
    return catalogue.roles(name, resolve(catalogue.schema("defense", name), {}));
  };
  EXPECT_TRUE(roles("smoothing").votes);
  EXPECT_TRUE(roles("smoothing").wraps);
  EXPECT_FALSE(roles("smoothing").layers);
  EXPECT_TRUE(roles("pni").layers);
  EXPECT_FALSE(roles("pni").wraps);
  EXPECT_TRUE(roles("adversarial_training").trains);
  EXPECT_FALSE(roles("adversarial_training").wraps);
}

TEST_F(CatalogueOfLibraries, ASuiteIsReadWithThem) {
  const library::PluginLibrary library({built_plugins()});
  write("suite.toml",
        suite_text("pgd = { use = \"pgd\", steps = 3, step_size = \"1/255\" }\n"
                   "t = { use = \"transfer\", source = \"tiny/at\", attack = { use = \"pgd\" } }\n",
                   "[[defense]]\nname = \"row\"\nmodel = \"tiny/pni-w\"\n"
                   "stack = [{ use = \"smoothing\", sigma = 0.25 }]\n"));
  const suite::Suite suite = suite::read_suite("suite.toml", {}, library, registry_);
  EXPECT_EQ(suite.attacks[0].params.at("step_size"), ParamValue(1.0 / 255));
  EXPECT_EQ(suite.attacks[1].params.at("attack").get<ParamMap>()->count("steps"), 1u);
  EXPECT_EQ(suite.defenses[0].stack[0].with.at("sigma"), ParamValue(0.25));
  for (const suite::AttackSpec& attack : suite.attacks)
    EXPECT_NE(library.attack(attack.plugin, attack.params), nullptr) << attack.name;
}

TEST_F(CatalogueOfLibraries, AnUnknownPluginIsNamedAtItsPlace) {
  const library::PluginLibrary library({built_plugins()});
  write("suite.toml", suite_text("pgd = { use = \"pdg\" }\n"));
  try {
    suite::read_suite("suite.toml", {}, library, registry_);
    FAIL() << "accepted";
  } catch (const BadInput& error) {
    EXPECT_THAT(error.what(), ::testing::StartsWith("suite.toml:7:15: attack 'pgd': "));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("'pgd'?"));
  }
}

}  // namespace
}  // namespace gauntlet
