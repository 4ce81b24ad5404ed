// The training loop and the session it lends to methods.
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <set>

#include "base/bad_input.h"
#include "training_fixture.h"

namespace gauntlet {
namespace {
using namespace training_tests;
using ::testing::HasSubstr;

struct OneThread {
  const int before = at::get_num_threads();
  OneThread() { at::set_num_threads(1); }
  ~OneThread() { at::set_num_threads(before); }
};

template <class Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const BadInput& error) {
    return error.what();
  }
  return "no BadInput was thrown";
}

/// A method made of a function.
struct Method final : Defense, Trains {
  std::function<void(Training&)> on_prepare;
  std::function<void(Training&, const Batch&)> on_step;
  std::function<bool(Training&)> on_epoch_end;

  void prepare(Training& training) override {
    if (on_prepare) on_prepare(training);
  }
  void step(Training& training, const Batch& batch) override {
    if (on_step) return on_step(training, batch);
    training.minimise(torch::cross_entropy_loss(training.forward(batch.x).logits, batch.y));
  }
  bool epoch_end(Training& training) override { return !on_epoch_end || on_epoch_end(training); }
};

Tensor plain_loss(Training& training, const Batch& batch) {
  return torch::cross_entropy_loss(training.forward(batch.x).logits, batch.y);
}

TEST(Training, OverfitsThirtyTwoImages) {
  data::Dataset data = quarters(32);
  // Random labels: they can only be learned by heart.
  data.labels = noise_for(5, evaluation::Stream::kProbe, torch::arange(32))
                    .uniform({1})
                    .squeeze(1)
                    .mul(4)
                    .to(torch::kLong);
  training::Recipe recipe = small_recipe();
  recipe.epochs = 150;
  recipe.validation = {};
  recipe.augmentation = {};
  recipe.optimizer.weight_decay = 0;
  const training::TrainingParts parts = parts_of(recipe);
  EXPECT_LT(training::count_correct(*parts.network, data), 24);
  run_training(recipe, data, parts, {}, false, {});
  EXPECT_EQ(training::count_correct(*parts.network, data), 32);
}

TEST(Training, IsTheSameTwiceAndAnotherWithAnotherSeed) {
  const data::Dataset data = quarters(72);
  training::Recipe recipe = small_recipe();
  const training::NamedTensors once = trained(recipe, data);
  EXPECT_TRUE(same_bits(once, trained(recipe, data)));
  recipe.seed = 4;
  EXPECT_FALSE(same_bits(once, trained(recipe, data)));
}

TEST(Training, AdversarialTrainingOfWeightZeroIsStandardTraining) {
  const data::Dataset data = quarters(72);
  training::Recipe recipe = small_recipe();
  const training::NamedTensors standard = trained(recipe, data);
  recipe.method = Use{"adversarial_training", {{"weight", 0.0}, {"attack", as_param(kPgd)}}};
  EXPECT_TRUE(same_bits(standard, trained(recipe, data)));
  recipe.method->with["weight"] = 0.5;
  EXPECT_FALSE(same_bits(standard, trained(recipe, data)));
}

TEST(Training, TradesWithBetaZeroIsStandardTraining) {
  const data::Dataset data = quarters(72);
  training::Recipe recipe = small_recipe();
  const training::NamedTensors standard = trained(recipe, data);
  recipe.method = Use{"trades", {{"beta", 0.0}, {"attack", as_param(kPgd)}}};
  EXPECT_TRUE(same_bits(standard, trained(recipe, data)));
  recipe.method->with["beta"] = 6.0;
  EXPECT_FALSE(same_bits(standard, trained(recipe, data)));
}

TEST(Training, EverySampleComesOnceAnEpochAndValidationNever) {
  const data::Dataset data = quarters(72);
  training::Recipe recipe = small_recipe();
  recipe.epochs = 2;
  auto method = std::make_shared<Method>();
  std::multiset<int64_t> seen;
  method->on_step = [&](Training& training, const Batch& batch) {
    for (int64_t i = 0; i < batch.sample.size(0); ++i) seen.insert(batch.sample[i].item<int64_t>());
    training.minimise(plain_loss(training, batch));
  };
  trained(recipe, data, method);
  for (int64_t i = 0; i < 72; ++i) EXPECT_EQ(seen.count(i), i < 64 ? 2u : 0u) << i;
}

