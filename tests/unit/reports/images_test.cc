#include "reports/images.h"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>

#include "models/weights/safetensors.h"
#include "reports/drawing/png.h"
#include "reports/page/gallery.h"
#include "reports/page/pages.h"
#include "reports/page/view.h"
#include "synthetic_run.h"

namespace gauntlet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
namespace fs = std::filesystem;

/// Six images of two classes under two attacks; the second attack saw only the first four.
class PlantedImages : public ::testing::Test {
 protected:
  PlantedImages() {
    run_ = empty_run();
    run_.settings = R"({"data": {"classes": ["cat", "<dog>"], "images": "clean.safetensors"}})";
    run_.cells = {synthetic_cell("at", "fgsm", 0.5), synthetic_cell("at", "pgd", 0.5),
                  failed_cell("at", "nattack", results::Status::kError, "out of memory")};
    for (results::CellRecord& cell : run_.cells) cell.trials = 2;
    run_.worst_cases = {synthetic_worst_case("at", 0.25, false)};
    outcomes_["fgsm"] = of({2, 2, 0, 2, 2, 1}, {2, 0, 0, 1, 2, 1});
    outcomes_["pgd"] = of({2, 2, 0, 2}, {0, 0, 0, 2});
    outcomes_["nattack"] = of({2, 2, 2, 2, 2, 2}, {0, 0, 0, 0, 0, 0});
  }

  static std::vector<results::Outcome> of(const std::vector<int64_t>& clean,
                                          const std::vector<int64_t>& robust) {
    std::vector<results::Outcome> list;
    for (size_t i = 0; i < clean.size(); ++i)
      list.push_back({int64_t(10 * i), int64_t(i % 2), clean[i], robust[i],
                      robust[i] == 2 ? int64_t(i % 2) : int64_t(1 - i % 2), 0.5, 0.1, 0});
    return list;
  }

  results::RunRecords records() const {
    return {run_, [this](const results::CellRecord& cell) { return outcomes_.at(cell.attack); }};
  }

  results::Store::Run run_;
  std::map<std::string, std::vector<results::Outcome>> outcomes_;
};

TEST_F(PlantedImages, WorstIsTheLowestOfTheAttacksThatSawTheImage) {
  const reports::Summary summary(run_);
  const reports::RunImages images(summary, records().outcomes);
  ASSERT_EQ(images.size(), 6u);
  EXPECT_EQ(images.index(5), 50);
  EXPECT_THAT(images.classes(), ElementsAre("cat", "<dog>"));
  const auto* pgd = summary.cell("at", "pgd", summary.threats[0]);
  EXPECT_TRUE(std::isnan(images.of(*pgd).robust[4])) << "it did not see it";
  const reports::ImageRates worst = images.worst("at", summary.threats[0]);
  EXPECT_THAT(worst.robust, ElementsAre(0, 0, 0, .5f, 1, .5f)) << "what failed takes no part";
  EXPECT_THAT(by_class(images, worst.robust), ElementsAre(1. / 3, 1. / 3));
  EXPECT_THAT(by_class(images, worst.clean), ElementsAre(2. / 3, 2.5 / 3));
}

TEST_F(PlantedImages, OverlapCountsWhatBothTake) {
  const reports::Summary summary(run_);
  const reports::RunImages images(summary, records().outcomes);
  const reports::page::View overlap = reports::page::overlaps_of(summary, images)[0]["defenses"][0];
  EXPECT_EQ(overlap["attacks"], reports::page::View({"fgsm", "pgd"}));
  // fgsm takes image 1; pgd takes images 0 and 1. Image 2 was wrong anyhow, 3 and 5 are half right.
  EXPECT_EQ(overlap["both"], reports::page::View({{1, 1}, {1, 2}}));
  EXPECT_EQ(overlap["alone"], reports::page::View({0, 1}));
  EXPECT_EQ(overlap["taken"], 2);
}

