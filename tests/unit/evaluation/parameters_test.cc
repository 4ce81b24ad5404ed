// Whatever names a result is shown beside it.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "analysis/changes.h"
#include "evaluation/identity.h"
#include "suite/read_suite.h"
#include "tests/support/laboratory_fixture.h"

namespace gauntlet {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;

class Shown : public ::testing::Test {
 protected:
  static fs::path golden() {
    return fs::path(std::getenv("GAUNTLET_SOURCE_DIR")) / "tests/golden/suites/registry";
  }
  struct Asked {
    json question, parameters;
  };
  Asked asked(const std::string& suite) const {
    std::ofstream(folder_ / "suite.toml") << suite;
    const suite::Suite read = suite::read_suite(folder_ / "suite.toml", {}, plugins_, registry_);
    const data::Dataset data = registry_.load(read.data.entry, read.data.split);
    evaluation::Laboratory laboratory(plugins_, registry_, at::kCPU);
    const suite::Job job = suite::job_of(read, read.cells.front());
    return {evaluation::question(job, data, 4, laboratory),
            evaluation::parameters_of(job, data, laboratory)};
  }
  /// A suite of one cell.
  static std::string text(const std::string& attack, const std::string& network,
                          const std::string& more = "",
                          const std::string& data = "dataset = \"tiny\", indices = [0, 1, 2, 5]") {
    return "schema = 1\nname = \"s\"\nseeds = [3]\ndata = { " + data +
           " }\nthreat.l = { norm = \"linf\", epsilon = 0.1 }\nscoring = { trials = 5 }\n"
           "[attack]\nt = { " +
           attack +
           " }\n[[defense]]\nname = \"d\"\nmodel = { architecture = \"sequential\", weights = \"" +
           (golden() / "models/tiny/tiny.safetensors").string() +
           "\", input = [1, 4, 4], classes = 3, layers = [{ type = \"flatten\" }, "
           "{ type = \"linear\", out = 3 }]" +
           network + " }\n" + more;
  }

