// What an attack leaves behind in a network with batch norm: nothing.
#include <gtest/gtest.h>

#include "evaluation/craft.h"
#include "models/architectures/build_network.h"
#include "shipped_attacks.h"

namespace gauntlet {
namespace {
using namespace toys;

std::shared_ptr<models::Network> with_batch_norm() {
  const auto layer = [](ParamMap options) { return ParamValue(std::move(options)); };
  models::NetworkSpec spec;
  spec.architecture = "sequential", spec.input = {1, 6, 6}, spec.classes = 4;
  spec.options["layers"] =
      ParamList{layer({{"type", "conv"}, {"out", 4}, {"kernel", 3}, {"padding", 1}}),
                layer({{"type", "batchnorm"}}), layer({{"type", "relu"}}),
                layer({{"type", "flatten"}}), layer({{"type", "linear"}, {"out", 4}})};
  std::shared_ptr<models::Network> network = build_network(spec, 3);
  Noise noise = noise_of(1, 9);
  for (const models::NamedTensor& t : network->tensors())  // statistics as of a trained network
    if (!t.trained) t.tensor.copy_(noise.shared_normal(t.tensor.sizes()).abs() + 0.5);
  network->weights_changed();
  return network;
}
std::vector<Tensor> state(const models::Network& network) {
  std::vector<Tensor> out;
  for (const models::NamedTensor& t : network.tensors()) out.push_back(t.tensor.detach().clone());
  return out;
}
void expect_equal(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::equal(a[i], b[i])) << i;
}

class NetworkState : public ::testing::Test {
 protected:
  void attack_with(const Candidate& c, evaluation::DefendedModel& model) {
    Noise noise = noise_of(4, 99);
    model.probe(noise.uniform({1, 6, 6}));
    const evaluation::CraftBatch batch = batch_of(model, 6);
    const TargetFacts facts{.classes = 4};
    for (const Norm norm : {Norm::kLinf, Norm::kL2, Norm::kL1}) {
      const ThreatModel threat = threat_of(norm, 0.3);
      if (!c.attack->no_form_for(threat, facts, Goal::kUntargeted).empty()) continue;
      craft(*c.attack, model, batch, threat, {}, environment_);
    }
  }
  ToyEnvironment environment_;
  Toy other_ = toy(curved({1, 6, 6}, 4, /*seed=*/2));
  void SetUp() override { environment_.models["other"] = other_.model.get(); }
};

TEST_F(NetworkState, StatisticsAndWeightsAreBitForBitAsBefore) {
  const std::shared_ptr<models::Network> network = with_batch_norm();
  evaluation::DefendedModel model(network, {}, {});
  const std::vector<Tensor> before = state(*network);
  ASSERT_GE(before.size(), 6u);
  for (const Candidate& c : attacks()) {
    SCOPED_TRACE(c.name);
    attack_with(c, model);
    expect_equal(state(*network), before);
    for (const models::NamedTensor& t : network->tensors()) {
      EXPECT_FALSE(t.tensor.requires_grad());
      EXPECT_FALSE(t.tensor.grad().defined());
    }
  }
}

// Training goes on after an attack as if there had been none.
TEST_F(NetworkState, ATrainingStepAfterwardsIsTheSame) {
  const std::shared_ptr<models::Network> attacked = with_batch_norm(),
                                         untouched = with_batch_norm();
  evaluation::DefendedModel model(attacked, {}, {});
  Noise noise = noise_of(8, 5);
  const Tensor x = noise.uniform({1, 6, 6});
  for (const Candidate& c : attacks()) {
    SCOPED_TRACE(c.name);
    for (const auto& network : {attacked, untouched}) network->set_trainable(true);
    attack_with(c, model);
    std::vector<Tensor> logits;
    for (const auto& network : {attacked, untouched}) {
      for (const models::NamedTensor& t : network->tensors())
        EXPECT_EQ(t.tensor.requires_grad(), t.trained);
      logits.push_back(network->forward(x, noise_of(8), {}, models::Mode::kTrain).logits);
    }
    EXPECT_TRUE(torch::equal(logits[0], logits[1]));
    EXPECT_TRUE(logits[0].requires_grad());
    expect_equal(state(*attacked), state(*untouched));
  }
}

}  // namespace
}  // namespace gauntlet
