// What was trained beside a model of a suite's own, read with real plugins.
#include "base/sha256.h"
#include "models/weights/safetensors.h"
#include "suite/read_suite.h"
#include "suite_fixture.h"

namespace gauntlet {
namespace {

using ::testing::HasSubstr;

class LearnedOfInlineModels : public SuiteTest {
 protected:
  void SetUp() override {
    SuiteTest::SetUp();
    write("mine/net.safetensors", "x");
    keep(5);
  }
  /// A kernel of this side, as if it had been trained.
  void keep(int64_t side) const {
    models::write_safetensors(kFile, {{"denoiser.kernel", torch::zeros({1, 1, side, side})}});
  }
  static std::string learned(const std::string& sum) {
    return "learned = { weights = \"kernel.safetensors\", sha256 = \"" + sum +
           "\", plugins = [{ use = \"denoiser\", size = 5 }] }\n";
  }
  /// A row in a folder of its own, whose files are named from there.
  suite::Suite read_row(const std::string& learned, const std::string& stack) {
    write("mine/rows.toml", "[[defense]]\nname = \"mine\"\nstack = [" + stack + R"(]
[defense.model]
architecture = "sequential"
input = [1, 4, 4]
classes = 3
weights = "net.safetensors"
layers = [{ type = "flatten" }, { type = "linear", out = 3 }]
)" + learned);
    write("suite.toml",
          "include = \"mine/rows.toml\"\n" + suite_text("fgsm = { use = \"fgsm\" }\n", ""));
    return suite::read_suite("suite.toml", {}, plugins_, registry_);
  }
  std::string refusal(const std::string& learned, const std::string& stack) {
    try {
      read_row(learned, stack);
    } catch (const BadInput& error) {
      return error.what();
    }
    return "";
  }

  const std::string kFile = "mine/kernel.safetensors";
  const std::string kWorn = "{ use = \"denoiser\", size = 5 }";
  const std::filesystem::path build_ = std::getenv("GAUNTLET_BUILD_DIR");
  const library::PluginLibrary plugins_{{build_ / "plugins", build_ / "test_plugins"}};
};

TEST_F(LearnedOfInlineModels, IsNamedAsInARegistryEntry) {
  const std::string sum = sha256_of_file(kFile);
  const suite::Suite suite =
      read_row("learned = { weights = \"kernel.safetensors\", sha256 = \"" + sum +
                   "\", plugins = [{ use = \"denoiser\", size = 5 }], method = \"trades\" }\n",
               kWorn);
  const registry::ModelEntry& model = suite.defenses.at(0).model;
  EXPECT_EQ(model.learned.weights, kFile);
  EXPECT_EQ(model.learned.sha256, sum);
  ASSERT_EQ(model.learned.plugins.size(), 1u);
  EXPECT_EQ(model.learned.plugins[0].plugin, "denoiser");
  EXPECT_EQ(model.learned.plugins[0].with, (ParamMap{{"size", 5}}));
  EXPECT_EQ(model.learned.method, "trades");
  EXPECT_EQ(model.network.options.count("learned"), 0u) << "it is no option of the architecture";
}

TEST_F(LearnedOfInlineModels, IsHeldAgainstTheWrappersOfTheRow) {
  const std::string right = learned(sha256_of_file(kFile));
  EXPECT_EQ(refusal(right, kWorn), "");
  EXPECT_THAT(refusal("", kWorn),
              HasSubstr("defense 'mine': stack: 'denoiser' is trained, and model "
                        "'inline:net.safetensors' has no tensors of it; expected a model whose "
                        "recipe has it in its stack or as its method"));
  EXPECT_THAT(refusal(right, "{ use = \"denoiser\" }"),
              HasSubstr("defense 'mine': stack: 'denoiser' was trained with size = 5, here it is "
                        "3, expected 5"));
  keep(3);
  EXPECT_THAT(refusal(right, kWorn),
              HasSubstr("model 'inline:net.safetensors': mine/kernel.safetensors has SHA-256 " +
                        sha256_of_file(kFile)));
  EXPECT_THAT(refusal(learned(sha256_of_file(kFile)), kWorn),
              HasSubstr("mine/kernel.safetensors: the tensor 'denoiser.kernel' is [1, 1, 3, 3], "
                        "the wrapper declares [1, 1, 5, 5]"));
  std::filesystem::remove(kFile);
  EXPECT_THAT(refusal(right, kWorn),
              HasSubstr("model 'inline:net.safetensors': what was trained beside its network is "
                        "absent: there is no mine/kernel.safetensors"));
  EXPECT_EQ(refusal(right, ""), "") << "without the wrapper nothing of it is needed";
}

TEST_F(LearnedOfInlineModels, NeedsAFileAndItsSum) {
  EXPECT_THAT(refusal("learned = { weights = \"kernel.safetensors\" }\n", kWorn),
              HasSubstr("defense 'mine': model: learned: 'sha256' is missing"));
  EXPECT_THAT(refusal("learned = { sha256 = \"abc\" }\n", kWorn),
              HasSubstr("defense 'mine': model: learned: 'weights' is missing"));
  EXPECT_THAT(refusal(learned("abc"), kWorn),
              HasSubstr("rows.toml:10:54: defense 'mine': model: learned: sha256: 'abc' is no "
                        "SHA-256, expected 64 lower-case hex digits"));
  EXPECT_THAT(refusal("learned = \"kernel.safetensors\"\n", kWorn),
              HasSubstr("defense 'mine': model: learned: "));
}

}  // namespace
}  // namespace gauntlet
