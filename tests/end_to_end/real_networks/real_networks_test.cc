// Networks that other projects trained and published: each loads, and classifies as many images of
// the whole official test set as its own evaluation in PyTorch did.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <set>

#include "external.h"
#include "gauntlet/noise.h"
#include "models/architectures/build_network.h"
#include "models/architectures/load_weights.h"
#include "models/weights/weights.h"
#include "registry/registry.h"
#include "table.h"

namespace gauntlet::testing {
namespace {
namespace fs = std::filesystem;

bool is_original(const fs::path& file) {
  const std::set<std::string> endings{".th", ".pt", ".pth", ".tar"};
  return endings.count(file.extension().string());
}
fs::path file_of(const RealNetwork& real) {
  return external("GAUNTLET_WEIGHTS", "weights") /
         (real.file + (is_original(real.file) ? "" : ".safetensors"));
}

class RealNetworks : public ::testing::TestWithParam<RealNetwork> {};
INSTANTIATE_TEST_SUITE_P(, RealNetworks, ::testing::ValuesIn(real_networks()),
                         [](const auto& info) {
                           std::string name = info.param.file;
                           for (char& c : name)
                             if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                           return name;
                         });

TEST_P(RealNetworks, ClassifiesAsPublished) {
  const RealNetwork& real = GetParam();
  const fs::path weights = file_of(real);
  if (!fs::exists(weights)) GTEST_SKIP() << weights << " is not here";
  const registry::Registry registry(source_dir() / "registry", {external("GAUNTLET_DATA", "data")});
  for (const auto& split : registry.dataset(real.dataset).splits)
    for (const auto& file : split.files)
      if (split.name == "test" && !registry.find(file)) GTEST_SKIP() << file.path << " is not here";
  const data::Dataset data = registry.load(real.dataset, "test");

  const auto network = build_network(real.network);
  load_weights(*network, weights);
  // Tensors of an original are those of its conversion (Originals): a tenth of the images tells
  // whether they are used alike. All, where GAUNTLET_WHOLE is set.
  const int64_t every = is_original(real.file) && !std::getenv("GAUNTLET_WHOLE") ? 10 : 1;
  constexpr int64_t kBatch = 250;
  const at::NoGradGuard no_graph;
  int64_t correct = 0;
  for (int64_t begin = 0; begin < data.size(); begin += kBatch * every) {
    const Tensor index = torch::arange(begin, std::min(begin + kBatch * every, data.size()), every);
    Noise noise;
    noise.key.id = index, noise.key.place = torch::zeros_like(index);
    const Tensor logits = network->forward(data.x(index), noise, {}, models::Mode::kFolded).logits;
    correct += (logits.argmax(1) == data.y(index)).sum().item<int64_t>();
  }
  // The published figures count whole images; near ties may fall otherwise in another order of
  // float32 roundings.
  constexpr double kTies = 2;
  const double expected = double(real.correct) / double(every),
               share = double(real.correct) / double(data.size()),
               chance = every > 1 ? 2.5 * std::sqrt(expected * (1 - share)) : 0;
  EXPECT_NEAR(double(correct), expected, kTies + chance) << "of " << data.size() / every;
  RecordProperty("correct", std::to_string(correct));
}

TEST(RealNetworkTable, HoldsEveryFile) {
  const fs::path folder = external("GAUNTLET_WEIGHTS", "weights");
  if (!fs::exists(folder)) GTEST_SKIP() << folder << " is not here";
  std::set<fs::path> known;
  for (const RealNetwork& real : real_networks()) known.insert(file_of(real));
  for (const auto& file : fs::recursive_directory_iterator(folder))
    if (file.path().extension() == ".safetensors" || is_original(file.path())) {
      EXPECT_TRUE(known.count(file.path())) << file.path() << " is not in table.cc";
    }
}

}  // namespace
}  // namespace gauntlet::testing
