#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>
#include <unistd.h>

#include "evaluation/defended_model.h"
#include "models/weights.h"

namespace gauntlet::testing {
namespace {
// What probing finds of a TorchScript program whose forward ends with `code`.
struct Found {
  bool stochastic, couples_rows;
  int64_t rows;
};
Found probed(const std::string& code) {
  const auto file = std::filesystem::temp_directory_path() /
                    ("gauntlet_probe_" + std::to_string(::getpid()) + ".pt");
  torch::jit::Module program("Program");
  program.register_parameter("weight", torch::arange(48, torch::kFloat).view({3, 16}) / 48, false);
  program.define("def forward(self, x):\n    flat = x.flatten(1)\n    " + code + "\n");
  program.save(file.string());
  NetworkSpec spec;
  spec.architecture = "torchscript", spec.input = {1, 4, 4}, spec.classes = 3;
  std::shared_ptr<Network> network = build_network(spec);
  load_weights(*network, file);
  std::filesystem::remove(file);
  DefendedModel model(network, {}, {});
  model.probe(torch::arange(8 * 16, torch::kFloat).view({8, 1, 4, 4}).sin().abs());
  return {model.stochastic(), model.couples_rows(), model.memory_rows()};
}

TEST(ScriptProbe, TellsProgramsApart) {
  const Found plain = probed("return torch.matmul(flat, self.weight.t())");
  EXPECT_FALSE(plain.stochastic);
  EXPECT_FALSE(plain.couples_rows);
  EXPECT_GE(plain.rows, 16);
  EXPECT_TRUE(probed("return torch.matmul(flat + 0.1 * torch.randn_like(flat), self.weight.t())")
                  .stochastic);
  const Found coupled = probed("return torch.matmul(flat - flat.mean(0), self.weight.t())");
  EXPECT_FALSE(coupled.stochastic);
  EXPECT_TRUE(coupled.couples_rows);
}

}  // namespace
}  // namespace gauntlet::testing