TEST(Training, InnerAttackStaysInItsBallAndRaisesItsLoss) {
  const data::Dataset data = quarters(72);
  training::Recipe recipe = small_recipe();
  recipe.epochs = 1;
  auto method = std::make_shared<Method>();
  method->on_step = [&](Training& training, const Batch& batch) {
    const Tensor epsilon =
        torch::linspace(0, 0.1, batch.x.size(0)).reshape({-1, 1, 1, 1});  // one per sample
    const auto loss_at = [&](const Tensor& x) {
      return torch::cross_entropy_loss(training.predict(x).logits, batch.y).item<double>();
    };
    for (const bool training_mode : {false, true}) {
      Inner inner;
      inner.epsilon = epsilon;
      inner.training_mode = training_mode;
      const Tensor x = training.attack({"pgd", {{"steps", 5}, {"step_size", 0.02}}}, batch, inner);
      EXPECT_FALSE(x.requires_grad());
      // 1e-6: x + delta is rounded to float32.
      EXPECT_TRUE(((x - batch.x).abs() <= epsilon + 1e-6).all().item<bool>());
      EXPECT_TRUE((x >= 0).logical_and(x <= 1).all().item<bool>());
      EXPECT_TRUE(torch::equal(x[0], batch.x[0]));
      if (!training_mode) {
        EXPECT_GT(loss_at(x), loss_at(batch.x));
      }
    }
    const Tensor pulled = training.attack(
        {"pgd", {{"steps", 5}, {"step_size", 0.02}}}, batch,
        {.loss = Loss([](const Outputs& out, const Rows& rows) {
           return out.logits.gather(1, rows.y.unsqueeze(1)).squeeze(1);  // the trainer's own: help
         })});
    EXPECT_LT(loss_at(pulled), loss_at(batch.x));
    training.minimise(plain_loss(training, batch));
  };
  trained(recipe, data, method);
}

TEST(Training, LayerNoiseIsLiveAndFreshInEveryForward) {
  const data::Dataset data = quarters(72);
  training::Recipe recipe = small_recipe();
  recipe.epochs = 1;
  recipe.layer_plugins = {{"pni", {{"initial", 0.25}}}};
  auto method = std::make_shared<Method>();
  method->on_step = [&](Training& training, const Batch& batch) {
    const Tensor first = training.forward(batch.x).logits,
                 second = training.forward(batch.x).logits;
    EXPECT_FALSE(torch::equal(first, second));
    EXPECT_FALSE(torch::equal(training.predict(batch.x).logits, training.predict(batch.x).logits));
    Noise a = training.noise(), b = training.noise();
    EXPECT_FALSE(torch::equal(a.normal({4}), b.normal({4})));
    training.minimise(torch::cross_entropy_loss(first, batch.y));
  };
  const training::NamedTensors after = trained(recipe, data, method);
  EXPECT_NE(after.at("0.pni.alpha").item<float>(), 0.25f);  // learned
}

TEST(Training, TensorsDeclaredWithoutWeightDecayAreNotDecayed) {
  const data::Dataset data = quarters(72);
  training::Recipe recipe = small_recipe();
  recipe.layer_plugins = {{"pni", {{"initial", 0.25}}}};
  recipe.optimizer = {};
  recipe.optimizer.weight_decay = 0.5;
  auto method = std::make_shared<Method>();
  method->on_step = [](Training& training, const Batch& batch) {
    training.minimise(plain_loss(training, batch) * 0);  // decay is all that moves anything
  };
  const training::NamedTensors before = weights(*parts_of(recipe).network),
                               after = trained(recipe, data, method);
  EXPECT_TRUE(torch::equal(before.at("0.pni.alpha"), after.at("0.pni.alpha")));
  EXPECT_LT(after.at("0.weight").norm().item<float>(), before.at("0.weight").norm().item<float>());
  EXPECT_TRUE(torch::equal(before.at("1.weight"), after.at("1.weight")));  // batch norm
}

