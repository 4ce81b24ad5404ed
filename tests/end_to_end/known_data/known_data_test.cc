// Training images in the hands of attacks and detectors, from the suite to the record.
#include "tests/end_to_end/known_data/known_data.h"

#include <nlohmann/json.hpp>

namespace gauntlet::testing {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;

const std::string kFgsm = "fgsm = { use = \"fgsm\" }\n";

std::string near_with(int64_t images) {
  return fmt::format("near = {{ use = \"nearest_other\", images = {} }}\n", images);
}

TEST_F(KnownData, AnAttackGoesToTheNearestTrainingImageOfAnotherClass) {
  const auto cells = run_in("run", near_with(1000), row("plain"));
  ASSERT_EQ(cells.size(), 1u);
  ASSERT_EQ(cells[0].status, results::Status::kOk) << cells[0].reason;
  ASSERT_EQ(cells[0].outcomes.size(), size_t(kImages));
  // The lightest dark training image is 127, the darkest light one is 129.
  for (const results::Outcome& one : cells[0].outcomes) {
    const int64_t level = 68 + 2 * one.index, other = one.label == 0 ? 129 : 127;
    EXPECT_NEAR(one.distance, std::min(0.05, std::abs(double(level - other)) / 255), 1e-6)
        << one.index;
  }
  const json told = json::parse(cells[0].parameters)["attack"]["samples"];
  EXPECT_EQ(told["count"], 60) << "all that there are";
  EXPECT_EQ(told["dataset"], "grey");
  EXPECT_EQ(told["sha256"], json({sums_["train"].first, sums_["train"].second}));
}

TEST_F(KnownData, WhatAnAttackTookIsPartOfTheQuestion) {
  const std::string attacks = kFgsm + near_with(20);
  const auto first = run_in("run", attacks, row("plain"));
  EXPECT_EQ(json::parse(first[1].parameters)["attack"]["samples"]["count"], 20);
  EXPECT_FALSE(json::parse(first[0].parameters)["attack"].contains("samples"));
  run_in("run", attacks, row("plain"));
  EXPECT_EQ(summary_.cached, 2);
  write_data("train", 3);
  const auto changed = run_in("run", attacks, row("plain"));
  EXPECT_EQ(summary_.cached, 1) << "the attack that takes none";
  EXPECT_EQ(first[0].identity, changed[0].identity);
  EXPECT_NE(first[1].identity, changed[1].identity);
}

TEST_F(KnownData, WithoutTrainingImagesTheirAttackIsSkippedAndOthersAreNot) {
  fs::remove(folder_ / "registry/datasets/train-images.gz");
  auto cells = run_in("absent", kFgsm + near_with(20), row("plain"));
  EXPECT_EQ(cells[0].status, results::Status::kOk) << cells[0].reason;
  EXPECT_EQ(cells[1].status, results::Status::kSkipped);
  EXPECT_EQ(cells[1].reason,
            "it asks for 20 training images: the training images of data set 'grey' are not here: "
            "train-images.gz is absent");
  sums_.erase("train");
  write_entry();
  cells = run_in("none", kFgsm + near_with(20), row("plain"));
  EXPECT_EQ(cells[0].status, results::Status::kOk) << cells[0].reason;
  EXPECT_EQ(cells[1].status, results::Status::kSkipped);
  EXPECT_EQ(cells[1].reason,
            "it asks for 20 training images: data set 'grey' has no training split");
}

TEST_F(KnownData, WhatWasFittedIsNotFittedAgain) {
  const std::string rows = row("watched", watched(40)) +
                           row("vote",
                               "{ use = \"smoothing\", sigmas = [0, 0.5], mc_grid = [3, 9], "
                               "fit_epsilon = 0.05 }");
  const auto first = run_in("run", kFgsm, rows);
  EXPECT_EQ(fits(), 1);
  EXPECT_EQ(fitted_in("run").size(), 2u);
  run_in("run", kFgsm, rows);
  EXPECT_EQ(summary_.cached, 2);
  EXPECT_EQ(fits(), 1) << "not to answer from the store";
  forget_records("run");
  const auto restored = run_in("run", kFgsm, rows);
  EXPECT_EQ(summary_.cached, 0);
  EXPECT_EQ(fits(), 1) << "nor to compute the cells again";
  expect_same(first, restored);
  const auto elsewhere = run_in("elsewhere", kFgsm, rows);
  EXPECT_EQ(fits(), 2) << "another folder shares nothing";
  expect_same(first, elsewhere);
  for (size_t i = 0; i < 2; ++i)
    EXPECT_EQ(json::parse(restored[i].parameters)["defense"]["fitted"],
              json::parse(elsewhere[i].parameters)["defense"]["fitted"]);
}

TEST_F(KnownData, AnyOtherIngredientIsFittedAnew) {
  run_in("run", kFgsm, row("watched", watched(40)));
  EXPECT_EQ(fits(), 1);
  run_in("run", kFgsm, row("watched", watched(30)));
  EXPECT_EQ(fits(), 2) << "a parameter";
  run_in("run", kFgsm, row("watched", watched(30) + ", { use = \"smoothing\" }"));
  EXPECT_EQ(fits(), 3) << "a wrapper";
  write_data("train", 3);
  run_in("run", kFgsm, row("watched", watched(30)));
  EXPECT_EQ(fits(), 4) << "the data";
  write_weights(4.25f);
  run_in("run", kFgsm, row("watched", watched(30)));
  EXPECT_EQ(fits(), 5) << "the weights";
  run_in("run", kFgsm, row("watched", watched(30)));
  EXPECT_EQ(fits(), 5);
}

TEST_F(KnownData, ADamagedFileIsToldOfAndFittedAgain) {
  const auto first = run_in("run", kFgsm, row("watched", watched(40)));
  ASSERT_EQ(fitted_in("run").size(), 1u);
  const fs::path file = fitted_in("run").front();
  fs::resize_file(file, fs::file_size(file) - 1);
  forget_records("run");
  Remarks remarks;
  const auto again = run_in("run", kFgsm, row("watched", watched(40)), &remarks);
  EXPECT_EQ(fits(), 2);
  EXPECT_EQ(remarks.all,
            file.string() + " is not as a run wrote it; its wrapper is fitted again\n");
  expect_same(first, again);
  Remarks none;
  run_in("run", kFgsm, row("watched", watched(40)), &none);
  EXPECT_EQ(fits(), 2) << "it was replaced";
  EXPECT_EQ(none.all, "");
}

TEST_F(KnownData, MoreThanThereAreToFitOnIsRefusedBeforeAnyWork) {
  EXPECT_EQ(
      message_of([&] { run_in("run", kFgsm, row("watched", watched(61))); }),
      "defense 'watched': fit() asks for 61 training images; data set 'grey' has 60, expected "
      "1 to 60");
}

}  // namespace
}  // namespace gauntlet::testing
