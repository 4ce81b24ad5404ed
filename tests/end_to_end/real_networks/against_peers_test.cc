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
    {"fast-mnist linf 0.3", "fast_adversarial/fgsm.safetensors", "mnist",
     R"(architecture = "cnn-a", input = [1, 28, 28])"},
    {"mmr-mnist l2 1.0",
     "mmr-universal/mmr_univ_mnist_gammas_1.0_0.175_lambdas_3.0_12.0.safetensors", "mnist",
     R"(architecture = "cnn-a", input = [1, 28, 28])"},
    {"resnet2b linf 2/255", "alpha-beta-CROWN/resnet2b.safetensors", "cifar10",
     R"(architecture = "cresnet-2b", input = [3, 32, 32], mean = [0.4914, 0.4824, 0.4467], )"
     R"(std = [0.2471, 0.2435, 0.2616])"}};
constexpr size_t kFirstImages = 40;

std::string suite_of(const Peer& peer, const fs::path& weights) {
  std::istringstream words(peer.recorded);
  std::string name, norm, epsilon;
  words >> name >> norm >> epsilon;
  return "schema = 1\nname = \"peers\"\ndata = { dataset = \"" + peer.data +
         "\", samples = " + std::to_string(kFirstImages) + " }\nthreat.ball = { norm = \"" + norm +
         "\", epsilon = \"" + epsilon +
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

class AgainstPeers : public ::testing::TestWithParam<Peer> {};

// Random starts and random searches differ, so that single images may fall on either side.
TEST_P(AgainstPeers, AutoAttackBreaksWhatTheOthersBreaks) {
  const fs::path weights = external("GAUNTLET_WEIGHTS", "weights") / GetParam().file;
  const registry::Registry registry{source_dir() / "registry", {external("GAUNTLET_DATA", "data")}};
  if (!fs::exists(weights) || !fs::exists(external("GAUNTLET_DATA", "data") / GetParam().data))
    GTEST_SKIP() << "weights or data are not here";
  std::ifstream file(source_dir() / "tests/peers/recorded.json");
  const auto recorded = nlohmann::json::parse(file).at(GetParam().recorded).at("square");
  const std::vector<bool> theirs = bits_of(recorded.at("withstood"));
  const TemporaryFolder folder;
  std::ofstream(folder / "suite.toml") << suite_of(GetParam(), weights);
  const library::PluginLibrary plugins = shipped_plugins();
  const suite::Suite suite = suite::read_suite(folder / "suite.toml", {}, plugins, registry);
  const results::Store::Run records = run(suite, plugins, registry, folder / "run", {});
  const results::CellRecord& cell = records.cells.at(0);
  ASSERT_EQ(cell.status, results::Status::kOk) << cell.reason;
  ASSERT_EQ(cell.outcomes.size(), kFirstImages);
  size_t only_theirs = 0, broken_by_theirs = 0, broken = 0;
  for (size_t i = 0; i < kFirstImages; ++i) {
    broken_by_theirs += !theirs.at(i), broken += cell.outcomes[i].robust_right == 0;
    only_theirs += !theirs.at(i) && cell.outcomes[i].robust_right > 0;
  }
  EXPECT_LE(only_theirs, 1u);
  EXPECT_LE(broken, broken_by_theirs + 4) << "the same images and the same ball?";
  EXPECT_GT(broken_by_theirs, 0u);
}
INSTANTIATE_TEST_SUITE_P(, AgainstPeers, ::testing::ValuesIn(kPeers), [](const auto& info) {
  std::string name = info.param.recorded.substr(0, info.param.recorded.find(' '));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace gauntlet::testing
