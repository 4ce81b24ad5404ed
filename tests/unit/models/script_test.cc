#include <torch/csrc/jit/api/module.h>
#include <unistd.h>

#include "base/bad_input.h"
#include "models/weights.h"
#include "networks.h"

namespace gauntlet::testing {
namespace {
class Script : public ::testing::Test {
 protected:
  Script() {
    std::filesystem::create_directories(folder_);
    spec_.architecture = "torchscript", spec_.input = {1, 4, 4}, spec_.classes = 3;
  }
  ~Script() override { std::filesystem::remove_all(folder_); }

  // A program whose forward(self, x) ends with `code`; it has a weight [3, 16].
  std::filesystem::path program(const std::string& code) const {
    torch::jit::Module module("Program");
    module.register_parameter("weight", torch::arange(48, torch::kFloat).view({3, 16}) / 48, false);
    module.define("def forward(self, x):\n    flat = x.flatten(1)\n    " + code + "\n");
    module.save((folder_ / "m.pt").string());
    return folder_ / "m.pt";
  }
  std::string problem(const std::string& code) const {
    try {
      load_weights(*build_network(spec_), program(code));
    } catch (const BadInput& error) {
      return error.what();
    }
    return "";
  }
  NetworkSpec spec_;
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("gauntlet_script_" + std::to_string(::getpid()));
};
const std::string kLinear = "return torch.matmul(flat, self.weight.t())";

TEST_F(Script, GivesLogitsAndGradients) {
  spec_.mean = {0.5}, spec_.std = {0.25};
  const auto network = build_network(spec_);
  load_weights(*network, program(kLinear));
  network->set_trainable(false);
  const Tensor x = images(spec_, 5), weight = torch::arange(48, torch::kFloat).view({3, 16}) / 48;
  const Answer answer = ask(*network, x, {}, Mode::kFolded);
  EXPECT_LT(relative_error(answer.logits, ((x - 0.5) / 0.25).flatten(1).matmul(weight.t())), 1e-6);
  const Tensor weighting = noise_for(5, 77).normal({3});
  EXPECT_LT(relative_error(answer.gradient.flatten(1), weighting.matmul(weight) / 0.25), 1e-6);
  for (int repeat = 0; repeat < 4; ++repeat)  // no rewriting after the first calls
    EXPECT_TRUE(ask(*network, x, {}, Mode::kEvaluate).logits.equal(answer.logits));
  EXPECT_TRUE(network->layers().empty());
}

TEST_F(Script, SaysWhatIsWrong) {
  const auto says = [&](const std::string& code, const std::string& words) {
    const std::string text = problem(code);
    EXPECT_NE(text.find(words), std::string::npos) << text << "\nlacks\n" << words;
    EXPECT_NE(text.find("m.pt: "), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  };
  EXPECT_EQ(problem(kLinear), "");
  says("return flat", "returns [2, 16], expected logits [2, 3]");
  says("return (flat, flat)", "returns a Tuple");
  says("return torch.matmul(flat, self.weight)", "fails on two images of [1, 4, 4]");
  EXPECT_THROW(load_weights(*build_network(resnet_spec("A")), program(kLinear)), BadInput);
  EXPECT_THROW(load_weights(*build_network(spec_), folder_ / "none"), BadInput);
  spec_.options["shortcut"] = "A";
  EXPECT_THROW(build_network(spec_), BadInput);
}

TEST_F(Script, HasNoLayersAndIsNotTrained) {
  const auto network = build_network(spec_);
  EXPECT_THROW(ask(*network, images(spec_, 2), {}, Mode::kEvaluate), BadInput);  // nothing loaded
  load_weights(*network, program(kLinear));
  WeightNoise plugin;
  EXPECT_THROW(network->declare(plugin, "pni"), BadInput);
  EXPECT_THROW(network->set_trainable(true), BadInput);
  EXPECT_THROW(ask(*network, images(spec_, 2), {}, Mode::kTrain), BadInput);
}

}  // namespace
}  // namespace gauntlet::testing