  gauntlet::testing::TemporaryFolder folder_;
  const library::PluginLibrary plugins_ = gauntlet::testing::shipped_plugins();
  const registry::Registry registry_{golden(), {golden() / "datasets"}};
};

TEST_F(Shown, OfAnAttackThatLooksForDistancesAndNoPartOfTheQuestion) {
  const Asked cw = asked(text("use = \"cw\"", "")), pgd = asked(text("use = \"pgd\"", ""));
  EXPECT_EQ(cw.parameters.at("attack").at("minimal_norm"), true);
  EXPECT_FALSE(pgd.parameters.at("attack").contains("minimal_norm"));
  EXPECT_EQ(cw.question.dump().find("minimal_norm"), std::string::npos);
}

bool is_leaf(const json& value) {
  return !value.is_object() && !(value.is_array() && !value.empty() && value.front().is_object());
}

void collect(const json& value, const std::string& name, std::multimap<std::string, json>& out) {
  if (value.is_object() && value.contains("value"))
    collect(value["value"], name, out);
  else if (is_leaf(value))
    out.emplace(name, value);
  else
    for (const auto& [key, inner] : value.items())
      collect(inner, value.is_array() ? name : key, out);
}

/// Names of the question under which the parameters, or the record's own columns, show it.
std::string shown_as(const std::string& name) {
  return name == "weights" ? "weights_sha256" : name;
}

/// Columns of a record, and what its environment says.
const std::set<std::string> kColumns = {"seed", "norm", "epsilon", "batch_size"};

TEST_F(Shown, IsEveryLeafOfTheIdentity) {
  std::ofstream(folder_ / "made.npz") << "elsewhere";
  const std::string wrapped = ", mean = [0.375], std = [0.625] ";
  const std::string stack = "stack = [{ use = \"smoothing\", sigma = 0.11, mc_samples = 6 }]\n";
  const std::vector<std::string> attacks = {
      "use = \"pgd\", steps = 13, step_size = 0.017, restarts = 2, draws = 7, max_queries = 991",
      "use = \"transfer\", sources = [\"tiny/pni-w\", { model = \"tiny/standard\", stack = [{ use "
      "= \"smoothing\", sigma = 0.19 }] }], attack = { use = \"pgd\", steps = 17 }",
      "use = \"external\", file = \"made.npz\""};
  for (const std::string& attack : attacks) {
    const auto [question, parameters] = asked(text(attack, wrapped, stack));
    std::multimap<std::string, json> leaves, shown;
    collect(question, "", leaves);
    collect(parameters, "", shown);
    for (const json& file : parameters["attack"].value("files_sha256", json::object()))
      shown.emplace("file", file);
    ASSERT_GT(leaves.size(), 25u);
    for (const auto& [name, value] : leaves) {
      if (name == "schema" || name == "indices" || kColumns.count(name)) continue;
      const auto is_under = [&, &value = value](const std::string& place) {
        const auto [from, to] = shown.equal_range(place);
        return std::any_of(from, to, [&](const auto& leaf) { return leaf.second == value; });
      };
      const bool is_there = is_under(name) || is_under(shown_as(name));
      EXPECT_TRUE(is_there) << name << " = " << value << " of " << attack;
    }
    EXPECT_EQ(parameters["data"]["indices"], "0-2, 5");
  }
}

// Each of these asks something else than the first and the one before, and says so.
TEST_F(Shown, IsWhatMakesTwoQuestionsDiffer) {
  const std::string pgd = "use = \"pgd\", steps = 3";
  const std::vector<std::string> suites = {
      text(pgd, ""),
      text(pgd, ", mean = [0.3], std = [0.25]"),
      text(pgd, ", mean = [0.3], std = [0.35]"),
      text(pgd, ", layer_plugins = [{ use = \"pni\", initial = 0.2 }]"),
      text(pgd, "", "stack = [{ use = \"smoothing\", sigma = 0.3 }]\n"),
      text(pgd + ", precision = \"bfloat16\"", ""),
      text(pgd + ", goal = \"targeted\"", ""),
      text(pgd + ", division = \"randomized\"", ""),
      text(pgd, "", "", "dataset = \"tiny\", samples = 3")};
  const Asked first = asked(suites.front());
  for (size_t i = 1; i < suites.size(); ++i) {
    const Asked other = asked(suites[i]), before = asked(suites[i - 1]);
    EXPECT_NE(evaluation::identity_of(other.question), evaluation::identity_of(before.question))
        << suites[i];
    EXPECT_FALSE(
        analysis::changes_between(before.parameters.dump(), other.parameters.dump()).empty())
        << suites[i];
    EXPECT_NE(evaluation::identity_of(other.question), evaluation::identity_of(first.question))
        << suites[i];
    EXPECT_FALSE(
        analysis::changes_between(first.parameters.dump(), other.parameters.dump()).empty())
        << suites[i];
  }
}

// Members of a list are named by all that they are asked with, in their order.
TEST_F(Shown, IsEveryAttackOfAListInOrder) {
  const auto both = [&](const std::string& first, const std::string& second) {
    return asked(text("use = \"ensemble\", members = [" + first + ", " + second + "]", ""));
  };
  const std::string five = "{ use = \"pgd\", steps = 5 }", six = "{ use = \"pgd\", steps = 6 }",
                    one = "{ use = \"fgsm\" }";
  const Asked base = both(five, one);
  EXPECT_EQ(evaluation::identity_of(base.question),
            evaluation::identity_of(both(five, one).question));
  for (const Asked& other : {both(six, one), both(one, five), both(five, five)}) {
    EXPECT_NE(evaluation::identity_of(other.question), evaluation::identity_of(base.question));
    EXPECT_FALSE(
        analysis::changes_between(base.parameters.dump(), other.parameters.dump()).empty());
  }
  const json& members = base.parameters["attack"]["params"]["members"]["value"];
  ASSERT_EQ(members.size(), 2u);
  EXPECT_EQ(members[0]["use"], "pgd");
  EXPECT_EQ(members[0]["steps"], 5);
  EXPECT_EQ(members[0]["loss"], "cross_entropy") << "what is not written, too";
  EXPECT_EQ(members[1]["use"], "fgsm");
}

TEST_F(Shown, IsWhatAnswersInsideOfAList) {
  std::ofstream(folder_ / "suite.toml") << text(
      "use = \"ensemble\", members = [{ use = \"fgsm\" }, { use = \"transfer\", source = "
      "\"tiny/at\", attack = { use = \"pgd\" } }]",
      "");
  const suite::Suite read = suite::read_suite(folder_ / "suite.toml", {}, plugins_, registry_);
  const data::Dataset data = registry_.load(read.data.entry, read.data.split);
  const evaluation::Laboratory laboratory(plugins_, registry_, at::kCPU);
  const suite::Job job = suite::job_of(read, read.cells.front());
  const json by = evaluation::answerer(job.defense, *job.attack, laboratory);
  for (const char* plugin : {"attack/ensemble", "attack/fgsm", "attack/transfer", "attack/pgd"})
    EXPECT_NE(by.dump().find(plugin), std::string::npos) << plugin;
}

// The same files read otherwise are other data.
TEST(DataQuestion, SaysHowImagesAreRead) {
  suite::DataSpec of_images;
  of_images.entry.shape = {3, 32, 32};
  of_images.entry.splits.push_back({.name = "test", .format = data::DataFormat::kImages});
  of_images.entry.splits[0].resize = 40;
  data::Dataset data;
  data.split = "test", data.sha256 = "sum";
  std::set<std::string> identities;
  const auto add = [&] {
    identities.insert(evaluation::identity_of(evaluation::data_question(of_images, data, {0})));
  };
  add();
  of_images.entry.splits[0].resize = 48, add();
  of_images.entry.shape = {3, 24, 24}, add();
  of_images.entry.class_names = {"dog", "cat"}, add();
  of_images.entry.splits[0].format = data::DataFormat::kNpz, add();
  of_images.entry.splits[0].images_array = "x_test", add();
  of_images.entry.splits[0].labels_array = "coarse", add();
  of_images.entry.splits[0].channels_last = true, add();
  EXPECT_EQ(identities.size(), 8u);
  EXPECT_EQ(evaluation::data_parameters(of_images, data, {0})["read"]["labels"], "coarse");
}

}  // namespace
}  // namespace gauntlet
