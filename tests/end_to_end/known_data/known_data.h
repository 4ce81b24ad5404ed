// A suite over grey images, with a training split and a plane between dark and light.
#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

#include "data/formats/readers.h"
#include "suite/read_suite.h"
#include "tests/support/laboratory_fixture.h"
#include "tests/support/message_of.h"

namespace gauntlet::testing {

// A plane between dark and light images of 2 x 2 pixels. Training images are one grey level
// lighter than the test images.
class KnownData : public ::testing::Test {
 protected:
  static constexpr int64_t kImages = 60;

  void SetUp() override {
    write_weights(4);
    std::filesystem::create_directories(folder_ / "registry/datasets");
    write_data("test", 0);
    write_data("train", 1);
  }
  void write_weights(float offset) const {
    models::write_safetensors(
        folder_ / "plane.safetensors",
        {{"1.weight", torch::tensor({{-2.0f, -2.0f, -2.0f, -2.0f}, {2.0f, 2.0f, 2.0f, 2.0f}})},
         {"1.bias", torch::tensor({offset, -offset})}});
  }
  void write_data(const std::string& split, int64_t shift) {
    data::Dataset data;
    data.images = (torch::arange(kImages) * 2 + 68 + shift)
                      .to(torch::kByte)
                      .view({-1, 1, 1, 1})
                      .repeat({1, 1, 2, 2});
    data.labels = (torch::arange(kImages) >= kImages / 2).to(torch::kLong);
    const std::filesystem::path datasets = folder_ / "registry/datasets";
    write_idx(data, datasets / (split + "-images.gz"), datasets / (split + "-labels.gz"));
    sums_[split] = {sha256_of_file(datasets / (split + "-images.gz")),
                    sha256_of_file(datasets / (split + "-labels.gz"))};
    write_entry();
  }
  void write_entry() const {
    std::ofstream entry(folder_ / "registry/datasets/grey.toml");
    entry << "schema = 1\nid = \"grey\"\nlicence = \"none\"\ntitle = \"Greys\"\nclasses = "
             "[\"dark\", \"light\"]\nshape = [1, 2, 2]\n";
    for (const auto& [name, sums] : sums_)
      entry << "[split." << name << "]\nformat = \"idx\"\nsamples = 60\nfiles = [{ path = \""
            << name << "-images.gz\", sha256 = \"" << sums.first << "\" }, { path = \"" << name
            << "-labels.gz\", sha256 = \"" << sums.second << "\" }]\n";
  }

  registry::Registry registry() const { return registry::Registry(folder_ / "registry", {}); }
  static std::string row(const std::string& name, const std::string& stack = "") {
    return fmt::format(R"([[defense]]
name = "{}"
model = {{ architecture = "sequential", dataset = "grey", weights = "plane.safetensors", input = [1, 2, 2], classes = 2, layers = [
  {{ type = "flatten" }}, {{ type = "linear", out = 2 }} ] }}
stack = [{}]
)",
                       name, stack);
  }
  std::string watched(int64_t images) const {
    return fmt::format("{{ use = \"distant\", images = {}, log = \"{}\" }}", images,
                       (folder_ / "fits").string());
  }
  int64_t fits() const {
    std::ifstream log(folder_ / "fits");
    return std::count(std::istreambuf_iterator<char>(log), {}, '\n');
  }

  struct Remarks final : execution::RunEvents {
    std::string all;
    void remark(const std::string& text) override { all += text + "\n"; }
  };
  // The cells of a run in a store of this name, with outcomes.
  std::vector<results::CellRecord> run_in(const std::string& name, const std::string& attacks,
                                          const std::string& rows, Remarks* remarks = nullptr) {
    std::ofstream(folder_ / "suite.toml")
        << "schema = 1\nname = \"known\"\ndata = { dataset = \"grey\" }\n"
        << "threat.linf = { norm = \"linf\", epsilon = " << epsilon_
        << " }\nscoring = { trials = 2 }\n[attack]\n"
        << attacks << rows;
    const registry::Registry here = registry();
    const suite::Suite suite = suite::read_suite(folder_ / "suite.toml", {}, plugins_, here);
    results::Store store(folder_ / name);
    Remarks unread;
    summary_ = run_suite(suite, plugins_, here, store, {}, remarks ? *remarks : unread);
    std::vector<results::CellRecord> cells = analysis::latest_run(store).cells;
    for (results::CellRecord& cell : cells)
      if (cell.status == results::Status::kOk)
        cell.outcomes = store.outcomes(cell.identity, cell.fingerprint);
    return cells;
  }
  // Leaves what was fitted, and no answers.
  void forget_records(const std::string& name) const {
    for (const char* file : {"results.sqlite", "results.sqlite-wal", "results.sqlite-shm"})
      std::filesystem::remove(folder_ / name / file);
  }
  std::vector<std::filesystem::path> fitted_in(const std::string& name) const {
    std::vector<std::filesystem::path> out;
    for (const auto& file : std::filesystem::directory_iterator(folder_ / name / "artifacts"))
      if (file.path().filename().string().starts_with("fitted-")) out.push_back(file.path());
    return out;
  }
  static void expect_same(const std::vector<results::CellRecord>& a,
                          const std::vector<results::CellRecord>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(a[i].status, results::Status::kOk) << a[i].reason;
      EXPECT_EQ(a[i].x_adv_sha256, b[i].x_adv_sha256);
      EXPECT_EQ(a[i].flags, b[i].flags);
      ASSERT_EQ(a[i].outcomes.size(), b[i].outcomes.size());
      for (size_t k = 0; k < a[i].outcomes.size(); ++k) {
        EXPECT_EQ(a[i].outcomes[k].clean_right, b[i].outcomes[k].clean_right);
        EXPECT_EQ(a[i].outcomes[k].predicted, b[i].outcomes[k].predicted);
        EXPECT_EQ(a[i].outcomes[k].margin, b[i].outcomes[k].margin) << "bit for bit";
      }
    }
  }

  TemporaryFolder folder_;
  double epsilon_ = 0.05;
  std::map<std::string, std::pair<std::string, std::string>> sums_;
  execution::RunSummary summary_;
  const library::PluginLibrary plugins_{{from_environment("GAUNTLET_BUILD_DIR") / "plugins",
                                         from_environment("GAUNTLET_BUILD_DIR") / "test_plugins"}};
};

}  // namespace gauntlet::testing
