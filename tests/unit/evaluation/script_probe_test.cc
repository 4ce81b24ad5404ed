#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>
#include <unistd.h>

#include "evaluation/defended_model.h"
#include "models/architectures/build_network.h"
#include "models/architectures/load_weights.h"
#include "models/weights/weights.h"

namespace gauntlet::testing {
namespace {
// What probing finds of a TorchScript program whose forward ends with `code`.
struct Found {
  bool stochastic, couples_rows, own_randomness;
  int64_t rows;
  std::string remark;
};
Found probed(const std::string& code) {
  const auto file = std::filesystem::temp_directory_path() /
                    ("gauntlet_probe_" + std::to_string(::getpid()) + ".pt");
  torch::jit::Module program("Program");
  program.register_buffer("state", torch::zeros({1}));
  program.register_attribute("calls", c10::IntType::get(), int64_t{0});
  program.register_parameter("weight", torch::arange(48, torch::kFloat).view({3, 16}) / 48, false);
  program.define("def forward(self, x):\n    flat = x.flatten(1)\n    " + code + "\n");
  program.save(file.string());
  models::NetworkSpec spec;
  spec.architecture = "torchscript", spec.input = {1, 4, 4}, spec.classes = 3;
  std::shared_ptr<models::Network> network = build_network(spec);
  load_weights(*network, file);
  std::filesystem::remove(file);
  evaluation::DefendedModel model(network, {}, {});
  model.probe(torch::arange(8 * 16, torch::kFloat).view({8, 1, 4, 4}).sin().abs());
  return {model.stochastic(), model.couples_rows(), model.own_randomness(), model.memory_rows(),
          network->remark()};
}

TEST(ScriptProbe, TellsProgramsApart) {
  const Found plain = probed("return torch.matmul(flat, self.weight.t())");
  EXPECT_FALSE(plain.stochastic);
  EXPECT_FALSE(plain.couples_rows);
  EXPECT_GE(plain.rows, 16);
  EXPECT_TRUE(probed("return torch.matmul(flat + 0.1 * torch.randn_like(flat), self.weight.t())")
                  .stochastic);
  for (const char* coupled :
       {"return torch.matmul(flat - flat.mean(0), self.weight.t())",
        "return torch.matmul(torch.batch_norm(flat, None, None, None, None, True, 0.1, 1e-5, "
        "False), "
        "self.weight.t()) if x.size(0) > 1 else torch.matmul(flat, self.weight.t())",
        "return torch.matmul(flat, self.weight.t()).cumsum(0)",
        "return torch.matmul(flat, self.weight.t()) + (1 if x.size(0) == 1 else 0)",
        "return torch.matmul(flat, self.weight.t()) + (1 if x.size(0) > 8 else 0)",
        "return torch.matmul(flat, self.weight.t()) * 1e-4 * (flat.mean() + 1)"}) {
    const Found found = probed(coupled);
    EXPECT_FALSE(found.stochastic) << coupled;
    EXPECT_TRUE(found.couples_rows) << coupled;
    EXPECT_FALSE(found.own_randomness) << coupled;
  }
  EXPECT_FALSE(probed("return torch.matmul(flat, self.weight.t()) * 1e4 - 1e4").couples_rows)
      << "rounding is no dependence";
}

// What a program writes in its input, or in itself, is gone with the next call.
TEST(ScriptProbe, ProgramsThatWorkInPlaceAreDeterministic) {
  for (const char* code :
       {"x.sub_(0.45).div_(0.25)\n    return torch.matmul(flat, self.weight.t())",
        "flat.mul_(2)\n    return torch.matmul(flat, self.weight.t())"}) {
    const Found found = probed(code);
    EXPECT_FALSE(found.stochastic) << code;
    EXPECT_FALSE(found.couples_rows) << code;
    EXPECT_EQ(found.remark, "") << code;
  }
  const std::string answer =
      "\n    return torch.matmul(flat, self.weight.t()) + self.state + self.calls";
  for (const auto& [code, name] :
       {std::pair<std::string, std::string>{"self.state.add_(1)", "state"},
        {"self.state = self.state + 1", "state"},
        {"self.calls += 1", "calls"}}) {
    const Found found = probed(code + answer);
    EXPECT_FALSE(found.stochastic) << code;
    EXPECT_FALSE(found.couples_rows) << code;
    EXPECT_NE(found.remark.find("changes '" + name + "' while it answers"), std::string::npos)
        << found.remark;
  }
}

}  // namespace
}  // namespace gauntlet::testing
