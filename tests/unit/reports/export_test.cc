#include "reports/files/export.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/bad_input.h"
#include "csv_table.h"
#include "gauntlet/arrays.h"
#include "models/weights/safetensors.h"
#include "run_with_outcomes.h"
#include "tests/support/text_of.h"

namespace gauntlet {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

/// A run of four images, with artifacts: of "grid" 8-bit inputs, of "between" others.
class Export : public ::testing::Test {
 protected:
  Export() {
    fs::create_directories(folder_ / "artifacts");
    const Tensor index = torch::tensor({int64_t{3}, int64_t{1}, int64_t{0}, int64_t{2}});
    clean_ = torch::randint(0, 256, {4, 1, 2, 2}, torch::kByte);
    models::write_safetensors(folder_ / "artifacts" / "clean.safetensors",
                              {{"x", clean_}, {"index", index}});
    made_.run.settings = R"({"data": {"images": "clean.safetensors"}})";
    const Tensor x = clean_.to(torch::kFloat).div_(255);
    // 1 - x would be off the grid by a bit here and there.
    add("grid, \"quoted\"\n", "pgd", clean_.bitwise_not().to(torch::kFloat).div_(255), index);
    add("between", "pgd", (x + 0.1 * (torch::rand_like(x) - 0.5)).clamp(0, 1), index);
    results::CellRecord& failed = made_.add("grid, \"quoted\"\n", "fgsm", right_first(1, 4));
    failed.status = results::Status::kInvalid, failed.reason = "3 rows left the ball";
  }
  ~Export() override { fs::remove_all(folder_); }

  void add(const std::string& defense, const std::string& attack, const Tensor& x,
           const Tensor& index) {
    results::CellRecord& cell = made_.add(defense, attack, right_first(2, 4));
    cell.x_adv = "x" + std::to_string(made_.run.cells.size()) + ".safetensors";
    models::write_safetensors(folder_ / "artifacts" / cell.x_adv, {{"x_adv", x}, {"index", index}});
    for (results::Outcome& o : made_.outcomes.at(cell.identity))
      o.margin = 1.0 / 3 + double(o.index), o.distance = 0.1, o.queries = 7 * o.index,
      o.predicted = -1;
    x_[defense] = x.index_select(0, index.argsort());  // outcomes are in the order of the indices
  }
  results::RunRecords records() const {
    results::RunRecords out = made_.records();
    return {out.run, out.outcomes, folder_ / "artifacts"};
  }
  json exported(const reports::files::ExportOptions& options = {}) {
    fs::remove_all(folder_ / "out");
    export_run(records(), folder_ / "out", options);
    return json::parse(text_of(folder_ / "out" / "index.json"));
  }
  std::map<std::string, Tensor> arrays(const json& cell) const {
    return read_npz((folder_ / "out" / cell["file"].get<std::string>()).string());
  }
  static bool only_grid(const results::CellRecord& cell) { return cell.defense[0] == 'g'; }

