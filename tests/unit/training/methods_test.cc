// Training methods in the loop: what they are without their terms, and what their attacks are run
// with.
#include <gtest/gtest.h>

#include "training_fixture.h"

namespace gauntlet {
namespace {
using namespace training_tests;

TEST(Training, MartWithoutItsTermsIsAdversarialTraining) {
  const data::Dataset data = quarters(72);
  training::Recipe recipe = small_recipe();
  recipe.method = Use{"adversarial_training", {{"attack", as_param(kPgd)}}};
  const training::NamedTensors plain = trained(recipe, data);
  recipe.method = Use{"mart", {{"beta", 0.0}, {"margin", 0.0}, {"attack", as_param(kPgd)}}};
  EXPECT_TRUE(same_bits(plain, trained(recipe, data)));
  for (const char* term : {"beta", "margin"}) {
    training::Recipe other = recipe;
    other.method->with[term] = 1.0;
    EXPECT_FALSE(same_bits(plain, trained(other, data))) << term;
  }
}

TEST(Training, FreeAdversarialTrainingWithoutStepsIsStandardTraining) {
  const data::Dataset data = quarters(72);
  training::Recipe recipe = small_recipe();
  const training::NamedTensors standard = trained(recipe, data);
  recipe.method = Use{"free_adversarial_training", {{"replays", 1}, {"step", 0.0}}};
  EXPECT_TRUE(same_bits(standard, trained(recipe, data)));
  recipe.method->with["step"] = 1.0;
  EXPECT_FALSE(same_bits(standard, trained(recipe, data)));
}

TEST(Training, CleanEpochsThatAreAllEpochsAreStandardTraining) {
  const data::Dataset data = quarters(72);
  training::Recipe recipe = small_recipe();
  const training::NamedTensors standard = trained(recipe, data);
  recipe.method = Use{"adversarial_training", {{"clean_epochs", 3}, {"attack", as_param(kPgd)}}};
  EXPECT_TRUE(same_bits(standard, trained(recipe, data)));
  recipe.method->with["clean_epochs"] = 2;
  EXPECT_FALSE(same_bits(standard, trained(recipe, data)));
}

TEST(Training, TradesDrawsTheCleanAnswerAnewWhereThereIsNoise) {
  const data::Dataset data = quarters(72);
  training::Recipe recipe = small_recipe();
  recipe.method = Use{"trades", {{"attack", as_param(kPgd)}}};
  training::Recipe once = recipe;
  once.method->with["redraw"] = false;
  EXPECT_TRUE(same_bits(trained(recipe, data), trained(once, data)));
  recipe.layer_plugins = once.layer_plugins = {{"pni", {}}};
  EXPECT_FALSE(same_bits(trained(recipe, data), trained(once, data)));
}

// Noise in layers that counts the passes it takes part in.
struct CountingNoise final : Defense, PerturbsLayers {
  int64_t passes = 0;
  Tensor weight(const Layer& layer, const Tensor& w, Noise& noise) override {
    passes += layer.index == 0;
    return w + 0.01 * noise.shared_normal(w.sizes());
  }
};

TEST(Training, InnerAttacksTakeTheHostsKeys) {
  const training::Recipe recipe = small_recipe();
  training::TrainingParts parts = parts_of(recipe);
  const auto noise = std::make_shared<CountingNoise>();
  parts.layer_plugins = {noise};
  training::TrainingSession session(recipe, parts);
  EXPECT_TRUE(session.stochastic());
  EXPECT_FALSE(training::TrainingSession(recipe, parts_of(recipe)).stochastic());
  const data::Dataset data = quarters(16);
  const Tensor samples = torch::arange(16);
  const Batch batch{data.x(samples), data.y(samples), samples};
  const auto passes = [&](const ParamMap& keys) {
    Use use = kPgd;  // two steps
    use.with.insert(keys.begin(), keys.end());
    noise->passes = 0;
    session.craft_with(use, batch, {}, 1, models::Mode::kFolded);
    return noise->passes;
  };
  EXPECT_EQ(passes({}), 2);
  EXPECT_EQ(passes({{"draws", 1}, {"restarts", 1}}), 2);
  EXPECT_EQ(passes({{"draws", 5}}), 10);
  EXPECT_EQ(passes({{"draws", 5}, {"average", "loss"}}), 10);
  EXPECT_EQ(passes({{"draws", 5}, {"average", "probability"}}), 20);  // the mean comes first
  EXPECT_EQ(passes({{"restarts", 2}}), 4 + 2 * 8);  // each scored on 8 draws of its own
  EXPECT_THROW(passes({{"draws", 0}}), ParamError);
  EXPECT_THROW(passes({{"average", "losses"}}), ParamError);
}

// Where nothing is random one draw is as good as many, and costs less.
TEST(Training, DrawsOfANetworkWithoutNoiseChangeNothing) {
  const data::Dataset data = quarters(72);
  training::Recipe recipe = small_recipe();
  recipe.method = Use{"adversarial_training", {{"attack", as_param(kPgd)}}};
  const training::NamedTensors once = trained(recipe, data);
  Use often = kPgd;
  often.with["draws"] = 8;
  recipe.method->with["attack"] = as_param(often);
  EXPECT_TRUE(same_bits(once, trained(recipe, data)));
  recipe.layer_plugins = {{"pni", {}}};
  const training::NamedTensors noisy = trained(recipe, data);
  recipe.method->with["attack"] = as_param(kPgd);
  EXPECT_FALSE(same_bits(noisy, trained(recipe, data)));
}

TEST(Training, RestartsNeverMakeTheInnerAttackWeaker) {
  const training::Recipe recipe = small_recipe();
  training::TrainingSession session(recipe, parts_of(recipe));
  const data::Dataset data = quarters(64);
  const Tensor samples = torch::arange(64);
  const Batch batch{data.x(samples), data.y(samples), samples};
  const auto margins = [&](int64_t restarts) {
    Use use = kPgd;
    use.with["restarts"] = restarts;
    const Tensor x = session.craft_with(use, batch, {}, 1, models::Mode::kFolded);
    const Outputs out =
        session.predict_with(x, noise_for(1, evaluation::Stream::kTraining, samples));
    return margin(Goal::kUntargeted)(out, {samples, batch.y, {}});
  };
  const Tensor once = margins(1), best = margins(4);
  // A sample that fell in the first run is left as it fell.
  EXPECT_TRUE((best >= once - 1e-5).all().item<bool>());
  EXPECT_TRUE((best > once + 1e-5).any().item<bool>());
}

}  // namespace
}  // namespace gauntlet