// A second network of the method's own: one number, pulled towards 3 by an optimizer it names.
std::shared_ptr<Method> pulling(Tensor& number) {
  auto method = std::make_shared<Method>();
  method->on_prepare = [&number](Training& training) {
    number = torch::ones({1});
    training.parameters().add("number", number, false, "pull");
  };
  method->on_step = [&number](Training& training, const Batch& batch) {
    Tensor& count = training.state("steps");
    count = count.defined() ? count + 1 : torch::ones({1}, torch::kLong);
    training.minimise((number - 3).square().sum(), {}, "pull");
    training.minimise(plain_loss(training, batch));
  };
  return method;
}

TEST(Training, MethodsOwnParametersLearnByTheOptimizerTheyName) {
  const data::Dataset data = quarters(24);
  training::Recipe recipe = small_recipe();
  recipe.epochs = 1;  // one batch of 16
  recipe.schedule = {.type = training::ScheduleSpec::Type::kConstant, .learning_rate = 0.1};
  recipe.optimizers["pull"] = training::OptimizerSpec{.learning_rate_factor = 0.5};
  Tensor number;
  trained(recipe, data, pulling(number));
  EXPECT_NEAR(number.item<double>(), 1 - 0.1 * 0.5 * 2 * (1 - 3), 1e-6);  // float32
}

TEST(Training, MinimiseReturnsTheGradientsAskedFor) {
  const data::Dataset data = quarters(24);
  training::Recipe recipe = small_recipe();
  recipe.epochs = 1;
  auto method = std::make_shared<Method>();
  bool ran = false;
  method->on_step = [&](Training& training, const Batch& batch) {
    const Tensor x = batch.x.clone().requires_grad_(true),
                 unused = torch::ones({2}).requires_grad_(true);
    const Tensor loss = plain_loss(training, {x, batch.y, batch.sample}) + 2 * x.sum();
    const Tensor expected = torch::autograd::grad({loss}, {x}, {}, /*retain_graph=*/true)[0];
    const std::vector<Tensor> also = training.minimise(loss, {x, unused});
    ASSERT_EQ(also.size(), 2u);
    EXPECT_TRUE(torch::equal(also[0], expected));
    EXPECT_TRUE(torch::equal(also[1], torch::zeros({2})));
    EXPECT_THROW(training.minimise(plain_loss(training, batch), {}, "nobody"),
                 std::invalid_argument);
    EXPECT_THROW(training.minimise(torch::ones({1})), std::invalid_argument);
    ran = true;
  };
  trained(recipe, data, method);
  EXPECT_TRUE(ran);
}

// The recipe with everything in it that has to survive a stop.
training::Recipe hard_recipe() {
  training::Recipe recipe = small_recipe();
  recipe.epochs = 4;
  recipe.layer_plugins = {{"pni", {}}};
  recipe.method = Use{"adversarial_training", {{"weight", 0.5}, {"attack", as_param(kPgd)}}};
  recipe.validation.attack = kPgd;
  recipe.selection = training::Selection::kBestRobust;
  recipe.gradient_clip = 1;
  recipe.averaging = {.type = training::AveragingSpec::Type::kEma, .decay = 0.8};
  recipe.optimizer.groups = {{.match = {"*.bias"}, .learning_rate_factor = 2}};
  return recipe;
}

struct Stopped {
  training::TrainingResult first, last;
  training::NamedTensors weights;
};
// Stops after so many batches, in the middle of the third epoch unless told otherwise, then resumes
// with everything built anew.
Stopped stop_and_resume(const training::Recipe& recipe, const data::Dataset& data,
                        const fs::path& checkpoint,
                        const std::function<std::shared_ptr<Defense>()>& method,
                        int most_batches = 10) {
  Stopped out;
  int batches = 0;
  training::TrainCallbacks callbacks;
  callbacks.stop = [&] { return ++batches > most_batches; };  // 4 batches an epoch
  out.first = run_training(recipe, data, parts_of(recipe, method()), checkpoint, false, callbacks);
  const training::TrainingParts parts = parts_of(recipe, method());
  out.last = run_training(recipe, data, parts, checkpoint, true, {});
  out.weights = weights(*parts.network);
  return out;
}

