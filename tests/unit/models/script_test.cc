#include <sys/resource.h>
#include <torch/csrc/jit/api/module.h>
#include <unistd.h>

#include <fstream>
#include <random>

#include "base/bad_input.h"
#include "base/zip.h"
#include "models/architectures/build_network.h"
#include "models/architectures/load_weights.h"
#include "models/crash.h"
#include "models/weights/weights.h"
#include "networks.h"
#include "tests/support/pickle_bytes.h"

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
  std::filesystem::path program(const std::string& code, double scale = 1) const {
    torch::jit::Module module("Program");
    module.register_parameter("weight", torch::arange(48, torch::kFloat).view({3, 16}) / 48 * scale,
                              false);
    module.define("def forward(self, x):\n    flat = x.flatten(1)\n    " + code + "\n");
    module.save((folder_ / "m.pt").string());
    return folder_ / "m.pt";
  }
  std::string problem_of(const std::filesystem::path& file) const {
    try {
      load_weights(*build_network(spec_), file);
    } catch (const BadInput& error) {
      return error.what();
    }
    return "";
  }
  std::string problem(const std::string& code) const { return problem_of(program(code)); }
  // The program's file with one of its entries put in the place of another.
  std::filesystem::path spoilt(const std::string& entry, const std::string& content) const {
    const ZipFile zip(program("return torch.matmul(flat, self.weight.t())"));
    std::vector<ZipPart> parts;
    for (const ZipFile::Entry& e : zip.entries())
      parts.push_back({e.name, e.name.ends_with(entry) ? content : zip.read(e, 1 << 20)});
    std::ofstream(folder_ / "spoilt.pt", std::ios::binary) << zip_bytes(parts);
    return folder_ / "spoilt.pt";
  }
  models::NetworkSpec spec_;
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
  const Answer answer = ask(*network, x, {}, models::Mode::kFolded);
  EXPECT_LT(relative_error(answer.logits, ((x - 0.5) / 0.25).flatten(1).matmul(weight.t())), 1e-6);
  const Tensor weighting = noise_for(5, 77).normal({3});
  EXPECT_LT(relative_error(answer.gradient.flatten(1), weighting.matmul(weight) / 0.25), 1e-6);
  for (int repeat = 0; repeat < 4; ++repeat)  // no rewriting after the first calls
    EXPECT_TRUE(ask(*network, x, {}, models::Mode::kEvaluate).logits.equal(answer.logits));
  EXPECT_TRUE(network->layers().empty());
}

// Whatever a program computes in, its logits are float32, and gradients reach the images.
TEST_F(Script, ComputesInItsOwnType) {
  const Tensor x = images(spec_, 5), weight = torch::arange(48, torch::kFloat).view({3, 16}) / 48;
  const Tensor expected = x.flatten(1).matmul(weight.t());
  const auto check = [&](const std::filesystem::path& file, double tolerance) {
    const auto network = build_network(spec_);
    load_weights(*network, file);
    const Answer answer = ask(*network, x, {}, models::Mode::kFolded);
    EXPECT_EQ(answer.logits.scalar_type(), torch::kFloat);
    EXPECT_EQ(answer.gradient.scalar_type(), torch::kFloat);
    EXPECT_LT(relative_error(answer.logits, expected), tolerance);
    EXPECT_TRUE(answer.gradient.ne(0).any().item<bool>());
  };
  for (const auto& [type, tolerance] :
       {std::pair{torch::kDouble, 1e-6}, {torch::kBFloat16, 2e-2}, {torch::kHalf, 2e-3}}) {
    const std::string to = ".to(" + std::to_string(int(type)) + ")";
    check(program("return torch.matmul(flat" + to + ", self.weight.t()" + to + ")"), tolerance);
  }
  // Saved in another type, without a cast of its own: it wants its images in it.
  for (const auto& [type, tolerance] :
       {std::pair{torch::kDouble, 1e-6}, {torch::kBFloat16, 2e-2}}) {
    torch::jit::Module module("Program");
    module.register_parameter("weight", weight.to(type), false);
    module.define(
        "def forward(self, x):\n    return torch.matmul(x.flatten(1), self.weight.t())\n");
    module.save((folder_ / "typed.pt").string());
    check(folder_ / "typed.pt", tolerance);
  }
}

TEST_F(Script, LeavesItsInputAlone) {
  for (const bool normalised : {false, true}) {
    if (normalised) spec_.mean = {0.5}, spec_.std = {0.25};
    const auto network = build_network(spec_), plain = build_network(spec_);
    load_weights(*network, program("flat.sub_(0.45).div_(0.25)\n    " + kLinear));
    load_weights(*plain, program("flat = (flat - 0.45) / 0.25\n    " + kLinear));
    const Tensor x = images(spec_, 5), before = x.clone();
    const Answer one = ask(*network, x, {}, models::Mode::kFolded),
                 two = ask(*plain, x, {}, models::Mode::kFolded);
    EXPECT_TRUE(x.equal(before));
    EXPECT_TRUE(one.logits.equal(two.logits));
    EXPECT_TRUE(one.gradient.equal(two.gradient));
  }
}

