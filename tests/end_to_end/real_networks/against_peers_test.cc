// AutoAttack's standard version, ours and that of torchattacks, image by image on published
// networks. What the other package left of them was computed by tests/peers/run.sh and lies in
// tests/peers/recorded.json.
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "external.h"
#include "suite/read_suite.h"
#include "tests/support/laboratory_fixture.h"

namespace gauntlet::testing {
namespace {
namespace fs = std::filesystem;

struct Peer {
  std::string recorded;  ///< in recorded.json: name, norm and epsilon
  std::string file;      ///< of weights
  std::string data, model;
};
void PrintTo(const Peer& peer, std::ostream* out) { *out << peer.recorded; }

const std::vector<Peer> kPeers = {
    {"colt-mnist linf 0.2", "colt/mnist_0.1_convmed_flat_2_2_100.safetensors", "mnist",
     R"(architecture = "sequential", input = [1, 28, 28], mean = [0.1307], std = [0.3081], )"
     R"(ignore = ["*deepz_lambda*"], layers = [)"
     R"({ type = "conv", name = "blocks.layers.1.conv", out = 32, kernel = 5, stride = 2, )"
     R"(padding = 2 }, { type = "relu" }, )"
     R"({ type = "conv", name = "blocks.layers.3.conv", out = 64, kernel = 4, stride = 2, )"
     R"(padding = 1 }, { type = "relu" }, { type = "flatten" }, )"
     R"({ type = "linear", name = "blocks.layers.6.linear", out = 100 }, { type = "relu" }, )"
     R"({ type = "linear", name = "blocks.layers.8.linear", out = 10 }])"},
    {"fast-mnist linf 0.3", "fast_adversarial/fgsm.safetensors", "mnist",
     R"(architecture = "cnn-a", input = [1, 28, 28])"}};
constexpr size_t kImagesOfPeers = 1000, kStanding = 4;

std::string suite_of(const Peer& peer, const fs::path& weights) {
  std::istringstream words(peer.recorded);
  std::string name, norm, epsilon;
  words >> name >> norm >> epsilon;
  return "schema = 1\nname = \"peers\"\ndata = { dataset = \"" + peer.data +
         "\", samples = " + std::to_string(kImagesOfPeers) + " }\nthreat.ball = { norm = \"" +
         norm + "\", epsilon = \"" + epsilon +
         "\" }\nattack.aa = \"autoattack-standard\"\n[[defense]]\nname = \"" + name +
         "\"\nmodel = { " + peer.model + ", classes = 10, weights = \"" + weights.string() +
         "\" }\n";
}

// "1000:f3…": bits of eight images a byte, the first image highest.
std::vector<bool> bits_of(const std::string& text) {
  const std::string hex = text.substr(text.find(':') + 1);
  std::vector<bool> bits;
  for (const char digit : hex) {
    const int value = std::stoi(std::string(1, digit), nullptr, 16);
    for (int bit = 3; bit >= 0; --bit) bits.push_back(value >> bit & 1);
  }
  return bits;
}

// Images that the other package breaks, and a few that it leaves.
std::vector<int64_t> images_of(const std::vector<bool>& right, const std::vector<bool>& left) {
  std::vector<int64_t> broken, standing;
  for (size_t i = 0; i < kImagesOfPeers; ++i) {
    if (right.at(i) && !left.at(i)) broken.push_back(int64_t(i));
    if (left.at(i) && standing.size() < kStanding) standing.push_back(int64_t(i));
  }
  broken.insert(broken.end(), standing.begin(), standing.end());
  std::sort(broken.begin(), broken.end());
  return broken;
}

class AgainstPeers : public ::testing::TestWithParam<Peer> {};

// Random starts and random searches differ, so that single images may fall on either side.
TEST_P(AgainstPeers, AutoAttackBreaksWhatTheOthersBreaks) {
  const fs::path weights = external("GAUNTLET_WEIGHTS", "weights") / GetParam().file;
  const registry::Registry registry{source_dir() / "registry", {external("GAUNTLET_DATA", "data")}};
  if (!fs::exists(weights) || !fs::exists(external("GAUNTLET_DATA", "data") / GetParam().data))
    GTEST_SKIP() << "weights or data are not here";
  std::ifstream file(source_dir() / "tests/peers/recorded.json");
  const auto recorded = nlohmann::json::parse(file).at(GetParam().recorded);
  const auto bits = [&](const char* attack, const char* which) {
    return bits_of(recorded.at(attack).at(which));
  };
  const std::vector<bool> left = bits("square", "withstood");
  const TemporaryFolder folder;
  std::ofstream(folder / "suite.toml") << suite_of(GetParam(), weights);
  const library::PluginLibrary plugins = shipped_plugins();
  suite::Suite suite = suite::read_suite(folder / "suite.toml", {}, plugins, registry);
  suite.data.indices = images_of(bits("apgd-ce", "attacked"), left);
  ASSERT_GT(suite.data.indices.size(), kStanding + 10);
  const results::Store::Run records = run(suite, plugins, registry, folder / "run", {});
  const results::CellRecord& cell = records.cells.at(0);
  ASSERT_EQ(cell.status, results::Status::kOk) << cell.reason;
  size_t only_theirs = 0;
  for (const results::Outcome& outcome : cell.outcomes) {
    EXPECT_GT(outcome.clean_right, 0) << outcome.index << ": the same networks and images?";
    only_theirs += !left.at(size_t(outcome.index)) && outcome.robust_right > 0;
  }
  EXPECT_LE(only_theirs, 5u) << "of 1,000 images";
}
INSTANTIATE_TEST_SUITE_P(, AgainstPeers, ::testing::ValuesIn(kPeers), [](const auto& info) {
  std::string name = info.param.recorded.substr(0, info.param.recorded.find(' '));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace gauntlet::testing