TEST(Training, ResumedEqualsUninterruptedBitForBit) {
  const OneThread one;
  const data::Dataset data = quarters(72);
  const training::Recipe recipe = hard_recipe();
  const training::TrainingParts parts = parts_of(recipe);
  const training::TrainingResult whole = run_training(recipe, data, parts, {}, false, {});
  const Folder folder;
  const Stopped stopped =
      stop_and_resume(recipe, data, folder.path / "small.checkpoint", [] { return nullptr; });
  EXPECT_FALSE(stopped.first.finished);
  EXPECT_EQ(stopped.first.log.size(), 2u);
  EXPECT_TRUE(stopped.last.finished);
  EXPECT_TRUE(same_bits(weights(*parts.network), stopped.weights));
  EXPECT_EQ(whole.selected_epoch, stopped.last.selected_epoch);
  ASSERT_EQ(whole.log.size(), stopped.last.log.size());
  for (size_t i = 0; i < whole.log.size(); ++i) {
    EXPECT_EQ(whole.log[i].loss, stopped.last.log[i].loss) << i;
    EXPECT_EQ(whole.log[i].validation_robust, stopped.last.log[i].validation_robust) << i;
  }
}

// In L2 the last bits of an inner attack's gradient show, which the sign of Linf hides.
std::vector<training::Recipe> recipes_to_resume() {
  std::vector<training::Recipe> all(4, hard_recipe());
  all[1].precision = training::Precision::kBFloat16;
  all[2].threat = suite::ThreatSpec{"training", Norm::kL2, 0.5, "0.5"};
  all[2].averaging = {.type = training::AveragingSpec::Type::kSwa, .from_epoch = 1};
  all[3].optimizer = {.type = training::OptimizerSpec::Type::kAdamW, .weight_decay = 0.01};
  all[3].method = Use{"trades", {{"attack", as_param(kPgd)}}};
  all[3].patience = 2;
  Use often = kPgd;  // restarts and draws have noise of their own
  often.with.insert({{"draws", 3}, {"average", "probability"}, {"restarts", 2}});
  all.push_back(hard_recipe());
  all.back().method->with["attack"] = as_param(often);
  all.push_back(hard_recipe());
  all.back().method = Use{"free_adversarial_training", {{"replays", 2}}};
  all.push_back(hard_recipe());
  all.back().method = Use{"fast_adversarial_training", {{"largest_fall", 0.1}}};
  all.back().selection = training::Selection::kWorstClean;
  return all;
}

TEST(Training, ResumingFromEveryCheckpointGivesTheSameBits) {
  const OneThread one;
  const data::Dataset data = quarters(72);
  for (const training::Recipe& recipe : recipes_to_resume()) {
    const training::NamedTensors whole = trained(recipe, data);
    for (int epoch = 1; epoch < recipe.epochs; ++epoch) {
      const Folder folder;
      const Stopped stopped = stop_and_resume(
          recipe, data, folder.path / "small.checkpoint", [] { return nullptr; }, 4 * epoch + 1);
      EXPECT_EQ(stopped.first.log.size(), size_t(epoch));
      EXPECT_TRUE(same_bits(whole, stopped.weights)) << "stopped after epoch " << epoch;
    }
  }
}

TEST(Training, OwnParametersAndStateSurviveAStop) {
  const data::Dataset data = quarters(72);
  training::Recipe recipe = small_recipe();
  recipe.epochs = 4;
  recipe.optimizers["pull"] = training::OptimizerSpec{.type = training::OptimizerSpec::Type::kAdam};
  Tensor whole, resumed, steps;
  trained(recipe, data, pulling(whole));
  const Folder folder;
  stop_and_resume(recipe, data, folder.path / "small.checkpoint", [&] {
    auto method = pulling(resumed);
    method->on_epoch_end = [&](Training& training) {
      steps = training.state("steps");
      return true;
    };
    return method;
  });
  EXPECT_TRUE(torch::equal(whole, resumed));
  EXPECT_GT(whole.item<float>(), 1.0f);
  EXPECT_EQ(steps.item<int64_t>(), 16);
}

