#include "training/batches.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bad_input.h"
#include "training_fixture.h"

namespace gauntlet {
namespace {
using namespace training_tests;

Tensor sorted(const Tensor& t) { return std::get<0>(t.sort()); }

TEST(Split, ValidationIsTheLastSamplesAndNeverTrainedOn) {
  training::Recipe recipe = small_recipe();
  recipe.validation.samples = 10;
  const training::Split split = split_samples(recipe, 64);
  EXPECT_TRUE(torch::equal(split.train, torch::arange(54)));
  EXPECT_TRUE(torch::equal(split.validation, torch::arange(54, 64)));
}

TEST(Split, SamplesTakesTheFirstOnes) {
  training::Recipe recipe = small_recipe();
  recipe.samples = 5;
  EXPECT_TRUE(torch::equal(split_samples(recipe, 64).train, torch::arange(5)));
}

TEST(Split, RefusesToOverlap) {
  training::Recipe recipe = small_recipe();
  recipe.samples = 60;
  recipe.validation.samples = 10;
  try {
    split_samples(recipe, 64);
    FAIL() << "60 + 10 of 64 samples overlap";
  } catch (const BadInput& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("has 64 samples"));
  }
}

TEST(Split, ClassesInOneAfterTheOtherAreRefused) {
  training::Recipe recipe = small_recipe();
  recipe.validation.samples = 80;
  const auto problem = [&](const Tensor& labels) -> std::string {
    try {
      check_classes(recipe, split_samples(recipe, labels.size(0)), labels);
    } catch (const BadInput& error) {
      return error.what();
    }
    return "";
  };
  const Tensor mixed = torch::arange(400).remainder(4);
  EXPECT_EQ(problem(mixed), "");
  EXPECT_THAT(problem(sorted(mixed)),
              ::testing::HasSubstr("class 0 is among the samples to train on and not among those "
                                   "for validation"));
  EXPECT_THAT(problem(sorted(mixed).clamp_min(2).slice(0, 200, 380)),
              ::testing::HasSubstr("class 3 is among the samples for validation and not"));
  recipe.validation.samples = 3;  // too few to hold every class
  EXPECT_EQ(problem(mixed), "");
}

TEST(EpochOrder, IsAPermutationThatChangesWithEpochAndSeed) {
  const Tensor samples = torch::arange(100, 300);
  const Tensor order = training::epoch_order(samples, 1, 0);
  EXPECT_TRUE(torch::equal(sorted(order), samples));
  EXPECT_FALSE(torch::equal(order, samples));
  EXPECT_TRUE(torch::equal(order, training::epoch_order(samples, 1, 0)));
  EXPECT_FALSE(torch::equal(order, training::epoch_order(samples, 1, 1)));
  EXPECT_FALSE(torch::equal(order, training::epoch_order(samples, 2, 0)));
}

TEST(EpochOrder, DoesNotDependOnThreads) {
  const data::Dataset data = quarters(4096);
  const training::AugmentationSpec augmentation{.crop_padding = 2, .flip = true};
  const int before = at::get_num_threads();
  const auto batch = [&](int threads) {
    at::set_num_threads(threads);
    return training_batch(data, training::epoch_order(torch::arange(4096), 7, 2), augmentation, 7,
                          2);
  };
  const Batch one = batch(1), many = batch(4);
  at::set_num_threads(before);
  EXPECT_TRUE(torch::equal(one.sample, many.sample));
  EXPECT_TRUE(torch::equal(one.x, many.x));
}

TEST(Augmentation, FlipMirrorsAboutHalfOfTheImagesAndNothingElse) {
  const data::Dataset data = quarters(256);
  const Tensor samples = torch::arange(256);
  const Tensor plain = data.x(samples);
  const Batch batch =
      training::training_batch(data, samples, {.crop_padding = 0, .flip = true}, 1, 0);
  int64_t flipped = 0;
  for (int64_t i = 0; i < 256; ++i) {
    const bool mirrored = torch::equal(batch.x[i], plain[i].flip({2}));
    EXPECT_TRUE(mirrored || torch::equal(batch.x[i], plain[i])) << i;
    flipped += mirrored;
  }
  // 128 expected, standard deviation 8.
  EXPECT_GT(flipped, 96);
  EXPECT_LT(flipped, 160);
}

TEST(Augmentation, CropIsAWindowOfThePaddedImage) {
  const data::Dataset data = quarters(200);
  const Tensor samples = torch::arange(200);
  const int64_t pad = 2;
  const Tensor padded = torch::constant_pad_nd(data.x(samples), {pad, pad, pad, pad});
  const Batch batch =
      training::training_batch(data, samples, {.crop_padding = pad, .flip = false}, 1, 0);
  std::set<std::pair<int64_t, int64_t>> offsets;
  for (int64_t i = 0; i < 200; ++i) {
    bool found = false;
    for (int64_t top = 0; top <= 2 * pad; ++top)
      for (int64_t left = 0; left <= 2 * pad; ++left)
        if (torch::equal(batch.x[i], padded[i].narrow(1, top, 8).narrow(2, left, 8)))
          found = true, offsets.emplace(top, left);
    EXPECT_TRUE(found) << i;
  }
  EXPECT_EQ(offsets.size(), 25u);  // every place comes up: 200 draws miss one of 25 with p < 1 %
}

TEST(Augmentation, LeavesIndexAndLabelAlone) {
  const data::Dataset data = quarters(64);
  const Tensor samples = torch::arange(64).flip({0});
  const Batch batch =
      training::training_batch(data, samples, {.crop_padding = 2, .flip = true}, 1, 0);
  EXPECT_TRUE(torch::equal(batch.sample, samples));
  EXPECT_TRUE(torch::equal(batch.y, data.labels.flip({0})));
}

TEST(Augmentation, OfAnImageDoesNotDependOnItsBatch) {
  const data::Dataset data = quarters(64);
  const training::AugmentationSpec spec{.crop_padding = 2, .flip = true};
  const Batch whole = training_batch(data, torch::arange(64), spec, 1, 4);
  const Batch part = training_batch(data, torch::arange(10, 17), spec, 1, 4);
  EXPECT_TRUE(torch::equal(whole.x.narrow(0, 10, 7), part.x));
  EXPECT_FALSE(torch::equal(whole.x, training_batch(data, torch::arange(64), spec, 1, 5).x));
}

TEST(TrainingBatches, AreTheSameMadeAheadOrOneByOne) {
  const data::Dataset data = quarters(40);
  training::Recipe recipe = small_recipe();
  recipe.batch_size = 16;
  const Tensor order = training::epoch_order(torch::arange(40), 3, 1);
  training::TrainingBatches batches(data, order, recipe, 1);
  for (int64_t from = 0; from < 40; from += 16) {
    const Batch batch = batches.next(),
                expected =
                    training_batch(data, order.slice(0, from, std::min<int64_t>(from + 16, 40)),
                                   recipe.augmentation, uint64_t(recipe.seed), 1);
    EXPECT_TRUE(batch.x.equal(expected.x));
    EXPECT_TRUE(batch.y.equal(expected.y));
    EXPECT_TRUE(batch.sample.equal(expected.sample));
  }
}

}  // namespace
}  // namespace gauntlet
