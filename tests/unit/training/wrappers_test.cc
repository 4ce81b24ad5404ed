// Wrappers with tensors of their own, trained with the network.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bad_input.h"
#include "base/invalid_result.h"
#include "models/learned.h"
#include "training_fixture.h"

namespace gauntlet {
namespace {
using namespace training_tests;
using ::testing::HasSubstr;

// A number for each pixel: one for all would be lost in the batch norm behind the convolution.
Tensor ones() { return torch::ones({1, 1, 8, 8}); }
bool moved(const Tensor& gain) { return !torch::equal(gain, ones()); }

// Multiplies images by what it learns, or hands them on.
struct GainWrapper final : Defense, TransformsInput, Learns {
  explicit GainWrapper(bool has_gain = true, std::string optimizer = "main")
      : has_gain(has_gain), optimizer(std::move(optimizer)) {}

  void declare(const Wrapped& of, Parameters& parameters) override {
    image = of.image, classes = of.classes;
    if (has_gain) parameters.add("gain", ones(), false, optimizer);
  }
  Tensor forward(const Tensor& x, Noise&) override {
    if (!has_gain) return x;
    if (at::GradMode::is_enabled()) trained_here = learned.at("gain").requires_grad();
    return x * learned.at("gain");
  }

  const bool has_gain;
  const std::string optimizer;
  std::vector<int64_t> image;
  int64_t classes = 0;
  bool trained_here = false;
};

// A method made of a function.
struct WrappedMethod final : Defense, Trains {
  std::function<void(Training&)> on_prepare;
  std::function<void(Training&, const Batch&)> on_step;
  void prepare(Training& training) override {
    if (on_prepare) on_prepare(training);
  }
  void step(Training& training, const Batch& batch) override { on_step(training, batch); }
};

Tensor loss_on(Training& training, const Batch& batch) {
  return torch::cross_entropy_loss(training.forward(batch.x).logits, batch.y);
}

training::TrainingParts wearing(const training::Recipe& recipe, std::shared_ptr<Defense> wrapper,
                                std::shared_ptr<Defense> method = nullptr) {
  training::TrainingParts parts = parts_of(recipe, std::move(method));
  parts.stack.push_back({"gain", std::move(wrapper)});
  return parts;
}

// One step of SGD over all 16 images.
training::Recipe one_step() {
  training::Recipe recipe = conformance::small_recipe();
  recipe.epochs = 1;
  recipe.batch_size = 16;
  recipe.schedule.learning_rate = 0.05;
  return recipe;
}

TEST(TrainingWrappers, MoveByTheirGradientWithTheNetwork) {
  const training::Recipe recipe = one_step();
  const auto gain = std::make_shared<GainWrapper>();
  auto method = std::make_shared<WrappedMethod>();
  Batch seen;
  method->on_step = [&](Training& training, const Batch& batch) {
    seen = batch;
    training.minimise(loss_on(training, batch));
  };
  const training::TrainingParts parts = wearing(recipe, gain, method);
  const training::TrainingResult result = run_training(recipe, quarters(16), parts, {}, false, {});
  EXPECT_EQ(gain->image, (std::vector<int64_t>{1, 8, 8}));
  EXPECT_EQ(gain->classes, 4);
  // By hand: the same network before the step, its input times a number.
  const auto network = build_network(recipe.network, uint64_t(recipe.seed));
  const Tensor factor = ones().requires_grad_(true);
  const Noise unused = conformance::noise_of(16);
  const Tensor loss = torch::cross_entropy_loss(
      network->forward(seen.x * factor, unused, {}, models::Mode::kTrain).logits, seen.y);
  loss.backward();
  const Tensor expected = factor.detach() - 0.05 * factor.grad();
  EXPECT_GT(factor.grad().abs().max().item<double>(), 1e-4);
  const Tensor now = gain->learned.at("gain");
  EXPECT_TRUE(torch::allclose(now, expected, 1e-5, 1e-6));
  EXPECT_FALSE(torch::allclose(now, ones(), 1e-5, 1e-6));
  EXPECT_FALSE(now.requires_grad());
  ASSERT_EQ(result.wrapper_tensors.size(), 1u);
  EXPECT_TRUE(torch::equal(result.wrapper_tensors.at("gain.gain"), now));
}

TEST(TrainingWrappers, ThatDeclareNothingLeaveTheTrainingAsItIs) {
  const data::Dataset data = quarters(72);
  training::Recipe recipe = small_recipe();
  recipe.method = Use{"adversarial_training", {{"attack", as_param(kPgd)}}};
  const training::TrainingParts parts =
      wearing(recipe, std::make_shared<GainWrapper>(/*has_gain=*/false));
  const training::TrainingResult result = run_training(recipe, data, parts, {}, false, {});
  EXPECT_TRUE(same_bits(trained(recipe, data), weights(*parts.network)));
  EXPECT_TRUE(result.wrapper_tensors.empty());
}

TEST(TrainingWrappers, NeedNoGradientWhileAnAttackRuns) {
  const training::Recipe recipe = one_step();
  const auto gain = std::make_shared<GainWrapper>();
  auto method = std::make_shared<WrappedMethod>();
  int64_t steps = 0;
  method->on_step = [&](Training& training, const Batch& batch) {
    const Tensor x_adv = training.attack(kPgd, batch);
    EXPECT_FALSE(gain->trained_here);
    EXPECT_FALSE(torch::equal(x_adv, batch.x));
    training.minimise(loss_on(training, {x_adv, batch.y, batch.sample}));
    EXPECT_TRUE(gain->trained_here);
    ++steps;
  };
  run_training(recipe, quarters(16), wearing(recipe, gain, method), {}, false, {});
  EXPECT_EQ(steps, 1);
}

// Whatever is shipped, the wrapper is of the same moment as the network.
TEST(TrainingWrappers, ResumeBitForBit) {
  const data::Dataset data = quarters(72);
  std::vector<training::Recipe> recipes(3, small_recipe());
  recipes[1].averaging = {.type = training::AveragingSpec::Type::kEma, .decay = 0.9};
  recipes[1].selection = training::Selection::kBestClean;
  recipes[2].optimizer = {.type = training::OptimizerSpec::Type::kAdam};
  for (const training::Recipe& recipe : recipes) {
    const auto whole_gain = std::make_shared<GainWrapper>();
    const training::TrainingParts whole = wearing(recipe, whole_gain);
    run_training(recipe, data, whole, {}, false, {});
    EXPECT_TRUE(moved(whole_gain->learned.at("gain")));
    const Folder folder;
    training::TrainCallbacks callbacks;
    int64_t batches = 0;
    callbacks.stop = [&] { return ++batches > 6; };  // in the second epoch
    EXPECT_FALSE(run_training(recipe, data, wearing(recipe, std::make_shared<GainWrapper>()),
                              folder.path / "c", false, callbacks)
                     .finished);
    const auto gain = std::make_shared<GainWrapper>();
    const training::TrainingParts second = wearing(recipe, gain);
    EXPECT_TRUE(run_training(recipe, data, second, folder.path / "c", true, {}).finished);
    EXPECT_TRUE(same_bits(weights(*whole.network), weights(*second.network)));
    EXPECT_TRUE(torch::equal(whole_gain->learned.at("gain"), gain->learned.at("gain")));
  }
}

TEST(TrainingWrappers, AreStoodStillByAnOptimizerThatNobodySteps) {
  training::Recipe recipe = one_step();
  recipe.optimizers["purifier"] = {};
  const auto gain = std::make_shared<GainWrapper>(true, "purifier");
  run_training(recipe, quarters(16), wearing(recipe, gain), {}, false, {});
  EXPECT_FALSE(moved(gain->learned.at("gain")));
  auto method = std::make_shared<WrappedMethod>();
  method->on_step = [&](Training& training, const Batch& batch) {
    training.minimise(loss_on(training, batch), {}, "purifier");
  };
  const training::TrainingParts parts = wearing(recipe, gain, method);
  const training::NamedTensors before = weights(*parts.network);
  run_training(recipe, quarters(16), parts, {}, false, {});
  EXPECT_TRUE(moved(gain->learned.at("gain")));
  EXPECT_TRUE(torch::equal(before.at("0.weight"), weights(*parts.network).at("0.weight")));
}

// A method that is a wrapper, too: a purifier that has its own way to be trained.
struct LearningMethod final : Defense, Trains, TransformsInput, Learns {
  void declare(const Wrapped&, Parameters& parameters) override {
    parameters.add("gain", ones(), false);
  }
  Tensor forward(const Tensor& x, Noise&) override { return x * learned.at("gain"); }
  void prepare(Training& training) override {
    training.parameters().add("critic", torch::zeros({2}), false);
  }
  Tensor loss(Training& training, const Batch& batch) override {
    Noise noise = training.noise();
    return torch::cross_entropy_loss(training.forward(forward(batch.x, noise)).logits, batch.y);
  }
};

TEST(TrainingWrappers, MayBeTheMethodItself) {
  const training::Recipe recipe = one_step();
  training::TrainingParts parts = parts_of(recipe, std::make_shared<LearningMethod>());
  parts.method_name = "purifier";
  const training::TrainingResult result = run_training(recipe, quarters(16), parts, {}, false, {});
  EXPECT_TRUE(moved(result.wrapper_tensors.at("purifier.gain")));
  EXPECT_TRUE(torch::equal(result.method_tensors.at("critic"), torch::zeros({2})));
}

TEST(TrainingWrappers, BeginWithWhatABaseLearned) {
  training::Recipe recipe = one_step();
  recipe.schedule.learning_rate = 0;
  const auto method = std::make_shared<LearningMethod>();
  training::TrainingParts parts = parts_of(recipe, method);
  parts.method_name = "purifier";
  parts.learned = {{"purifier.gain", 0.5 * ones()}, {"method:critic", torch::full({2}, 3.0)}};
  const training::TrainingResult result = run_training(recipe, quarters(16), parts, {}, false, {});
  EXPECT_TRUE(torch::equal(result.wrapper_tensors.at("purifier.gain"), 0.5 * ones()));
  EXPECT_TRUE(torch::equal(result.method_tensors.at("critic"), torch::full({2}, 3.0)));
  parts.learned["method:critic"] = torch::zeros({3});
  try {
    run_training(recipe, quarters(16), parts, {}, false, {});
    ADD_FAILURE() << "another shape was accepted";
  } catch (const BadInput& error) {
    EXPECT_THAT(error.what(), HasSubstr("'purifier': its tensor 'critic' is [2], what training "
                                        "goes on from has [3]"));
  }
}

std::string misfit_of(const training::NamedTensors& saved) {
  GainWrapper gain;
  const std::vector<models::NamedTensor> declared =
      models::declare_learned(gain, "gain", conformance::small_network());
  try {
    models::load_learned(declared, saved, "a file");
  } catch (const BadInput& error) {
    return error.what();
  }
  return torch::equal(gain.learned.at("gain"), 2 * ones()) ? "" : "not filled";
}

TEST(TrainingWrappers, AreFilledWithTheirVeryTensors) {
  const Tensor two = 2 * ones();
  EXPECT_EQ(misfit_of({{"gain.gain", two}}), "");
  EXPECT_EQ(misfit_of({}), "a file lacks the tensor 'gain.gain', which the wrapper declares");
  EXPECT_EQ(misfit_of({{"gain.gain", torch::ones({1})}}),
            "a file: the tensor 'gain.gain' is [1], the wrapper declares [1, 1, 8, 8]");
  EXPECT_EQ(misfit_of({{"gain.gain", two.to(torch::kLong)}}),
            "a file: the tensor 'gain.gain' holds no floating-point numbers");
  EXPECT_EQ(misfit_of({{"gain.gain", two}, {"gain.gian", two}}),
            "a file has the tensor 'gain.gian', which the wrapper does not declare, did you mean "
            "'gain.gain'?");
}

struct DeclaresWrong final : Defense, TransformsInput, Learns {
  std::function<void(Parameters&)> declares;
  void declare(const Wrapped&, Parameters& parameters) override { declares(parameters); }
  Tensor forward(const Tensor& x, Noise&) override { return x; }
};

TEST(TrainingWrappers, DeclareWhatCanBeTrained) {
  const auto said = [](std::function<void(Parameters&)> declares) -> std::string {
    DeclaresWrong wrapper;
    wrapper.declares = std::move(declares);
    try {
      models::declare_learned(wrapper, "wrong", conformance::small_network());
    } catch (const InvalidResult& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(said([](Parameters& p) { p.add("a", {}); }), HasSubstr("no dense float32 tensor"));
  EXPECT_THAT(said([](Parameters& p) { p.add("a", torch::ones({1}, torch::kDouble)); }),
              HasSubstr("'wrong': declare() adds 'a' that is no dense float32 tensor"));
  EXPECT_THAT(
      said([](Parameters& p) { p.add("a", torch::ones({1})), p.add("a", torch::ones({1})); }),
      HasSubstr("adds 'a' twice"));
  EXPECT_THAT(said([](Parameters& p) { p.add("", torch::ones({1})); }), HasSubstr("without name"));
}

}  // namespace
}  // namespace gauntlet