// A method's own tensors are those of the epoch that was selected, after a stop too.
TEST(Training, OwnParametersAreSelectedWithTheNetwork) {
  const data::Dataset data = quarters(136);
  training::Recipe recipe = small_recipe();
  recipe.schedule = {.type = training::ScheduleSpec::Type::kConstant, .learning_rate = 0.05};
  recipe.validation.samples = 72;
  recipe.selection = training::Selection::kBestClean;
  recipe.epochs = 4;
  // The number tells the epoch; the network unlearns after the first.
  const auto counting = [] {
    auto method = std::make_shared<Method>();
    method->on_prepare = [](Training& training) {
      training.parameters().add("epoch", torch::zeros({1}), false);
    };
    method->on_step = [](Training& training, const Batch& batch) {
      const double sign = training.epoch() < 1 ? 1 : -1;
      training.minimise(sign * plain_loss(training, batch));
    };
    method->on_epoch_end = [](Training& training) {
      auto& session = dynamic_cast<training::TrainingSession&>(training);
      const at::NoGradGuard no_graph;
      session.method_tensors().at("epoch").add_(1);
      return true;
    };
    return method;
  };
  const training::TrainingResult whole =
      run_training(recipe, data, parts_of(recipe, counting()), {}, false, {});
  EXPECT_EQ(whole.selected_epoch, 1);
  EXPECT_EQ(whole.method_tensors.at("epoch").item<float>(), 0.0f);  // counted after selection
  const Folder folder;
  const Stopped stopped =
      stop_and_resume(recipe, data, folder.path / "small.checkpoint", counting, 9);
  EXPECT_EQ(stopped.last.method_tensors.at("epoch").item<float>(), 0.0f);
}

TEST(Training, CheckpointsThatDoNotFitAreRefused) {
  const data::Dataset data = quarters(72);
  training::Recipe recipe = small_recipe();
  const Folder folder;
  const fs::path checkpoint = folder.path / "small.checkpoint";
  const auto resume = [&] {
    return message_of([&] { run_training(recipe, data, parts_of(recipe), checkpoint, true, {}); });
  };
  EXPECT_THAT(resume(), HasSubstr("there is no checkpoint to resume from"));
  run_training(recipe, data, parts_of(recipe), checkpoint, false, {});
  recipe.sha256 = "another";
  EXPECT_THAT(resume(), HasSubstr("belongs to another version of the recipe"));
  recipe.sha256 = "a recipe";
  std::ofstream(checkpoint.string() + ".3.safetensors", std::ios::app) << "x";
  EXPECT_THAT(resume(), HasSubstr("is not the file its checkpoint names"));
  std::ofstream(checkpoint.string() + ".json") << "{";
  EXPECT_THAT(resume(), HasSubstr("is no checkpoint of a training"));
}

TEST(Training, OnlyTheLastCheckpointIsKeptAndRemovedWhole) {
  const data::Dataset data = quarters(72);
  const training::Recipe recipe = small_recipe();
  const Folder folder;
  run_training(recipe, data, parts_of(recipe), folder.path / "small.checkpoint", false, {});
  const auto files = [&] {
    return std::distance(fs::directory_iterator(folder.path), fs::directory_iterator());
  };
  EXPECT_EQ(files(), 3);  // tensors, state, log
  std::ofstream(folder.path / "small.toml") << "schema = 1";
  training::remove_checkpoint(folder.path / "small.checkpoint");
  EXPECT_EQ(files(), 1);
}

