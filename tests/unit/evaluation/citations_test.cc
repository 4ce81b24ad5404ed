// What a run cites.
#include "evaluation/citations.h"

#include <gmock/gmock.h>

#include <fstream>

#include "suite/read_suite.h"
#include "tests/support/laboratory_fixture.h"

namespace gauntlet::testing {
namespace {

using ::testing::Contains;
using ::testing::Not;

// The names of what is cited by a suite of these lines.
std::map<std::string, std::string> cited_by(const std::string& lines) {
  const TemporaryFolder folder;
  std::ofstream(folder / "suite.toml") << "schema = 1\nname = \"cites\"\n"
                                          "data = { dataset = \"fashion-mnist-1k\", samples = 4 }\n"
                                          "threat.linf = { norm = \"linf\", epsilon = 0.1 }\n"
                                       << lines;
  const library::PluginLibrary plugins = shipped_plugins();
  const registry::Registry registry(from_environment("GAUNTLET_SOURCE_DIR") / "registry", {});
  const suite::Suite suite = suite::read_suite(folder / "suite.toml", {}, plugins, registry);
  const evaluation::Laboratory lab(plugins, registry, at::kCPU);
  std::map<std::string, std::string> out;
  for (const nlohmann::json& one : citations_of(suite, lab))
    EXPECT_TRUE(out.emplace(one.at("of"), one.at("bibtex")).second) << one.at("of") << " twice";
  return out;
}
const auto kOf = [](const std::string& name) { return ::testing::Key(name); };

const std::string kRow = "[[defense]]\nname = \"at\"\nmodel = \"fashion-mnist/at\"\n";

TEST(CitationsOfSuites, AreOfDataPluginsAndHowModelsWereTrained) {
  const auto cited = cited_by("attack.fgsm = { use = \"fgsm\" }\n" + kRow);
  for (const char* name : {"gauntlet", "data/fashion-mnist-1k", "attack/fgsm",
                           "defense/adversarial_training", "attack/pgd"})
    EXPECT_THAT(cited, Contains(kOf(name)));
  EXPECT_THAT(cited, Not(Contains(kOf("defense/pni"))));
  std::ifstream text(from_environment("GAUNTLET_SOURCE_DIR") /
                     "plugins/attacks/gradient/fgsm/citation.bib");
  EXPECT_EQ(cited.at("attack/fgsm"), std::string(std::istreambuf_iterator<char>(text), {}));
}

TEST(CitationsOfSuites, AreOfTheSourcesOfTransferToo) {
  const auto cited = cited_by(
      "attack.transfer = { use = \"transfer\", source = \"fashion-mnist/pni\", attack = { use = "
      "\"fgsm\" } }\n" +
      kRow);
  for (const char* name : {"attack/transfer", "attack/fgsm", "defense/pni"})
    EXPECT_THAT(cited, Contains(kOf(name)));
}

TEST(CitationsOfSuites, AreOfWrappers) {
  const auto cited = cited_by(
      "attack.fgsm = { use = \"fgsm\" }\n" + kRow +
      "stack = [{ use = \"randomized_smoothing\", sigma = 0.1, n = 100, mc_samples = 8 }]\n");
  EXPECT_THAT(cited, Contains(kOf("defense/randomized_smoothing")));
}

}  // namespace
}  // namespace gauntlet::testing
