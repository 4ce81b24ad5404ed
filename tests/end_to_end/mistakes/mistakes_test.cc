// What people get wrong in their first suites, and the one sentence that each of it is told.
#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "base/bad_input.h"
#include "reports/files/npz_writer.h"
#include "suite/read_suite.h"
#include "suite/remarks.h"
#include "tests/support/laboratory_fixture.h"

namespace gauntlet::testing {
namespace {

using ::testing::HasSubstr;

const std::string kRight = R"(schema = 1
name = "mine"
data = { dataset = "fashion-mnist-1k", samples = 20 }
threat.linf = { norm = "linf", epsilon = 0.1 }
[attack]
fgsm = { use = "fgsm" }
pgd = { use = "pgd", steps = 10 }
[[defense]]
name = "plain"
model = "fashion-mnist/standard"
)";
const std::string kThreat = "norm = \"linf\", epsilon = 0.1", kSteps = "steps = 10",
                  kData = "dataset = \"fashion-mnist-1k\", samples = 20",
                  kModel = "model = \"fashion-mnist/standard\"";

class Mistakes : public ::testing::Test {
 protected:
  suite::Suite read(const std::string& text) const {
    std::ofstream(folder_ / "suite.toml") << text;
    return suite::read_suite(folder_ / "suite.toml", {}, plugins_, registry_);
  }
  static std::string changed(const std::string& from, const std::string& to) {
    std::string text = kRight;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }
  // What is said of the right suite with one part of it changed.
  std::string said(const std::string& from, const std::string& to) const {
    try {
      read(changed(from, to));
    } catch (const BadInput& error) {
      return error.what();
    }
    return "";
  }
  std::string remarked(const std::string& from, const std::string& to) const {
    suite::Remarks remarks;
    remark_on_units(read(changed(from, to)), remarks);
    std::string text;
    for (const std::string& line : remarks.lines()) text += line + "\n";
    return text;
  }
  // A model of one's own, with weights that are there.
  static std::string own_model(const std::string& more, const std::string& input = "[1, 28, 28]",
                               const std::string& architecture = "sequential") {
    const auto weights = from_environment("GAUNTLET_SOURCE_DIR") /
                         "registry/models/fashion-mnist/standard.safetensors";
    return "model = { architecture = \"" + architecture + "\", input = " + input +
           ", classes = 10, weights = \"" + weights.string() + "\"" + more + " }";
  }