TEST(Training, TakesTheEpochThatValidatedBest) {
  const data::Dataset data = quarters(136);
  training::Recipe recipe = small_recipe();
  recipe.schedule = {.type = training::ScheduleSpec::Type::kConstant, .learning_rate = 0.05};
  recipe.validation.samples = 72;
  recipe.selection = training::Selection::kBestClean;
  // Learns for two epochs, then unlearns.
  const auto turning = [] {
    auto method = std::make_shared<Method>();
    method->on_step = [](Training& training, const Batch& batch) {
      const double sign = training.epoch() < 2 ? 1 : -1;
      training.minimise(sign * plain_loss(training, batch));
    };
    return method;
  };
  recipe.epochs = 5;
  const training::TrainingParts parts = parts_of(recipe, turning());
  const training::TrainingResult result = run_training(recipe, data, parts, {}, false, {});
  ASSERT_EQ(result.log.size(), 5u);
  for (const training::EpochLog& line : result.log)
    EXPECT_LE(line.validation_clean,
              result.log[size_t(result.selected_epoch - 1)].validation_clean);
  EXPECT_LE(result.selected_epoch, 2);
  EXPECT_LT(result.log[4].validation_clean, result.log[1].validation_clean);
  recipe.epochs = result.selected_epoch;
  recipe.selection = training::Selection::kLast;
  EXPECT_TRUE(same_bits(weights(*parts.network), trained(recipe, data, turning())));
}

TEST(Training, TakesTheEpochThatValidatedWorstOnPurpose) {
  const data::Dataset data = quarters(136);
  training::Recipe recipe = small_recipe();
  recipe.schedule = {.type = training::ScheduleSpec::Type::kConstant, .learning_rate = 0.05};
  recipe.validation.samples = 72;
  recipe.selection = training::Selection::kWorstClean;
  recipe.epochs = 5;
  // Learns for one epoch, unlearns for two, learns again.
  const auto turning = [] {
    auto method = std::make_shared<Method>();
    method->on_step = [](Training& training, const Batch& batch) {
      const bool learns = training.epoch() < 1 || training.epoch() >= 3;
      training.minimise((learns ? 1 : -1) * plain_loss(training, batch));
    };
    return method;
  };
  const training::TrainingParts parts = parts_of(recipe, turning());
  const training::TrainingResult result = run_training(recipe, data, parts, {}, false, {});
  ASSERT_EQ(result.log.size(), 5u);
  const auto& chosen = result.log[size_t(result.selected_epoch - 1)];
  for (const training::EpochLog& line : result.log)
    EXPECT_GE(line.validation_clean, chosen.validation_clean);
  EXPECT_LT(chosen.validation_clean, result.log[0].validation_clean);
  EXPECT_LT(chosen.validation_clean, result.log[4].validation_clean);
  recipe.epochs = result.selected_epoch;
  recipe.selection = training::Selection::kLast;
  EXPECT_TRUE(same_bits(weights(*parts.network), trained(recipe, data, turning())));
}

// Rejects its third epoch.
std::shared_ptr<Method> rejecting() {
  auto method = std::make_shared<Method>();
  method->on_prepare = [](Training& training) {
    training.parameters().add("own", torch::zeros({1}), false);
  };
  method->on_epoch_end = [](Training& training) {
    if (training.epoch() >= 2) training.reject_epoch();
    return true;
  };
  return method;
}

TEST(Training, ARejectedEpochEndsTrainingWithTheWeightsBeforeIt) {
  const data::Dataset data = quarters(72);
  std::vector<training::Recipe> recipes(3, small_recipe());
  recipes[1].averaging = {.type = training::AveragingSpec::Type::kSwa};
  recipes[2].selection = training::Selection::kBestClean;
  for (training::Recipe& recipe : recipes) {
    recipe.schedule = {.type = training::ScheduleSpec::Type::kConstant, .learning_rate = 0.05};
    recipe.epochs = 2;
    const training::TrainingParts before = parts_of(recipe, rejecting());
    const training::TrainingResult expected = run_training(recipe, data, before, {}, false, {});
    recipe.epochs = 7;
    const training::TrainingParts parts = parts_of(recipe, rejecting());
    const training::TrainingResult result = run_training(recipe, data, parts, {}, false, {});
    EXPECT_TRUE(result.finished);
    EXPECT_EQ(result.log.size(), 3u);
    EXPECT_EQ(result.selected_epoch, expected.selected_epoch);
    EXPECT_TRUE(same_bits(weights(*before.network), weights(*parts.network)));
    EXPECT_EQ(result.method_tensors.count("own"), 1u);
    for (const int batches : {5, 9}) {  // 4 an epoch
      const Folder folder;
      const Stopped stopped =
          stop_and_resume(recipe, data, folder.path / "small.checkpoint", rejecting, batches);
      EXPECT_EQ(stopped.last.log.size(), 3u);
      EXPECT_EQ(stopped.last.selected_epoch, expected.selected_epoch);
      EXPECT_TRUE(same_bits(weights(*before.network), stopped.weights));
    }
  }
}