TEST_F(PlantedImages, SeedsAreAveraged) {
  run_.cells.resize(2);
  for (const char* attack : {"fgsm", "pgd"}) {
    results::CellRecord other = synthetic_cell("at", attack, 0.5, 1);
    other.trials = 1;  // half the trials: every rate twice as large
    run_.cells.push_back(other);
  }
  const reports::Summary summary(run_);
  const reports::RunImages images(summary, [&](const results::CellRecord& cell) {
    return cell.seed == 0 ? outcomes_.at(cell.attack) : of({1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1});
  });
  const auto* fgsm = summary.cell("at", "fgsm", summary.threats[0]);
  EXPECT_THAT(images.of(*fgsm).robust, ElementsAre(1, .5f, .5f, .75f, 1, .75f));
  const auto* pgd = summary.cell("at", "pgd", summary.threats[0]);
  EXPECT_TRUE(std::isnan(images.of(*pgd).robust[5])) << "one seed did not see it";
}

TEST_F(PlantedImages, ClassesOfNoNameAreNumbers) {
  run_.settings = "{}";
  const reports::Summary summary(run_);
  const reports::RunImages images(summary, records().outcomes);
  EXPECT_THAT(images.classes(), ElementsAre("0", "1"));
}

TEST_F(PlantedImages, ThePageHasThemAndKeepsNamesInert) {
  const std::string html = reports::page::report_html(records());
  EXPECT_THAT(html, HasSubstr("&lt;dog&gt;"));
  EXPECT_THAT(html, HasSubstr(R"("both":[[1,1],[1,2]])"));
  EXPECT_EQ(reports::page::script_data({{"name", "</script><!-- \xff"}}),
            "{\"name\":\"\\u003c/script>\\u003c!-- \xEF\xBF\xBD\"}");
}

/// With files of images.
class Gallery : public PlantedImages {
 protected:
  Gallery() {
    folder_ = fs::temp_directory_path() / ("gauntlet-gallery-" + std::to_string(getpid()));
    fs::create_directories(folder_);
    const Tensor index = torch::arange(0, 60, 10);
    const Tensor clean = torch::full({6, 1, 4, 4}, 100, at::kByte);
    Tensor moved = clean.to(at::kFloat) / 255;
    moved.index({at::indexing::Slice(), 0, 0, 0}) += 0.1;
    models::write_safetensors(folder_ / "clean.safetensors", {{"x", clean}, {"index", index}});
    models::write_safetensors(folder_ / "pgd.safetensors", {{"x_adv", moved}, {"index", index}});
    for (results::CellRecord& cell : run_.cells) cell.x_adv = cell.attack + ".safetensors";
    run_.cells[1].robust_accuracy = 0.25;  // pgd is the strongest
  }
  ~Gallery() override { fs::remove_all(folder_); }

  reports::page::View gallery() const {
    const reports::Summary summary(run_);
    const results::RunRecords all{run_, records().outcomes, folder_};
    return reports::page::gallery_of(summary, all, reports::RunImages(summary, all.outcomes));
  }

  fs::path folder_;
};

TEST_F(Gallery, ShowsImagesThatTheStrongestAttackTook) {
  const reports::page::View rows = gallery();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0]["attack"], "pgd");
  ASSERT_EQ(rows[0]["pictures"].size(), 2u) << "one a class, right before and wrong after";
  const reports::page::View& first = rows[0]["pictures"][0];
  EXPECT_EQ(first["label"], "cat");
  EXPECT_EQ(first["predicted"], "<dog>");
  EXPECT_EQ(first["scale"], "5.0") << "0.1 becomes one half";
  for (const char* name : {"clean", "delta", "adversarial"})
    EXPECT_THAT(first[name].get<std::string>(), StartsWith("data:image/png;base64,iVBORw0KGgo"));
  EXPECT_NE(first["clean"], first["adversarial"]);
}

TEST_F(Gallery, LeavesOutWhatIsAbsentOrDamaged) {
  std::ofstream(folder_ / "pgd.safetensors") << "damaged";
  EXPECT_TRUE(gallery().empty());
  fs::remove(folder_ / "pgd.safetensors");
  EXPECT_TRUE(gallery().empty());
  fs::remove(folder_ / "clean.safetensors");
  EXPECT_TRUE(gallery().empty());
}

TEST(Picture, IsOneOfGreyOrColour) {
  EXPECT_THAT(reports::picture(torch::rand({3, 5, 7})),
              StartsWith("data:image/png;base64,iVBORw0KGgo"));
  EXPECT_EQ(reports::picture(torch::rand({2, 5, 5})), "");
  EXPECT_LT(reports::picture(torch::zeros({3, 1000, 1000})).size(),
            reports::picture(torch::rand({3, 128, 128})).size())
      << "averaged down to 128 pixels a side";
}

}  // namespace
}  // namespace gauntlet