// It standardises each image by itself, which is no number for one without contrast.
TEST_F(Script, IsTriedOnImagesThatDiffer) {
  EXPECT_EQ(problem("flat = (flat - flat.mean(1, keepdim=True)) / flat.std(1, keepdim=True)\n    " +
                    kLinear),
            "");
}

TEST_F(Script, SaysWhatIsWrong) {
  const auto says = [&](const std::string& code, const std::string& words) {
    const std::string text = problem(code);
    EXPECT_NE(text.find(words), std::string::npos) << text << "\nlacks\n" << words;
    EXPECT_NE(text.find("m.pt: "), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  };
  EXPECT_EQ(problem(kLinear), "");
  says("return flat", "returns [1, 16], expected logits [1, 3]");
  says("return (flat, flat)", "returns a Tuple");
  says("return torch.matmul(flat, self.weight)", "fails on inputs [1, 1, 4, 4]: 'RuntimeError: ");
  says("return torch.matmul(x.view([1, 16]), self.weight.t())", "fails on inputs [3, 1, 4, 4]");
  says("return torch.matmul(flat, self.weight.t()) / 0", "logits that are not finite");
  EXPECT_NE(problem_of(program(kLinear, INFINITY)).find("tensor 'weight' has values that are not"),
            std::string::npos);
  EXPECT_THROW(load_weights(*build_network(resnet_spec("A")), program(kLinear)), BadInput);
  EXPECT_THROW(load_weights(*build_network(spec_), folder_ / "none"), BadInput);
  spec_.options["shortcut"] = "A";
  EXPECT_THROW(build_network(spec_), BadInput);
}

TEST_F(Script, FailsInOneSentenceWhenItFailsLater) {
  const auto network = build_network(spec_);
  load_weights(*network, program("assert x.size(0) < 4\n    " + kLinear));
  try {
    (void)ask(*network, images(spec_, 5), {}, models::Mode::kEvaluate);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const BadInput& error) {
    EXPECT_NE(std::string(error.what()).find("fails on inputs [5, 1, 4, 4]: '"), std::string::npos);
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
  }
}

// Deep nesting overflows LibTorch's stack, in its pickles and in its parser.
TEST_F(Script, IsRefusedWhereLoadingItWouldCrash) {
  rlimit stack{};
  ::getrlimit(RLIMIT_STACK, &stack);
  if (stack.rlim_cur == RLIM_INFINITY) GTEST_SKIP() << "without a limit no stack overflows";
  EXPECT_EQ(problem_of(spoilt("nothing", "")), "");
  const auto times = [](const std::string& text, int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += text;
    return out;
  };
  const std::string nested = pickled(times("]", 400'000) + times("a", 399'999));
  for (const auto& [entry, content] :
       {std::pair<std::string, std::string>{"/data.pkl", nested}, {"/constants.pkl", nested}}) {
    const std::string text = problem_of(spoilt(entry, content));
    EXPECT_NE(text.find("spoilt.pt: loading the TorchScript program crashes"), std::string::npos)
        << text;
  }
  EXPECT_NE(problem_of(spoilt(".py", times("(", 400'000))), "");
}

TEST_F(Script, ReadsOrRefusesAnyChangedByte) {
  std::ifstream in(program(kLinear), std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(in), {}};
  std::minstd_rand random(5);
  int refused = 0;
  for (int repeat = 0; repeat < 100; ++repeat) {
    std::string changed = whole;
    changed[random() % changed.size()] = char(random());
    std::ofstream(folder_ / "changed.pt", std::ios::binary) << changed;
    refused += !problem_of(folder_ / "changed.pt").empty();  // anything else ends the test
  }
  EXPECT_GT(refused, 10);
}

TEST(Crashes, AreSeenFromOutside) {
  EXPECT_EQ(models::fatal_end([] {}, 60), "");
  EXPECT_EQ(models::fatal_end([] { throw std::runtime_error("no crash"); }, 60), "");
  EXPECT_EQ(models::fatal_end([] { std::abort(); }, 60), "crashes");
  EXPECT_EQ(models::fatal_end([] { ::pause(); }, 1), "does not end in 1 seconds");
}

TEST_F(Script, HasNoLayersAndIsNotTrained) {
  const auto network = build_network(spec_);
  EXPECT_THROW(ask(*network, images(spec_, 2), {}, models::Mode::kEvaluate),
               BadInput);  // nothing loaded
  load_weights(*network, program(kLinear));
  WeightNoise plugin;
  EXPECT_THROW(network->declare(plugin, "pni"), BadInput);
  EXPECT_THROW(network->set_trainable(true), BadInput);
  EXPECT_THROW(ask(*network, images(spec_, 2), {}, models::Mode::kTrain), BadInput);
}

}  // namespace
}  // namespace gauntlet::testing
