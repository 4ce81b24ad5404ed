// Weights of one's own, from the command line.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <torch/csrc/jit/api/module.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "gauntlet/types.h"
#include "models/weights/safetensors.h"
#include "tests/support/pickle_bytes.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text_of.h"

namespace gauntlet::testing {
namespace {
namespace fs = std::filesystem;

class ModelFiles : public ::testing::Test {
 protected:
  ModelFiles() {
    fs::copy(fs::path(std::getenv("GAUNTLET_SOURCE_DIR")) / "registry" / "datasets",
             folder_ / "datasets");
  }

  // The exit code; what was said on stderr lies in error_.
  int models(const std::string& arguments) {
    const std::string program = (fs::path(std::getenv("GAUNTLET_BUILD_DIR")) / "gauntlet").string();
    const int status = std::system(
        (program + " models " + arguments + " > " + quoted("out") + " 2> " + quoted("err"))
            .c_str());
    output_ = text_of(folder_ / "out"), error_ = text_of(folder_ / "err");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string quoted(const std::string& name) const {
    return "'" + (folder_ / name).string() + "'";
  }
  int import(const std::string& bytes) {
    std::ofstream(folder_ / "w.pth", std::ios::binary) << bytes;
    return import_as(
        "--id mine/flat --architecture sequential --mean 0.5 --std 0.25"
        " --set 'layers=[{type=\"flatten\"},"
        "{type=\"linear\",out=10,name=\"linear\"}]'");
  }
  int import_as(const std::string& arguments) {
    return models("import " + quoted("w.pth") + " --dataset fashion-mnist-1k " + arguments +
                  " --registry '" + folder_.string() + "'");
  }

  const TemporaryFolder owned_;
  const fs::path folder_ = owned_;
  std::string output_, error_;
};

// Always says the class of the largest bias.
std::string constant_classifier() {
  std::string bias(40, '\0');
  bias[2] = '\x80', bias[3] = '\x3f';  // 1 for class 0
  return torch_zip(
      pickled(p_dict(
          {{"epoch", p_int(3)},
           {"state_dict",
            p_dict({{"module.fc.weight",
                     p_tensor({"0", "FloatStorage", 7840}, 0, {10, 784}, {784, 1})},
                    {"module.fc.bias", p_tensor({"1", "FloatStorage", 10}, 0, {10}, {1})}})}})),
      {{"0", std::string(31360, '\0')}, {"1", bias}});
}

TEST_F(ModelFiles, ImportMeasuresAndWritesAnEntryThatHolds) {
  ASSERT_EQ(import(constant_classifier()), 0) << error_;
  EXPECT_EQ(output_.find("read as PyTorch zip ('state_dict' in it)\nright on 10.00 %"), 0u)
      << output_;
  const std::string entry = text_of(folder_ / "models" / "mine" / "flat.toml");
  EXPECT_NE(entry.find("samples = 1000\ncorrect = 100\n"), std::string::npos) << entry;
  const std::string here = " --registry '" + folder_.string() + "'";
  EXPECT_EQ(models("check mine/flat" + here), 0) << error_;
  EXPECT_EQ(import(constant_classifier()), 2);
  EXPECT_NE(error_.find("is there already"), std::string::npos) << error_;

  EXPECT_EQ(models("export mine/flat --output " + quoted("x.safetensors") + here), 0) << error_;
  const auto tensors = models::read_safetensors(folder_ / "x.safetensors");
  EXPECT_EQ(tensors.at("linear.bias")[0].item<float>(), 1);
  EXPECT_EQ(models("export mine/flat --output " + quoted("x.safetensors") + here), 2);
}

// Each count of a network that draws random numbers is one draw.
TEST_F(ModelFiles, ImportedRandomProgramsCanBeChecked) {
  torch::jit::Module program("Program");
  program.define("def forward(self, x):\n    return torch.rand([x.size(0), 10])\n");
  program.save((folder_ / "w.pth").string());
  ASSERT_EQ(import_as("--id mine/dice --architecture torchscript"), 0) << error_;
  EXPECT_NE(output_.find("read as TorchScript\n"), std::string::npos) << output_;
  EXPECT_NE(output_.find("in one draw of its random numbers"), std::string::npos) << output_;
  const std::string here = " --registry '" + folder_.string() + "'";
  EXPECT_EQ(models("check mine/dice" + here), 0) << error_;
  EXPECT_EQ(models("show mine/dice" + here), 0) << error_;
  EXPECT_EQ(output_.find("multiply-adds"), std::string::npos) << output_;
  // A share that no draw of it gives.
  const fs::path entry = folder_ / "models" / "mine" / "dice.toml";
  std::string text = text_of(entry);
  const size_t at = text.find("correct = ");
  text.replace(at, text.find('\n', at) - at, "correct = 300");
  std::ofstream(entry) << text;
  EXPECT_EQ(models("check mine/dice" + here), 2);
}

// Batch norm of no variance scales by the root of its epsilon, against a bias that does not.
TEST_F(ModelFiles, ImportFindsTheEpsilonThatMakesTheDeclaredAccuracy) {
  Tensor weight = torch::zeros({10, 784}), bias = torch::full({10}, -1e3f);
  weight[0] = 1.f / 784, bias[0] = 0, bias[1] = 9;
  models::write_safetensors(folder_ / "w.pth", {{"0.weight", torch::ones({1})},
                                                {"0.bias", torch::zeros({1})},
                                                {"0.running_mean", torch::zeros({1})},
                                                {"0.running_var", torch::zeros({1})},
                                                {"2.weight", weight},
                                                {"2.bias", bias}});
  const auto import_with = [&](const std::string& id, const std::string& rest) {
    return import_as("--id mine/" + id +
                     " --architecture sequential --set 'layers=[{type=\"batchnorm\"},"
                     "{type=\"flatten\"},{type=\"linear\",out=10}]' " +
                     rest);
  };
  ASSERT_EQ(import_with("keras", "--set batchnorm_eps=0.001"), 0) << error_;
  const size_t at = output_.find("right on ") + 9;
  const std::string percent = output_.substr(at, output_.find(' ', at) - at);
  EXPECT_EQ(import_with("plain", "--accuracy " + percent), 2) << percent;
  EXPECT_NE(error_.find("with batchnorm_eps = 0.001 it is " + percent +
                        " %: give --set batchnorm_eps=0.001"),
            std::string::npos)
      << error_;
  EXPECT_FALSE(fs::exists(folder_ / "models" / "mine" / "plain.toml"));
  EXPECT_EQ(import_with("said", "--set batchnorm_eps=0.001 --accuracy " + percent), 0) << error_;
  EXPECT_EQ(import_with("other", "--accuracy 77"), 2);
  EXPECT_NE(error_.find("no usual epsilon of batch norm makes it so"), std::string::npos) << error_;
  EXPECT_EQ(import_with("none", "--accuracy nan"), 2);
}

TEST_F(ModelFiles, ImportRefusesArgumentsThatCannotBeMeant) {
  std::ofstream(folder_ / "w.pth", std::ios::binary) << constant_classifier();
  const std::string network = " --architecture sequential --set ";
  EXPECT_EQ(import_as("--id mine/a" + network + "'layers=[{type=\"flatten\"'"), 2);
  EXPECT_NE(error_.find("--set layers="), std::string::npos) << error_;
  for (const char* id : {"mine/.", "mine/", "mine", "/mine/a", "../a", "mine/../a", "mine//a"}) {
    EXPECT_EQ(import_as("--id " + std::string(id) + network + "'layers=[]'"), 2);
    EXPECT_NE(error_.find("is no name of a model"), std::string::npos) << id << ": " << error_;
  }
  EXPECT_EQ(import_as("--id mine/a --from ema --architecture resnet20"), 2);
  EXPECT_NE(error_.find("no dict of named tensors 'ema' in it; there are 'state_dict'"),
            std::string::npos)
      << error_;
}

TEST_F(ModelFiles, BadFilesEndWithTwoAndLeaveNothing) {
  const std::string attack =
      p_global("os", "system") + "(" + p_text("touch " + (folder_ / "owned").string()) + "tR";
  for (const auto& [bytes, words] :
       {std::pair<std::string, std::string>{torch_zip(pickled(attack), {}), "os.system"},
        {constant_classifier().substr(0, 20'000), "cut short"},
        {torch_legacy(pickled(p_dict({{"a", p_tensor({}, 0, {6}, {1}, true)}})),
                      {{"0", 6, std::string(24, '\0')}}),
         "missing: 'linear.weight'"},
        {"no weights", "safetensors"}}) {
    EXPECT_EQ(import(bytes), 2);
    EXPECT_NE(error_.find(words), std::string::npos) << error_;
    EXPECT_FALSE(fs::exists(folder_ / "models" / "mine"));
  }
  EXPECT_FALSE(fs::exists(folder_ / "owned"));
}

}  // namespace
}  // namespace gauntlet::testing