TEST(Training, TheFirstEpochCannotBeRejected) {
  auto method = std::make_shared<Method>();
  method->on_epoch_end = [](Training& training) {
    training.reject_epoch();
    return true;
  };
  EXPECT_THROW(trained(small_recipe(), quarters(72), method), std::logic_error);
}

TEST(Training, FastAdversarialTrainingEndsBeforeTheEpochThatCollapsed) {
  const data::Dataset data = quarters(264);
  training::Recipe recipe = small_recipe();
  recipe.threat->epsilon = 0.02;
  recipe.epochs = 6;
  recipe.augmentation = {};
  recipe.schedule = {.type = training::ScheduleSpec::Type::kConstant, .learning_rate = 0.05};
  recipe.method = Use{"fast_adversarial_training", {}};
  // In the fourth epoch the weights are made to unlearn.
  struct Collapsing final : Defense, Trains {
    std::shared_ptr<Defense> fast = built_plugins().defense("fast_adversarial_training", {});
    void step(Training& training, const Batch& batch) override {
      const double pull = training.epoch() < 3 ? 1 : -5;
      training.minimise(pull * dynamic_cast<Trains&>(*fast).loss(training, batch));
    }
    bool epoch_end(Training& training) override {
      return dynamic_cast<Trains&>(*fast).epoch_end(training);
    }
  };
  const training::TrainingParts parts = parts_of(recipe, std::make_shared<Collapsing>());
  const training::TrainingResult result = run_training(recipe, data, parts, {}, false, {});
  EXPECT_TRUE(result.finished);
  EXPECT_EQ(result.log.size(), 4u);
  EXPECT_EQ(result.selected_epoch, 3);
  recipe.epochs = 3;
  EXPECT_TRUE(same_bits(weights(*parts.network), trained(recipe, data)));
}

TEST(Training, StopsWhenPatienceIsOver) {
  training::Recipe recipe = small_recipe();
  recipe.epochs = 50;
  recipe.schedule = {.type = training::ScheduleSpec::Type::kConstant, .learning_rate = 0};
  recipe.selection = training::Selection::kBestClean;
  recipe.augmentation = {};
  recipe.optimizer.weight_decay = 0;
  recipe.patience = 3;
  // Only batch statistics move: whatever the best epoch is, three worse ones follow it and no more.
  const training::TrainingResult result =
      run_training(recipe, quarters(72), parts_of(recipe), {}, false, {});
  EXPECT_TRUE(result.finished);
  EXPECT_LT(result.log.size(), 50u);
  EXPECT_EQ(int64_t(result.log.size()), result.selected_epoch + 3);
}

TEST(Training, BFloat16LearnsTheSameThing) {
  const data::Dataset data = quarters(264);
  training::Recipe recipe = small_recipe();
  recipe.validation.samples = 72;
  recipe.epochs = 6;
  recipe.method = Use{"adversarial_training", {{"attack", as_param(kPgd)}}};
  const auto last_line = [&] {
    return run_training(recipe, data, parts_of(recipe), {}, false, {}).log.back();
  };
  const training::EpochLog full = last_line();
  recipe.precision = training::Precision::kBFloat16;
  const training::EpochLog half = last_line();
  EXPECT_NE(full.loss, half.loss);
  EXPECT_NEAR(full.loss, half.loss, 0.05 * full.loss);
  EXPECT_NEAR(*full.validation_clean, *half.validation_clean, 0.05);
  EXPECT_GT(*half.validation_clean, 0.5);  // chance is 0.25
}

TEST(Training, PatternsOfGroupsThatMatchNothingAreRefused) {
  training::Recipe recipe = small_recipe();
  recipe.optimizer.groups = {{.match = {"0.weigth"}}};
  EXPECT_THAT(
      message_of([&] { trained(recipe, quarters(72)); }),
      HasSubstr("groups: '0.weigth' matches no tensor that the optimizer 'main' trains, did "
                "you mean '0.weight'?"));
}