  const fs::path folder_ =
      fs::temp_directory_path() / ("gauntlet-export-" + std::to_string(getpid()));
  RunWithOutcomes made_;
  Tensor clean_;
  std::map<std::string, Tensor> x_;
};

TEST_F(Export, KeepsEveryBit) {
  const json index = exported();
  ASSERT_EQ(index["cells"].size(), 3u);
  for (size_t i = 0; i < 2; ++i) {
    const json& cell = index["cells"][i];
    const auto read = arrays(cell);
    EXPECT_TRUE(torch::equal(read.at("x_adv"), x_.at(cell["defense"])));
    const auto& outcomes = made_.outcomes.at(cell["identity"]);
    for (size_t k = 0; k < outcomes.size(); ++k) {
      const auto whole = [&](const char* name) {
        return read.at(name)[int64_t(k)].item<int64_t>();
      };
      EXPECT_EQ(whole("index"), outcomes[k].index);
      EXPECT_EQ(whole("label"), outcomes[k].label);
      EXPECT_EQ(whole("predicted"), outcomes[k].predicted);
      EXPECT_EQ(whole("clean_right"), outcomes[k].clean_right);
      EXPECT_EQ(whole("robust_right"), outcomes[k].robust_right);
      EXPECT_EQ(whole("queries"), outcomes[k].queries);
      EXPECT_EQ(read.at("margin")[int64_t(k)].item<double>(), outcomes[k].margin);
      EXPECT_EQ(read.at("distance")[int64_t(k)].item<double>(), outcomes[k].distance);
    }
    EXPECT_EQ(read.at("trials").item<int64_t>(), 1);
  }
}

TEST_F(Export, TellsOfFailedCellsWithoutAFile) {
  const json failed = exported()["cells"][2];
  EXPECT_TRUE(failed["file"].is_null());
  EXPECT_EQ(failed["status"], "invalid");
  EXPECT_EQ(failed["reason"], "3 rows left the ball");
  size_t files = 0;
  for (const auto& entry : fs::directory_iterator(folder_ / "out" / "cells"))
    files += entry.is_regular_file();
  EXPECT_EQ(files, 2u);
}

TEST_F(Export, WritesATidyTable) {
  exported();
  auto rows = csv_table(text_of(folder_ / "out" / "outcomes.csv"));
  ASSERT_EQ(rows.size(), 8u);
  EXPECT_EQ(rows[2]["defense"], "grid, \"quoted\"\n");
  EXPECT_EQ(std::stod(rows[2]["margin"]), 1.0 / 3 + 2);
  EXPECT_EQ(rows[2]["queries"], "14");
  EXPECT_EQ(rows[2]["file"], rows[0]["file"]);
}

TEST_F(Export, Says8BitInputsExactly) {
  reports::files::ExportOptions options{reports::files::ExportedInputs::kUint8, false, only_grid};
  const json index = exported(options);
  const Tensor levels = arrays(index["cells"][0]).at("x_adv");
  EXPECT_EQ(levels.scalar_type(), torch::kByte);
  EXPECT_TRUE(torch::equal(levels.to(torch::kFloat) / 255, x_.at("grid, \"quoted\"\n")));
  EXPECT_EQ(index["cells"][0]["rounded_values"], 0);
  EXPECT_FALSE(index["cells"][0].contains("note"));
}

TEST_F(Export, RefusesWhat8BitsCannotSay) {
  const reports::files::ExportOptions options{reports::files::ExportedInputs::kUint8,
                                              false,
                                              {[](const results::CellRecord&) { return true; }}};
  try {
    exported(options);
    FAIL();
  } catch (const BadInput& error) {
    EXPECT_THAT(error.what(), HasSubstr("1 cell"));
    EXPECT_THAT(error.what(), HasSubstr("between under pgd"));
    EXPECT_THAT(error.what(), HasSubstr("--quantise"));
  }
  EXPECT_FALSE(fs::exists(folder_ / "out")) << "before it writes";
}

TEST_F(Export, RoundsTowardsTheCleanImageWhereItIsTold) {
  reports::files::ExportOptions options;
  options.inputs = reports::files::ExportedInputs::kUint8, options.quantise = true;
  const json cell = exported(options)["cells"][1];
  EXPECT_GT(cell["rounded_values"], 0);
  EXPECT_THAT(cell["note"].get<std::string>(), HasSubstr("before"));
  const Tensor index = torch::tensor({int64_t{3}, int64_t{1}, int64_t{0}, int64_t{2}});
  const Tensor clean = clean_.index_select(0, index.argsort()).to(torch::kDouble) / 255;
  const Tensor before = x_.at("between").to(torch::kDouble);
  const Tensor after = arrays(cell).at("x_adv").to(torch::kDouble) / 255;
  EXPECT_LE(((after - clean).abs() - (before - clean).abs()).max().item<double>(), 5e-7);
  EXPECT_LT((after - before).abs().max().item<double>(), 1.0 / 255);
}

TEST_F(Export, LosesNoLevelToLastBits) {
  const Tensor index = torch::tensor({int64_t{3}, int64_t{1}, int64_t{0}, int64_t{2}});
  const Tensor up = clean_.clamp_max(247).to(torch::kInt) + 8;
  const double bit = std::pow(2.0, -24);
  for (const double off : {-bit, bit}) {
    add("by a bit", "pgd", (up.to(torch::kFloat) / 255 + off).clamp(0, 1), index);
    reports::files::ExportOptions options;
    options.inputs = reports::files::ExportedInputs::kUint8, options.quantise = true;
    const Tensor levels = arrays(exported(options)["cells"].back()).at("x_adv");
    EXPECT_TRUE(torch::equal(levels.to(torch::kInt), up.index_select(0, index.argsort())));
  }
}

TEST_F(Export, LeavesOutWhatIsNotKept) {
  reports::files::ExportOptions options;
  options.inputs = reports::files::ExportedInputs::kNone, options.keeps = only_grid;
  const json index = exported(options);
  ASSERT_EQ(index["cells"].size(), 2u);
  EXPECT_FALSE(arrays(index["cells"][0]).count("x_adv"));
}

TEST_F(Export, RefusesAFolderInUseAndAbsentInputs) {
  exported();
  EXPECT_THROW(reports::files::export_run(records(), folder_ / "out", {}), BadInput);
  fs::remove(folder_ / "artifacts" / made_.run.cells[0].x_adv);
  EXPECT_THROW(exported(), BadInput);
  reports::files::ExportOptions none;
  none.inputs = reports::files::ExportedInputs::kNone;
  EXPECT_EQ(exported(none)["cells"].size(), 3u) << "outcomes need none";
}

}  // namespace
}  // namespace gauntlet
