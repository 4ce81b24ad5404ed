// Penalties of layer plugins, and methods that look at the network's layers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/bad_input.h"
#include "base/invalid_result.h"
#include "training_fixture.h"

namespace gauntlet {
namespace {
using namespace training_tests;
using ::testing::HasSubstr;

// Tensors that nothing but a penalty pulls at.
struct PulledLayers final : Defense, PerturbsLayers {
  std::function<Tensor(const Layer&)> pull = {};

  void declare(const Layer& layer, Parameters& parameters) override {
    parameters.add("mean", torch::full({2}, 0.5 + double(layer.index)), false);
    parameters.add("log_deviation", torch::full({2}, -1.0), false);
  }
  Tensor penalty(const Layer& layer) override { return pull ? pull(layer) : Tensor(); }
};

training::TrainingParts pulled(const training::Recipe& recipe,
                               std::function<Tensor(const Layer&)> pull,
                               std::shared_ptr<Defense> method = nullptr) {
  training::TrainingParts parts = parts_of(recipe, std::move(method));
  auto plugin = std::make_shared<PulledLayers>();
  plugin->pull = std::move(pull);
  parts.network->declare(*plugin, "pulled");
  parts.layer_plugins.push_back(plugin);
  return parts;
}

// One step of plain SGD over 16 images.
training::Recipe single_step() {
  training::Recipe recipe = conformance::small_recipe();
  recipe.epochs = 1;
  return recipe;
}
constexpr double kRate = 0.05;  // of small_recipe()

training::NamedTensors without_pulled(training::NamedTensors all) {
  std::erase_if(
      all, [](const auto& named) { return named.first.find(".pulled.") != std::string::npos; });
  return all;
}

TEST(TrainingPenalty, PullsAsItsGradientSays) {
  const training::Recipe recipe = single_step();
  ASSERT_EQ(recipe.schedule.learning_rate, kRate);
  const double strength = 3;
  const training::TrainingParts parts = pulled(recipe, [&](const Layer& layer) {
    return 0.5 * strength * layer.learned.at("mean").square().sum();
  });
  const training::TrainingParts plain = pulled(recipe, {});
  const auto result = run_training(recipe, quarters(16), parts, {}, false, {}),
             plain_result = run_training(recipe, quarters(16), plain, {}, false, {});
  const training::NamedTensors after = weights(*parts.network);
  // The gradient of strength / 2 * mean^2 is strength * mean.
  EXPECT_TRUE(torch::allclose(after.at("0.pulled.mean"),
                              torch::full({2}, 0.5 * (1 - kRate * strength)), 1e-6, 1e-7));
  EXPECT_TRUE(torch::allclose(after.at("4.pulled.mean"),
                              torch::full({2}, 1.5 * (1 - kRate * strength)), 1e-6, 1e-7));
  EXPECT_TRUE(torch::equal(after.at("0.pulled.log_deviation"), torch::full({2}, -1.0)));
  // What is penalised is no part of the network's own loss.
  EXPECT_TRUE(same_bits(without_pulled(after), without_pulled(weights(*plain.network))));
  const double penalty = 0.5 * strength * 2 * (0.25 + 2.25);
  EXPECT_NEAR(result.log.at(0).loss - plain_result.log.at(0).loss, penalty, 1e-4);
}

// KL(N(mean, deviation^2) || N(0, 1)), of which the gradients are mean and deviation^2 - 1.
TEST(TrainingPenalty, OfADivergencePullsToThePrior) {
  const training::Recipe recipe = single_step();
  const training::TrainingParts parts = pulled(recipe, [](const Layer& layer) {
    const Tensor mean = layer.learned.at("mean"), log = layer.learned.at("log_deviation");
    return 0.5 * ((2 * log).exp() + mean.square() - 1 - 2 * log).sum();
  });
  run_training(recipe, quarters(16), parts, {}, false, {});
  const training::NamedTensors after = weights(*parts.network);
  EXPECT_TRUE(
      torch::allclose(after.at("0.pulled.mean"), torch::full({2}, 0.5 * (1 - kRate)), 1e-6, 1e-7));
  EXPECT_TRUE(torch::allclose(after.at("0.pulled.log_deviation"),
                              torch::full({2}, -1 - kRate * (std::exp(-2.0) - 1)), 1e-6, 1e-7));
}

TEST(TrainingPenalty, ThatIsUndefinedLeavesTheTrainingAsItIs) {
  const data::Dataset data = quarters(72);
  training::Recipe recipe = small_recipe();
  const training::TrainingParts parts = pulled(recipe, {});
  run_training(recipe, data, parts, {}, false, {});
  EXPECT_TRUE(same_bits(without_pulled(weights(*parts.network)), trained(recipe, data)));
}

TEST(TrainingPenalty, OfWeightsIsWeightDecay) {
  const data::Dataset data = quarters(72);
  training::Recipe recipe = single_step();
  const training::TrainingParts parts =
      pulled(recipe, [](const Layer& layer) { return 0.5 * 0.1 * layer.weight.square().sum(); });
  run_training(recipe, data, parts, {}, false, {});
  recipe.optimizer.weight_decay = 0.1;
  const training::NamedTensors decayed = trained(recipe, data),
                               penalised = without_pulled(weights(*parts.network));
  for (const auto& [name, tensor] : decayed)
    EXPECT_TRUE(torch::allclose(tensor, penalised.at(name), 1e-4, 1e-5)) << name;
}

TEST(TrainingPenalty, ResumesBitForBit) {
  const data::Dataset data = quarters(72);
  const training::Recipe recipe = small_recipe();
  const auto pull = [](const Layer& layer) {
    return 0.01 * (layer.learned.at("mean").square().sum() + layer.weight.square().sum());
  };
  const training::TrainingParts whole = pulled(recipe, pull);
  run_training(recipe, data, whole, {}, false, {});
  const Folder folder;
  training::TrainCallbacks callbacks;
  int64_t batches = 0;
  callbacks.stop = [&] { return ++batches > 6; };
  run_training(recipe, data, pulled(recipe, pull), folder.path / "c", false, callbacks);
  const training::TrainingParts second = pulled(recipe, pull);
  EXPECT_TRUE(run_training(recipe, data, second, folder.path / "c", true, {}).finished);
  EXPECT_TRUE(same_bits(weights(*whole.network), weights(*second.network)));
}

TEST(TrainingPenalty, IsOneFiniteNumber) {
  const training::Recipe recipe = single_step();
  const auto run = [&](std::function<Tensor(const Layer&)> pull) {
    run_training(recipe, quarters(16), pulled(recipe, std::move(pull)), {}, false, {});
  };
  try {
    run([](const Layer& layer) { return layer.learned.at("mean").square(); });
    ADD_FAILURE() << "two numbers were accepted";
  } catch (const InvalidResult& error) {
    EXPECT_THAT(error.what(), HasSubstr("penalty() gave shape [2], expected []"));
  }
  try {
    run([](const Layer& layer) {
      return layer.learned.at("mean").sum() * std::numeric_limits<float>::infinity();
    });
    ADD_FAILURE() << "an infinite penalty was accepted";
  } catch (const BadInput& error) {
    EXPECT_THAT(error.what(), HasSubstr("training diverged: the loss is inf"));
  }
  EXPECT_THROW(run([](const Layer& layer) {
                 const at::NoGradGuard no_graph;
                 return Tensor(layer.weight).mul_(0.5).sum();
               }),
               InvalidResult);
}

// A method that penalises what it reads.
struct PenalisesLayers final : Defense, Trains {
  std::function<Tensor(const Layer&)> on_layer;
  std::vector<Layer> seen;
  Tensor loss(Training& training, const Batch& batch) override {
    seen = training.layers();
    Tensor loss = torch::cross_entropy_loss(training.forward(batch.x).logits, batch.y);
    for (const Layer& layer : training.layers()) loss = loss + on_layer(layer);
    return loss;
  }
};

TEST(TrainingLayers, AreShownToMethodsWithTheirWeights) {
  const data::Dataset data = quarters(72);
  training::Recipe recipe = single_step();
  auto method = std::make_shared<PenalisesLayers>();
  method->on_layer = [](const Layer& layer) { return 0.05 * layer.weight.square().sum(); };
  const training::NamedTensors penalised = trained(recipe, data, method);
  recipe.optimizer.weight_decay = 0.1;  // its gradient is that of 0.1 / 2 * w^2
  for (const auto& [name, tensor] : trained(recipe, data))
    EXPECT_TRUE(torch::allclose(tensor, penalised.at(name), 1e-4, 1e-5)) << name;
  ASSERT_EQ(method->seen.size(), 2u);
  EXPECT_EQ(method->seen[0].name, "0");
  EXPECT_EQ(method->seen[1].name, "4");
  for (const Layer& layer : method->seen)
    EXPECT_EQ(layer.weight.sizes(), layer.weight_shape) << layer.name;
}

TEST(TrainingLayers, HaveWhatPluginsDeclaredThere) {
  const training::Recipe recipe = single_step();
  auto method = std::make_shared<PenalisesLayers>();
  method->on_layer = [](const Layer& layer) {
    return 0.5 * layer.learned.at("mean").square().sum();
  };
  const training::TrainingParts parts = pulled(recipe, {}, method);
  run_training(recipe, quarters(16), parts, {}, false, {});
  EXPECT_TRUE(torch::allclose(weights(*parts.network).at("4.pulled.mean"),
                              torch::full({2}, 1.5 * (1 - kRate)), 1e-6, 1e-7));
}

}  // namespace
}  // namespace gauntlet