TEST(Training, EndsWhenTheMethodSaysSo) {
  training::Recipe recipe = small_recipe();
  auto method = std::make_shared<Method>();
  method->on_epoch_end = [](Training& training) { return training.epoch() < 1; };
  const training::TrainingResult result =
      run_training(recipe, quarters(72), parts_of(recipe, method), {}, false, {});
  EXPECT_TRUE(result.finished);
  EXPECT_EQ(result.log.size(), 2u);
}

TEST(Training, AnInfiniteLossEndsItWithOneSentence) {
  training::Recipe recipe = small_recipe();
  auto method = std::make_shared<Method>();
  method->on_step = [](Training& training, const Batch& batch) {
    training.minimise(plain_loss(training, batch) * std::numeric_limits<double>::infinity());
  };
  EXPECT_THAT(message_of([&] { trained(recipe, quarters(72), method); }),
              HasSubstr("training diverged: the loss is inf in epoch 1"));
}

TEST(Training, WhatIsNotFiniteIsNeverKept) {
  training::Recipe recipe = small_recipe();
  recipe.validation = {};
  recipe.augmentation = {};
  const auto layer = [](ParamMap options) { return ParamValue(std::move(options)); };
  recipe.network.options["layers"] =
      ParamList{layer({{"type", "flatten"}}), layer({{"type", "linear"}, {"out", 4}}),
                layer({{"type", "batchnorm"}})};
  const Folder folder;
  const auto says = [&](const data::Dataset& data, std::shared_ptr<Defense> method) {
    return message_of([&] {
      run_training(recipe, data, parts_of(recipe, std::move(method)),
                   folder.path / "small.checkpoint", false, {});
    });
  };
  EXPECT_THAT(says(quarters(33), nullptr), HasSubstr("the last batch is a single image"));
  recipe.gradient_clip = 1;
  const auto steep = std::make_shared<Method>();
  steep->on_step = [](Training& training, const Batch& batch) {
    const Tensor logits = training.forward(batch.x).logits;
    training.minimise((logits - logits.detach()).abs().sqrt().sum());  // 0, and as steep as can be
  };
  EXPECT_THAT(says(quarters(32), steep), HasSubstr("training diverged: the norm of its gradient"));
  EXPECT_FALSE(training::has_checkpoint(folder.path / "small.checkpoint"));
}

TEST(Training, OptimizersThatTrainNothingAreRefused) {
  training::Recipe recipe = small_recipe();
  recipe.optimizers["critik"] = {};
  EXPECT_THAT(message_of([&] { trained(recipe, quarters(72)); }),
              HasSubstr("optimizers: 'critik' trains nothing"));
}

TEST(Training, AMethodThatAsksForAThreatNeedsOne) {
  training::Recipe recipe = small_recipe();
  recipe.threat.reset();
  recipe.method = Use{"adversarial_training", {{"attack", as_param(kPgd)}}};
  EXPECT_THAT(message_of([&] { trained(recipe, quarters(72)); }),
              HasSubstr("asks for a threat, the recipe has none"));
}

TEST(Training, ReportsEveryBatchAndEpoch) {
  const training::Recipe recipe = small_recipe();
  std::vector<training::TrainingProgress> seen;
  int epochs = 0;
  training::TrainCallbacks callbacks;
  callbacks.progress = [&](const training::TrainingProgress& p) { seen.push_back(p); };
  callbacks.epoch = [&](const training::EpochLog& line) { EXPECT_EQ(line.epoch, ++epochs); };
  run_training(recipe, quarters(72), parts_of(recipe), {}, false, callbacks);
  ASSERT_EQ(seen.size(), 12u);
  EXPECT_EQ(epochs, 3);
  EXPECT_EQ(seen[5].epoch, 1);
  EXPECT_EQ(seen[5].batch, 2);
  EXPECT_EQ(seen.back().seconds_left, 0);
}

}  // namespace
}  // namespace gauntlet
