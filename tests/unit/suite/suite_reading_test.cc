#include "suite_fixture.h"

namespace gauntlet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using SuiteReading = SuiteTest;

TEST_F(SuiteReading, TheExampleMeansWhatItSays) {
  const suite::Suite suite = read(R"(
schema = 1
name = "example"
seeds = [0, 1, 2]
data = { dataset = "tiny", samples = 5 }
scoring = { trials = 5, success = "final" }
threat.linf8 = { norm = "linf", epsilon = "8/255" }
threat.l2 = { norm = "l2", epsilon = 0.5 }
[attack]
fgsm = { use = "fgsm" }
pgd  = { use = "pgd", steps = 20, step_size = "2/255", restarts = 2 }
pgd-steps = { base = "pgd", cross = { steps = [1, 5, 20, 50] } }
[[defense]]
name = "$m + soft vote, sigma $s"
model = "tiny/$m"
stack = [{ use = "smoothing", vote = "soft", sigma = "$s", mc_samples = 16 }]
zip = { m = ["at", "pni-w"], s = [0.0, 0.1] }
)");
  EXPECT_EQ(suite.name, "example");
  EXPECT_THAT(suite.seeds, ElementsAre(0, 1, 2));
  EXPECT_THAT(suite.data.indices, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(suite.data.dataset, "tiny");
  EXPECT_EQ(suite.data.entry.classes, 3);
  EXPECT_EQ(suite.scoring.trials, 5);
  EXPECT_EQ(suite.scoring.trials_of(100, true), 5);
  EXPECT_EQ(suite.scoring.success, suite::Success::kFinal);
  EXPECT_THAT(names_of(suite.threats), ElementsAre("linf8", "l2"));
  EXPECT_EQ(suite.threats[0].epsilon, 8.0 / 255);
  EXPECT_EQ(suite.threats[0].epsilon_text, "8/255");
  EXPECT_EQ(suite.threats[1].norm, Norm::kL2);
  EXPECT_THAT(names_of(suite.attacks),
              ElementsAre("fgsm", "pgd", "pgd-steps[steps=1]", "pgd-steps[steps=5]",
                          "pgd-steps[steps=20]", "pgd-steps[steps=50]"));
  EXPECT_EQ(suite.attacks[5].plugin, "pgd");
  EXPECT_EQ(suite.attacks[5].host.restarts, 2);
  EXPECT_EQ(suite.attacks[5].params, (ParamMap{{"steps", 50},
                                               {"step_size", 2.0 / 255},
                                               {"start", "uniform"},
                                               {"loss", "cross_entropy"}}));
  EXPECT_THAT(names_of(suite.defenses),
              ElementsAre("at + soft vote, sigma 0", "pni-w + soft vote, sigma 0.1"));
  EXPECT_EQ(suite.defenses[1].model.id, "tiny/pni-w");
  EXPECT_EQ(suite.defenses[1].model.layer_plugins[0].with, (ParamMap{{"initial", 0.25}}));
  EXPECT_EQ(suite.defenses[1].stack[0].with,
            (ParamMap{{"sigma", 0.1}, {"mc_samples", 16}, {"vote", "soft"}}));
  EXPECT_EQ(suite.cells.size(), 3u * 2 * 2 * 6);
  EXPECT_EQ(suite.cells[6].defense, 1u);
  EXPECT_EQ(suite.cells[12].threat, 1u);
  EXPECT_EQ(suite.cells[24].seed, 1);
}

TEST_F(SuiteReading, HostKeysAreReadForEveryAttack) {
  const suite::Suite suite = read(
      suite_text("a = { use = \"fgsm\", restarts = 3, draws = 8, average = \"probability\", goal = "
                 "\"targeted\", access = \"score\", max_queries = 100, samples = 2, precision = "
                 "\"bfloat16\" }\nb = { use = "
                 "\"fgsm\" }\n"));
  const suite::HostKeys& a = suite.attacks[0].host;
  EXPECT_EQ(a.restarts, 3);
  EXPECT_EQ(a.draws, 8);
  EXPECT_EQ(a.average, Average::kProbability);
  EXPECT_EQ(a.goal, Goal::kTargeted);
  EXPECT_EQ(a.access, Access::kScore);
  EXPECT_EQ(a.max_queries, 100);
  EXPECT_EQ(a.samples, 2);
  EXPECT_EQ(a.mode, models::Mode::kFoldedHalf);
  const suite::HostKeys& b = suite.attacks[1].host;
  EXPECT_EQ(b.restarts, 1);
  EXPECT_EQ(b.draws, 1);
  EXPECT_FALSE(b.average);
  EXPECT_FALSE(b.access);
  EXPECT_EQ(b.mode, models::Mode::kFolded);
}

TEST_F(SuiteReading, NestedPluginsAreCompletedAndChecked) {
  const suite::Suite suite = read(suite_text(
      "t = { use = \"transfer\", source = \"tiny/at\", attack = { use = \"pgd\", steps = 3 } }\n"));
  const ParamMap inner{{"use", "pgd"},
                       {"steps", 3},
                       {"step_size", 2.0 / 255},
                       {"start", "uniform"},
                       {"loss", "cross_entropy"}};
  EXPECT_EQ(suite.attacks[0].params,
            (ParamMap{{"source", "tiny/at"}, {"sources", ParamList{}}, {"attack", inner}}));
  EXPECT_EQ(error(suite_text("t = { use = \"transfer\", source = \"tiny/ta\", attack = { use = "
                             "\"pgd\", steps = -3 } }\n")),
            "suite.toml:7:34: attack 't': source: the registry has no model 'tiny/ta', did you "
            "mean 'tiny/at'?\n"
            "suite.toml:7:77: attack 't': attack: steps: -3 is not in [0, 10000]");
}

TEST_F(SuiteReading, AParameterThatNamesAModelMustBeGiven) {
  EXPECT_EQ(error(suite_text("t = { use = \"transfer\" }\n")),
            "suite.toml:7:13: attack 't': 'source' is missing, expected the id of a registry "
            "model, or 'sources', a list of them");
}

TEST_F(SuiteReading, AModelMayHaveWrappersOfItsOwn) {
  const suite::Suite suite = read(suite_text(
      "t = { use = \"transfer\", sources = [\"tiny/at\", { model = \"tiny/standard\" }, "
      "{ model = \"tiny/pni-w\", stack = [{ use = \"smoothing\", sigma = \"1/8\" }] }] }\n"));
  const ParamMap wrapper{
      {"use", "smoothing"}, {"sigma", 0.125}, {"mc_samples", 64}, {"vote", "soft"}};
  EXPECT_EQ(
      suite.attacks[0].params.at("sources"),
      ParamValue(ParamList{"tiny/at", "tiny/standard",
                           ParamMap{{"model", "tiny/pni-w"}, {"stack", ParamList{wrapper}}}}));
  EXPECT_EQ(suite.attacks[0].params.at("source"), ParamValue(""));
}

TEST_F(SuiteReading, FilesAreFoundFromTheFileThatNamesThem) {
  write("sub/net.bin", "x");
  write("sub/rows.toml",
        "[[defense]]\nname = \"p\"\nmodel = \"tiny/standard\"\nstack = [{ use = \"purifier\", "
        "network = \"net.bin\" }]\n");
  const suite::Suite suite =
      read("include = \"sub/rows.toml\"\n" + suite_text("fgsm = { use = \"fgsm\" }\n", ""));
  EXPECT_EQ(suite.defenses[0].stack[0].with, (ParamMap{{"network", "sub/net.bin"}}));
}

TEST_F(SuiteReading, InlineModelsHaveTheKeysOfARegistryEntry) {
  write("net.safetensors", "x");
  const suite::Suite suite = read(suite_text("fgsm = { use = \"fgsm\" }\n", R"([[defense]]
name = "mine"
[defense.model]
architecture = "sequential"
input = [1, 4, 4]
classes = 3
mean = [0.5]
std = [0.25]
weights = "net.safetensors"
layer_plugins = [{ use = "pni" }]
layers = [{ type = "flatten" }, { type = "linear", out = 3 }]
)"));
  const registry::ModelEntry& model = suite.defenses[0].model;
  EXPECT_EQ(model.id, "inline:net.safetensors");
  EXPECT_EQ(model.weights, "net.safetensors");
  EXPECT_EQ(model.network.architecture, "sequential");
  EXPECT_THAT(model.network.mean, ElementsAre(0.5));
  EXPECT_EQ(model.network.options.count("layers"), 1u);
  EXPECT_EQ(model.network.options.size(), 1u);
  EXPECT_EQ(model.layer_plugins[0].with, (ParamMap{{"initial", 0.25}}));
}

TEST_F(SuiteReading, WeightsAreAlsoLookedForInTheWeightsFolder) {
  write("elsewhere/deep/net.safetensors", "x");
  const std::string row =
      "[[defense]]\nname = \"mine\"\nmodel = { weights = \"deep/net.safetensors\", architecture = "
      "\"sequential\", input = [1, 4, 4], classes = 3, layers = [{ type = \"flatten\" }, { type = "
      "\"linear\", out = 3 }] }\n";
  const std::string text = suite_text("fgsm = { use = \"fgsm\" }\n", row);
  const Variable nowhere("GAUNTLET_WEIGHTS", "no-such-folder");
  EXPECT_EQ(error(text),
            "suite.toml:10:21: defense 'mine': model: the weights are absent: looked for "
            "deep/net.safetensors and for the same name below no-such-folder (GAUNTLET_WEIGHTS)");
  const Variable elsewhere("GAUNTLET_WEIGHTS", "elsewhere");
  EXPECT_EQ(read(text).defenses[0].model.weights, "elsewhere/deep/net.safetensors");
}

TEST_F(SuiteReading, DataOfOnesOwnIsMeasured) {
  const auto datasets = golden_suites() / "registry/datasets";
  std::filesystem::copy(datasets / "tiny-images-idx3-ubyte", "images");
  std::filesystem::copy(datasets / "tiny-labels-idx1-ubyte", "labels");
  std::string text = suite_text("fgsm = { use = \"fgsm\" }\n");
  const auto with = [&](const std::string& data) {
    std::string out = text;
    const size_t begin = out.find("data = ");
    return out.replace(begin, out.find('\n', begin) - begin, "data = " + data);
  };
  const suite::Suite suite =
      read(with("{ path = \"images\", labels = \"labels\", format = \"idx\", classes = 3 }"));
  EXPECT_EQ(suite.data.dataset, "inline:images");
  EXPECT_EQ(suite.data.indices.size(), 10u);
  EXPECT_THAT(suite.data.entry.shape, ElementsAre(1, 4, 4));
  EXPECT_EQ(suite.data.entry.find_split("test")->files.size(), 2u);
  EXPECT_EQ(error(with("{ path = \"images\", format = \"idx\", samples = 11, labels = \"lebals\", "
                       "classes = 3 }")),
            "suite.toml:4:66: data: labels: there is no file lebals");
  EXPECT_EQ(error(with("{ path = \"images\", format = \"idx\", samples = 11, labels = \"labels\", "
                       "classes = 2, shape = [3, 4, 4] }")),
            "suite.toml:4:17: data: path: labels: the label of image 2 is 2, expected 0 to 1 (3 "
            "such labels)");
  EXPECT_EQ(error(with("{ path = \"images\", format = \"idx\", samples = 11, labels = \"labels\", "
                       "classes = 4, shape = [3, 4, 4] }")),
            "suite.toml:4:53: data: samples: 11 is more than the 10 samples of split 'test'\n"
            "suite.toml:4:97: data: shape: [3, 4, 4] is not the shape of the images in the file\n"
            "suite.toml:10:9: defense 'none': model 'tiny/standard': takes images of [1, 4, 4] and "
            "knows 3 classes, "
            "but data set 'inline:images' has images of [1, 4, 4] and 4 classes");
}

TEST_F(SuiteReading, IndicesNameSamples) {
  std::string text = suite_text("fgsm = { use = \"fgsm\" }\n");
  const size_t begin = text.find("samples = 4");
  text.replace(begin, 11, "indices = [7, 0, 3]");
  EXPECT_THAT(read(text).data.indices, ElementsAre(7, 0, 3));
}

TEST_F(SuiteReading, AnOffsetSkipsSamples) {
  const auto with = [&](const std::string& data) {
    std::string text = suite_text("fgsm = { use = \"fgsm\" }\n");
    return text.replace(text.find("samples = 4"), 11, data);
  };
  EXPECT_THAT(read(with("offset = 7")).data.indices, ElementsAre(7, 8, 9));
  EXPECT_THAT(read(with("samples = 2, offset = 3")).data.indices, ElementsAre(3, 4));
  EXPECT_EQ(
      error(with("samples = 4, offset = 7")),
      "suite.toml:4:38: data: samples: 4 is more than the 3 behind 'offset' of the 10 samples "
      "of split 'test'");
  EXPECT_EQ(error(with("offset = 10")),
            "suite.toml:4:37: data: offset: 10 leaves none of the 10 samples of split 'test'");
  EXPECT_EQ(error(with("indices = [1], offset = 1")),
            "suite.toml:4:38: data: indices: 'offset' and 'indices' cannot both be given");
}

TEST_F(SuiteReading, ABaselineIsARowOfTheSuite) {
  const std::string rows =
      "[[defense]]\nname = \"at, $s\"\nbaseline = \"none\"\nmodel = \"tiny/at\"\n"
      "stack = [{ use = \"smoothing\", sigma = \"$s\" }]\ncross = { s = [0.1, 0.2] }\n";
  const std::string text = suite_text("fgsm = { use = \"fgsm\" }\n", kRow + rows);
  const suite::Suite suite = read(text);
  EXPECT_EQ(suite.defenses[0].baseline, "");
  EXPECT_EQ(suite.defenses[2].baseline, "none");
  EXPECT_EQ(read(text, {{}, {"defense=at*"}}).defenses[0].baseline, "") << "it is left out";
}

TEST_F(SuiteReading, EveryDamagedSuiteIsReadOrRefusedAsBadInput) {
  const std::string text = suite_text(
      "a = { use = \"pgd\", cross = { steps = [1, 2] } }\nb = { base = \"a\", zip = { draws = [1] "
      "} }\n",
      "[[defense]]\nname = \"$m\"\nmodel = \"tiny/$m\"\nstack = [{ use = \"smoothing\" }]\n"
      "zip = { m = [\"at\"] }\n");
  int read_whole = 0;
  const auto attempt = [&](const std::string& damaged) {
    try {
      read(damaged);
      ++read_whole;
    } catch (const BadInput& error) {
      EXPECT_STRNE(error.what(), "") << damaged;
    }
  };
  attempt(text);
  EXPECT_EQ(read_whole, 1);
  for (size_t i = 0; i < text.size(); ++i) {
    attempt(text.substr(0, i));
    if (i % 2) continue;
    std::string damaged = text;
    attempt(damaged.erase(i, 1));
    damaged = text;
    damaged[i] = "[]{}=$\"'.,\n0x"[i / 2 % 13];
    attempt(damaged);
  }
}

TEST(Scoring, AsksEnoughTrialsForAnIntervalOverSharedDraws) {
  suite::Scoring scoring;
  EXPECT_EQ(scoring.trials_of(1, true), 512);
  EXPECT_EQ(scoring.trials_of(512, false), 3);
  EXPECT_EQ(scoring.trials_of(512, true), suite::Scoring::kLeastShared);
  scoring.draws = 24;
  EXPECT_EQ(scoring.trials_of(16, true), 2) << "what a suite says holds";
  scoring.draws = 0, scoring.trials = 1;
  EXPECT_EQ(scoring.trials_of(16, true), 1);
}

}  // namespace
}  // namespace gauntlet