  const TemporaryFolder folder_;
  const library::PluginLibrary plugins_ = shipped_plugins();
  const registry::Registry registry_{from_environment("GAUNTLET_SOURCE_DIR") / "registry", {}};
};

TEST_F(Mistakes, NoneIsFoundInARightSuite) {
  EXPECT_EQ(said("mine", "mine"), "");
  EXPECT_EQ(remarked("mine", "mine"), "");
}

struct Mistake {
  std::string from, to, sentence;
};

TEST_F(Mistakes, OfUnitsAreNamed) {
  const std::vector<Mistake> mistakes = {
      {kThreat, "norm = \"linf\", epsilon = 8", "write \"8/255\""},
      {kThreat, "norm = \"linf\", epsilon = \"8\"", "write \"8/255\""},
      {kThreat, "norm = \"linf\", epsilon = 8/255", "written in quotes: \"8/255\""},
      {kThreat, "norm = \"linf\", epsilon = 0", "0 leaves every image as it is"},
      {kThreat, "norm = \"linf\", epsilon = -0.1", "-0.1 is below 0, expected a radius"},
      {kThreat, "norm = \"linf\", epsilon = \"3%\"", "is not a number or a fraction such as"},
      {kThreat, "norm = \"linf\", epsilon = nan", "nan is not a finite number"},
      {kThreat, "norm = \"l2\", epsilon = 128", "128 is more than 28, the longest L2 distance"},
      {kSteps, "step_size = 2", "step_size: 2 is longer than 1, the width of the box"},
      {kSteps, "steps = 10.0", "steps: 10.0 is not a whole number, write 10"},
      {kSteps, "steps = \"10\"", "steps: \"10\" is not a whole number, write 10"},
      {kSteps, "steps = -1", "steps: -1 is not in [0, 10000]"},
  };
  for (const Mistake& one : mistakes)
    EXPECT_THAT(said(one.from, one.to), HasSubstr(one.sentence)) << one.to;
  EXPECT_THAT(remarked(kModel, kModel + "\nstack = [{ use = \"smoothing\", sigma = 8 }]"),
              HasSubstr("sigma = 8 is wider than pixels in [0, 1]"));
  EXPECT_THAT(remarked(kThreat, "norm = \"linf\", epsilon = 0.5"),
              HasSubstr("makes every image plain gray"));
}

TEST_F(Mistakes, OfListsAreNamed) {
  const std::string pgd = "use = \"pgd\", steps = 10", one = "[{ use = \"fgsm\" }]";
  const std::vector<Mistake> mistakes = {
      {pgd, "use = \"ensemble\", members = []", "members: is empty, expected at least one"},
      {pgd, "use = \"ensemble\", repeats = [1]",
       "repeats: has 1 number, 'members' has 2 attacks, expected a number for each"},
      {pgd, "use = \"ensemble\", repeats = [1, 2], members = " + one,
       "repeats: has 2 numbers, 'members' has 1 attack, expected a number for each"},
      {pgd, "use = \"alternating_pgd\", losses = []", "losses: is empty, expected at least one"},
  };
  for (const Mistake& mistake : mistakes) {
    const std::string told = said(mistake.from, mistake.to);
    EXPECT_THAT(told, HasSubstr("suite.toml:7:")) << mistake.to;
    EXPECT_THAT(told, HasSubstr(mistake.sentence)) << mistake.to;
  }
  EXPECT_EQ(said(pgd, "use = \"ensemble\", repeats = [2, 1]"), "");
}

TEST_F(Mistakes, OfPresetsGetTheNearest) {
  const std::string pgd = "pgd = { use = \"pgd\", steps = 10 }";
  const std::vector<Mistake> mistakes = {
      {pgd, "aa = \"apgdx\"", "there is no preset 'apgdx', did you mean 'apgd'?"},
      {pgd, "x = { base = \"autoattack-standrd\" }",
       "base: there is no attack 'autoattack-standrd', did you mean 'autoattack-standard'?"},
      {pgd, "x = { use = \"autoattack-standard\" }",
       "'autoattack-standard' is a preset, expected an attack plugin; write attack.NAME = "
       "\"autoattack-standard\""},
      {pgd, "aa = 5", "5 is not a table, expected { use = \"name\", … } or the name of a preset"},
      {pgd, "x = { use = \"ensemble\", members = [{ use = \"pgd\", restarts = 3 }] }",
       "unknown parameter 'restarts', 'repeats' of 'ensemble' says how "
       "often "
       "each runs"},
  };
  for (const Mistake& one : mistakes)
    EXPECT_THAT(said(one.from, one.to), HasSubstr(one.sentence)) << one.to;
}

TEST_F(Mistakes, OfNormalisationAndLayoutAreNamed) {
  const std::vector<Mistake> mistakes = {
      {kModel, own_model(", mean = [72.9], std = [90.0]"),
       "mean: 72.9 is not in [-1, 1]; pixels are in [0, 1], write \"72.9/255\""},
      {kModel, own_model(", mean = [0.28], std = [90.0]"), "std: 90 is not in [1e-06, 10]"},
      {kModel, own_model(", mean = [0.28], std = [0]"), "std: every value must be above 0"},
      {kModel, own_model(", mean = [0.28]"), "'std' is missing, expected a list of numbers"},
      {kModel, own_model(", mean = [0.2, 0.2, 0.2], std = [0.3, 0.3, 0.3]"),
       "3 values for 1 channels, expected one for each"},
      {kModel, own_model(", mean = 0.28, std = 0.35"),
       "mean: 0.28 is not a list of numbers, write [0.28]"},
      {kModel,
       own_model(", layers = [{ type = \"flatten\" }, { type = \"linear\", out = 10 }]",
                 "[28, 28, 1]"),
       "channels come first, write [1, 28, 28]"},
      {kModel, "model = \"cifar10/at\"", "takes images of [3, 32, 32] and knows 10 classes"},
      {kModel,
       "model = { architecture = \"resnet20\", input = [1, 28, 28], clases = 10, weigths = \"w\" }",
       "weigths: is no option, did you mean 'weights'?"},
      {kModel, own_model(", means = [0.28], sdt = [0.35]", "[1, 28, 28]", "resnet20"),
       "'means': did you mean 'mean'?"},
      {kModel, own_model(", means = [0.28], sdt = [0.35]", "[1, 28, 28]", "resnet20"),
       "'sdt': did you mean 'std'?"},
      {kModel, "model = \"fashion-mnist/adversarial_training\"", "known: fashion-mnist/at"},
  };
  for (const Mistake& one : mistakes)
    EXPECT_THAT(said(one.from, one.to), HasSubstr(one.sentence)) << one.to;
}

TEST_F(Mistakes, OfNamesAreToldTheNearest) {
  const std::vector<Mistake> mistakes = {
      {"use = \"pgd\"", "use = \"pdg\"", "did you mean 'pgd'?"},
      {"use = \"pgd\"", "use = \"PGD\"", "did you mean 'pgd'?"},
      {"use = \"pgd\"", "use = pgd", "a text is written in quotes: \"pgd\""},
      {"use = \"pgd\"", "use = \"autoattack\"", "no attack plugin 'autoattack'"},
      {"use = \"pgd\"", "use = \"trades\"", "'trades' is a plugin of kind defense"},
      {kSteps, "stpes = 10", "did you mean 'steps'?"},
      {kSteps, "iterations = 10",
       "unknown parameter 'iterations' of attack plugin 'pgd', here it "
       "is 'steps'"},
      {kSteps, "alpha = \"2/255\"", "here it is 'step_size'"},
      {kSteps, "epsilon = \"8/255\"", "it is a threat's: threat.NAME = { norm = "},
      {kSteps, "loss = \"ce\"", "'ce' is not one of 'cross_entropy'"},
      {kSteps, "goal = \"target\"", "did you mean 'targeted'?"},
      {kThreat, "norm = \"Linf\", epsilon = 0.1", "did you mean 'linf'?"},
      {kThreat, "norm = linf, epsilon = 0.1", "a text is written in quotes: \"linf\""},
      {kThreat, "norm = \"linf\", eps = 0.1", "'epsilon' is missing"},
      {kModel, "model = \"fashion-mnist/standart\"", "did you mean 'fashion-mnist/standard'?"},
      {kModel, "model = \"weights.pth\"", "a file is a model as { architecture = "},
      {kModel, own_model("", "[1, 28, 28]", "ResNet18"), "did you mean 'resnet18'?"},
      {kModel, kModel + "\nstack = [{ use = \"smothing\" }]", "did you mean 'smoothing'?"},
      {kModel, kModel + "\nstack = [{ use = \"trades\" }]", "only trains networks, expected an"},
      {"[attack]", "[attacks]", "unknown key 'attacks', did you mean 'attack'?"},
      {"[[defense]]", "[defense]", "each begins with [[defense]]"},
      {"schema = 1", "certify = True\nschema = 1", "; write true"},
      {"schema = 1", "seeds = 3\nschema = 1", "seeds: 3 is not a list of whole numbers, write [3]"},
      {"schema = 1\n", "", "'schema' is missing"},
  };
  for (const Mistake& one : mistakes)
    EXPECT_THAT(said(one.from, one.to), HasSubstr(one.sentence)) << one.to;
}

TEST_F(Mistakes, OfDataAreNamed) {
  const std::vector<Mistake> mistakes = {
      {kData, "dataset = \"fashionmnist-1k\"", "did you mean 'fashion-mnist-1k'?"},
      {kData, "dataset = \"cifar10\"", "'gauntlet data get cifar10' downloads it"},
      {kData, "dataset = \"fashion-mnist-1k\", split = \"val\"", "has no split 'val'"},
      {kData, "dataset = \"fashion-mnist-1k\", samples = 5000", "is more than the 1000 samples"},
      {kData, "dataset = \"fashion-mnist-1k\", samples = 0", "samples: 0 is not in [1, "},
      {kData, "dataset = \"fashion-mnist-1k\", samples = \"all\"", "is not a whole number"},
      {kData, "path = \"absent.npz\", format = \"npz\", classes = 10", "there is no file"},
      {kData, "path = \"absent\", format = \"images\"", "there is no folder"},
      {kData, "path = \"x.csv\", format = \"csv\"", "'csv' is not one of 'idx'"},
  };
  for (const Mistake& one : mistakes)
    EXPECT_THAT(said(one.from, one.to), HasSubstr(one.sentence)) << one.to;
  EXPECT_THAT(said(kModel,
                   "model = { architecture = \"sequential\", input = [1, 28, 28], classes = 10, "
                   "weights = \"w.pt\" }"),
              HasSubstr("the weights are absent: looked for"));
}

TEST_F(Mistakes, OfArraysAreNamed) {
  const auto with = [&](const Tensor& x, const Tensor& y, const std::string& more) {
    reports::files::write_npz(folder_ / "data.npz", {{"images", x}, {"labels", y}});
    const std::string text =
        said("{ " + kData + " }", "{ path = \"" + (folder_ / "data.npz").string() +
                                      "\", format = \"npz\", images_array = \"images\", "
                                      "labels_array = \"labels\"" +
                                      more + " }");
    EXPECT_EQ(text.find("0 to -1"), std::string::npos) << text;
    return text;
  };
  const Tensor x = torch::zeros({12, 1, 28, 28}, torch::kByte), y = torch::arange(12) % 10;
  EXPECT_EQ(with(x, y, ", classes = 10"), "");
  EXPECT_THAT(with(x, y, ""), HasSubstr("'classes' is missing, expected a whole number"));
  EXPECT_THAT(with(x, y + 1, ", classes = 10"), HasSubstr("expected 0 to 9"));
  EXPECT_NE(with(x.slice(0, 0, 9), y, ", classes = 10"), "");
  EXPECT_NE(with(x.to(torch::kFloat) + 200, y, ", classes = 10"), "");
}

// Labels, pixels and weights that fit no check show in the clean accuracy.
TEST_F(Mistakes, ThatOnlyNumbersShowAreFindings) {
  const data::Dataset data = registry_.load("fashion-mnist-1k", "test");
  const Tensor first = torch::arange(100);
  const auto finding = [&](const Tensor& x, const Tensor& y) {
    reports::files::write_npz(folder_ / "data.npz", {{"images", x}, {"labels", y}});
    std::string text = changed("{ " + kData + " }",
                               "{ path = \"" + (folder_ / "data.npz").string() +
                                   "\", format = \"npz\", images_array = \"images\", labels_array "
                                   "= \"labels\", classes = 10 }");
    text.replace(text.find("pgd = { use = \"pgd\", steps = 10 }\n"), 34, "");
    execution::RunSummary summary;
    const results::Store::Run records =
        run(read(text), plugins_, registry_, folder_ / "run", execution::RunOptions{}, &summary);
    EXPECT_EQ(summary.ok, 1);
    std::string all;
    for (const std::string& flag : sentences(records.cells.at(0).flags)) all += flag + "\n";
    return all;
  };
  const Tensor x = data.stored(first), y = data.y(first);
  EXPECT_EQ(finding(x, y).find("near chance"), std::string::npos);
  EXPECT_THAT(finding(x, (y + 1) % 10), HasSubstr("labels seem to be shifted"));
  EXPECT_THAT(finding(torch::zeros_like(x), y), HasSubstr("is near chance (10.0 %): check mean"));
}

// Every number that a plugin takes has a range that it is held to.
TEST_F(Mistakes, OfNumbersHaveRangesToBeFoundBy) {
  for (const char* kind : {"attack", "defense"})
    for (const std::string& name : plugins_.names(kind))
      for (const ParamSpec& spec : plugins_.schema(kind, name)) {
        const bool number = spec.type == ParamType::kInt || spec.type == ParamType::kFloat ||
                            spec.type == ParamType::kIntList || spec.type == ParamType::kFloatList;
        EXPECT_TRUE(!number || spec.range) << name << ": " << spec.name;
      }
}

}  // namespace
}  // namespace gauntlet::testing
