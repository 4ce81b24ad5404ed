// What a disk lost is computed again and said; the order of columns changes no number.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "analysis/latest_run.h"
#include "results/artifacts.h"
#include "suite/read_suite.h"
#include "tests/support/laboratory_fixture.h"

namespace gauntlet::testing {
namespace {
namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kFgsm = "fgsm = { use = \"fgsm\" }\n",
                  kPgd = "pgd = { use = \"pgd\", steps = 3, step_size = 0.05 }\n",
                  kSame = "again = { use = \"pgd\", steps = 3, step_size = 0.05 }\n",
                  kNoise = "noise = { use = \"random_noise\" }\n";

struct Told final : execution::RunEvents {
  void remark(const std::string& sentence) override { remarks.push_back(sentence); }
  void cell_end(const results::CellRecord&, bool known) override { computed += !known; }
  std::vector<std::string> remarks;
  int computed = 0;
};

// A random row: its worst case is judged again on fresh draws.
class RandomRow : public ::testing::Test {
 protected:
  results::Store::Run run_columns(const std::string& columns, const std::string& folder,
                                  Told& told) const {
    std::ofstream(folder_ / "suite.toml")
        << "schema = 1\nname = \"votes\"\nseeds = [0]\n"
           "data = { dataset = \"fashion-mnist-1k\", samples = 33 }\n"
           "threat.l = { norm = \"linf\", epsilon = 0.1 }\nscoring = { trials = 3 }\n[attack]\n"
        << columns
        << "[[defense]]\nname = \"vote\"\nmodel = \"fashion-mnist/at\"\n"
           "stack = [{ use = \"smoothing\", vote = \"prediction\", sigma = 0.2, mc_samples = 2 "
           "}]\n";
    const suite::Suite suite = suite::read_suite(folder_ / "suite.toml", {}, plugins_, registry_);
    results::Store store(folder_ / folder);
    run_suite(suite, plugins_, registry_, store, {}, told);
    return analysis::latest_run(store);
  }
  results::Store::Run run_columns(const std::string& columns, const std::string& folder) const {
    Told told;
    return run_columns(columns, folder, told);
  }
  fs::path artifact(const std::string& folder, const std::string& name) const {
    return folder_ / folder / "artifacts" / name;
  }
  static void damage(const fs::path& file) {
    std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
    for (const int at : {4000, 5003, 9001}) {
      stream.seekg(at);
      const char byte = char(stream.get() ^ 0x41);
      stream.seekp(at);
      stream.put(byte);
    }
  }
  static const results::CellRecord& cell_of(const results::Store::Run& run,
                                            const std::string& attack) {
    for (const results::CellRecord& cell : run.cells)
      if (cell.attack == attack) return cell;
    throw std::runtime_error(attack);
  }
  static void expect_same(const results::WorstCase& a, const results::WorstCase& b) {
    EXPECT_EQ(a.robust_accuracy, b.robust_accuracy);
    EXPECT_EQ(a.decided_by, b.decided_by);
    EXPECT_EQ(a.interval.low, b.interval.low);
  }

  TemporaryFolder folder_;
  const library::PluginLibrary plugins_ = shipped_plugins();
  const registry::Registry registry_{from_environment("GAUNTLET_SOURCE_DIR") / "registry", {}};
};

TEST_F(RandomRow, HasOneWorstCaseInEveryOrderOfColumns) {
  std::vector<std::string> columns = {kPgd, kSame, kFgsm};
  std::sort(columns.begin(), columns.end());
  const results::Store::Run first = run_columns(columns[0] + columns[1] + columns[2], "order");
  int orders = 0;
  while (std::next_permutation(columns.begin(), columns.end())) {
    const results::Store::Run run = run_columns(columns[0] + columns[1] + columns[2], "order");
    expect_same(run.worst_cases.at(0), first.worst_cases.at(0));
    ++orders;
  }
  EXPECT_EQ(orders, 5);
  EXPECT_FALSE(first.worst_cases[0].decided_by.count("pgd"))
      << "of two names for one question the same one is told";
}

TEST_F(RandomRow, HasItsWorstCaseOfAdversarialInputsAsTheyWere) {
  const results::Store::Run fresh = run_columns(kFgsm + kPgd + kNoise, "fresh");
  const results::Store::Run before = run_columns(kFgsm + kPgd, "damaged");
  const results::CellRecord pgd = cell_of(before, "pgd");
  damage(artifact("damaged", pgd.x_adv));
  Told told;
  const results::Store::Run after = run_columns(kFgsm + kPgd + kNoise, "damaged", told);
  EXPECT_THAT(told.remarks, Contains(HasSubstr(pgd.x_adv + " is not as the run wrote it")));
  EXPECT_EQ(told.computed, 2);
  expect_same(after.worst_cases.at(0), fresh.worst_cases.at(0));
  for (const results::CellRecord& cell : after.cells)
    EXPECT_EQ(results::artifact_problem(artifact("damaged", cell.x_adv), cell.x_adv_sha256), "");
  EXPECT_EQ(cell_of(after, "pgd").x_adv_sha256, pgd.x_adv_sha256) << "the same inputs";
}

TEST_F(RandomRow, WritesItsCleanImagesAgainWhereTheyAreNot) {
  const auto images_of = [&](const results::Store::Run& run) {
    const auto data = nlohmann::json::parse(run.settings).at("data");
    return results::artifact_problem(artifact("clean", data.at("images")),
                                     data.at("images_sha256"));
  };
  const results::Store::Run before = run_columns(kFgsm, "clean");
  ASSERT_EQ(images_of(before), "");
  damage(artifact("clean", nlohmann::json::parse(before.settings).at("data").at("images")));
  ASSERT_NE(images_of(before), "");
  const results::Store::Run after = run_columns(kFgsm, "clean");
  EXPECT_EQ(images_of(after), "");
  EXPECT_EQ(images_of(before), "");
}

TEST_F(RandomRow, ComputesAgainWhatTheStoreLost) {
  const results::Store::Run before = run_columns(kFgsm + kPgd, "store");
  for (const char* change : {"UPDATE outcomes SET robust_right = 3 - robust_right WHERE cell = 1",
                             "UPDATE cells SET flags = '[\"' WHERE id = 2",
                             "UPDATE worst_cases SET robust_accuracy = 0.99"}) {
    SQLite::Database((folder_ / "store/results.sqlite").string(), SQLite::OPEN_READWRITE)
        .exec(change);
    Told told;
    const results::Store::Run after = run_columns(kFgsm + kPgd, "store", told);
    EXPECT_THAT(told.remarks, Contains(HasSubstr("is not as it was written; it is computed again")))
        << change;
    expect_same(after.worst_cases.at(0), before.worst_cases.at(0));
    for (size_t i = 0; i < 2; ++i)
      EXPECT_EQ(after.cells[i].robust_accuracy, before.cells[i].robust_accuracy);
    EXPECT_EQ(after.lost, 0);
  }
  Told told;
  run_columns(kFgsm + kPgd, "store", told);
  EXPECT_THAT(told.remarks, IsEmpty());
  EXPECT_EQ(told.computed, 0);
}

}  // namespace
}  // namespace gauntlet::testing
