// A suite over a small network that the test writes, with the rows and columns it is given.
#pragma once
#include <fmt/format.h>

#include <fstream>
#include <set>

#include "data/formats/readers.h"
#include "suite/read_suite.h"
#include "tests/support/laboratory_fixture.h"

namespace gauntlet::testing {

class SmallSuite : public ::testing::Test {
 protected:
  static constexpr int64_t kSamples = 20;

  SmallSuite() {
    Noise noise;
    noise.key.seed = 3;
    noise.key.id = noise.key.place = torch::zeros({1}, torch::kLong);
    models::write_safetensors(folder_ / "weights.safetensors",
                              {{"0.weight", 0.5 * noise.shared_normal({4, 1, 3, 3})},
                               {"0.bias", torch::zeros({4})},
                               {"3.weight", 0.3 * noise.shared_normal({4, 4 * 4 * 4})},
                               {"3.bias", torch::zeros({4})}});
    data::Dataset data;
    data.images =
        (128 + 40 * noise.shared_normal({kSamples, 1, 6, 6})).clamp(0, 255).to(torch::kByte);
    const auto weights = models::read_safetensors(folder_ / "weights.safetensors");
    const Tensor a = torch::conv2d(data.images.to(torch::kFloat) / 255, weights.at("0.weight"));
    data.labels = torch::linear(a.relu().flatten(1), weights.at("3.weight")).argmax(1);
    write_idx(data, folder_ / "images.gz", folder_ / "labels.gz");
  }

  /// A row; `plugins` is what stands in its layers and around it, as TOML.
  static std::string row(const std::string& name, const std::string& layers = "",
                         const std::string& stack = "") {
    return fmt::format(R"(
[[defense]]
name = "{}"
model = {{ architecture = "sequential", weights = "weights.safetensors", input = [1, 6, 6], classes = 4, layer_plugins = [{}], layers = [
  {{ type = "conv", out = 4, kernel = 3 }}, {{ type = "relu" }}, {{ type = "flatten" }}, {{ type = "linear", out = 4 }} ] }}
stack = [{}]
)",
                       name, layers, stack);
  }

  std::filesystem::path write_suite(const std::string& name, const std::string& attacks,
                                    const std::string& rows) const {
    const std::filesystem::path file = folder_ / (name + ".toml");
    std::ofstream(file) << "schema = 1\nname = \"" << name << "\"\nseeds = [0]\n"
                        << "data = { path = \"images.gz\", labels = \"labels.gz\", format = "
                           "\"idx\", classes = 4, shape = [1, 6, 6] }\n"
                        << "scoring = { trials = 2 }\n"
                        << threats_ << "[attack]\n"
                        << attacks << rows;
    return file;
  }

  /// By "row / column", and behind it " / threat" where the suite has several.
  std::map<std::string, results::CellRecord> run_suite_of(const std::string& name,
                                                          const std::string& attacks,
                                                          const std::string& rows) const {
    execution::RunOptions options;
    options.batch_size = 8;
    const results::Store::Run done =
        run(suite::read_suite(write_suite(name, attacks, rows), {}, plugins_, registry_), plugins_,
            registry_, folder_ / name, options);
    std::map<std::string, results::CellRecord> out;
    std::set<std::string> threats;
    for (const results::CellRecord& cell : done.cells) threats.insert(cell.threat.name);
    for (const results::CellRecord& cell : done.cells)
      out[cell.defense + " / " + cell.attack +
          (threats.size() > 1 ? " / " + cell.threat.name : "")] = cell;
    return out;
  }

  static void expect_same(const results::CellRecord& a, const results::CellRecord& b) {
    EXPECT_EQ(a.status, results::Status::kOk) << a.reason;
    EXPECT_EQ(a.flags, b.flags);
    EXPECT_EQ(a.x_adv_sha256, b.x_adv_sha256);
    ASSERT_EQ(a.outcomes.size(), size_t(kSamples));
    ASSERT_EQ(a.outcomes.size(), b.outcomes.size());
    for (size_t i = 0; i < a.outcomes.size(); ++i) {
      EXPECT_EQ(a.outcomes[i].predicted, b.outcomes[i].predicted);
      EXPECT_EQ(a.outcomes[i].margin, b.outcomes[i].margin) << "bit for bit";
      EXPECT_EQ(a.outcomes[i].distance, b.outcomes[i].distance);
    }
  }

  /// Keys `threat.NAME` of the suite.
  std::string threats_ = "threat.linf = { norm = \"linf\", epsilon = 0.05 }\n";
  TemporaryFolder folder_;
  const library::PluginLibrary plugins_{{from_environment("GAUNTLET_BUILD_DIR") / "plugins",
                                         from_environment("GAUNTLET_BUILD_DIR") / "test_plugins"}};
  const registry::Registry registry_{from_environment("GAUNTLET_SOURCE_DIR") / "registry", {}};
};

}  // namespace gauntlet::testing
