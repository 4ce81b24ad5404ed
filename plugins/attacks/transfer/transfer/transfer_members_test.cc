// Sources of an ensemble that draw noise in their weights, refuse, or vote.
#include <gtest/gtest.h>

#include "evaluation/craft.h"
#include "plugins/attacks/transfer/transfer/ensemble.h"
#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace toys;

const std::vector<int64_t> kMemberImage = {1, 6, 8};

class Members : public ::testing::Test {
 protected:
  evaluation::Crafted ensemble(const ParamList& sources, const ParamMap& inner,
                               const ThreatModel& threat, evaluation::CraftRules rules = {}) {
    rules.track = false;
    const ParamMap params = {{"sources", sources}, {"attack", inner}};
    return craft(*attack("transfer", params), *target_.model, batch_, threat, rules, environment_);
  }
  Toy target_ = toy(curved(kMemberImage, 4));
  ToyEnvironment environment_;
  evaluation::CraftBatch batch_ = batch_of(*target_.model, 20);
};

// One draw of weights serves a whole forward: the second pass must see the first one's.
TEST_F(Members, WithNoiseInTheirWeightsAreDifferentiatedExactly) {
  const Toy pair[2] = {toy(curved(kMemberImage, 4, 2), {defense("pni")}),
                       toy(curved(kMemberImage, 4, 3), {defense("pni")})};
  environment_.models = {{"a", pair[0].model.get()}, {"b", pair[1].model.get()}};
  batch_.x = 0.4 + 0.2 * batch_.x;
  evaluation::CraftRules rules;
  rules.draws = 3;
  rules.average = Average::kProbability;
  const ParamMap one = {{"use", "pgd"}, {"steps", 1}, {"step_size", 0.05}, {"start", "input"}};
  const Tensor x = ensemble({"a", "b"}, one, threat_of(Norm::kL2, 1), rules).x;

  const at::AutoGradMode graph(true);
  const Tensor leaf = batch_.x.clone().requires_grad_(true);
  Tensor mean;
  for (uint64_t run = 0; run < 2; ++run) {
    ASSERT_TRUE(pair[run].model->shared_noise());
    const Noise noise = noise_for(0, evaluation::Stream::kSource, batch_.index, run);
    // The first key of an ensemble: beyond the steps of fresh draws and the attack's own keys.
    const int64_t key = ((int64_t{1} << 22) + (int64_t{1} << 21)) * evaluation::kStepUnit;
    for (int64_t draw = 0; draw < 3; ++draw) {
      Noise mine = noise;
      mine.key.place = noise.key.place + key + draw * evaluation::kDrawUnit;
      mine.key.shared = key + draw * evaluation::kDrawUnit;
      const Tensor p =
          pair[run].model->pass(leaf, mine, models::Mode::kFolded).logits.softmax(1) / 6;
      mean = mean.defined() ? mean + p : p;
    }
  }
  (-mean.gather(1, batch_.y.unsqueeze(1)).log().sum()).backward();
  const Tensor g = leaf.grad();
  EXPECT_TRUE(
      torch::allclose(x, batch_.x + 0.05 * g / per_image(g.flatten(1).norm(2, {1})), 0, 1e-5));
}

// Refuses bright images.
struct Dark final : Defense, Refuses {
  Tensor score(const Tensor& x, const Outputs&, View&) override {
    return x.flatten(1).mean(1) - 0.45;
  }
};

TEST_F(Members, ADetectorAmongThemIsEvadedToo) {
  const Toy plain = toy(curved(kMemberImage, 4, 2)),
            guarded = toy(curved(kMemberImage, 4, 2), {}, {{"dark", std::make_shared<Dark>()}});
  environment_.models = {
      {"a", target_.model.get()}, {"b", plain.model.get()}, {"guarded", guarded.model.get()}};
  batch_.x = 0.4 + 0.4 * batch_.x;  // refused: 0.6 on average
  const ParamMap inner = {{"use", "pgd"}, {"steps", 60}, {"step_size", 0.02}, {"loss", "margin"}};
  const auto accepted = [&](const char* second) {
    const Tensor x = ensemble({"a", second}, inner, threat_of(Norm::kLinf, 0.4)).x;
    return (x.flatten(1).mean(1) < 0.46).sum().item<int64_t>();
  };
  EXPECT_GE(accepted("guarded"), 19);
  EXPECT_LT(accepted("b"), 10);
}

// A source that answers by its votes otherwise than by single draws.
struct VotingSource final : Target {
  Tensor votes;  // [K], shares
  bool refused = false;
  std::vector<Query> asked = {};
  explicit VotingSource(std::vector<float> shares) : votes(torch::tensor(shares)) {}

  TargetFacts facts() const override { return {.classes = 3, .stochastic = true}; }
  int64_t mc_samples() const override { return 16; }
  Outputs scores(const Tensor& x, const Query& query) override {
    asked.push_back(query);
    return {votes.log().repeat({x.size(0), 1}),
            refused ? torch::ones({x.size(0)}) : torch::zeros({x.size(0)}),
            {}};
  }
  Tensor decisions(const Tensor&, const Query&) override { throw std::logic_error("not asked"); }
  Tensor losses(const Tensor&, const Loss&, const Query&) override {
    throw std::logic_error("not asked");
  }
  std::vector<Gradient> gradients(const Tensor&, const std::vector<Loss>&, const Query&) override {
    throw std::logic_error("not asked");
  }
  void propose(const Tensor&) override {}
  Tensor active() const override { return {}; }
  Tensor budget_left() const override { return {}; }
};
struct NoHost final : Host {
  Target& source(const ModelRef&) override { throw std::logic_error("not asked"); }
  std::unique_ptr<Attack> attack(const Use&) override { throw std::logic_error("not asked"); }
};

TEST(EnsembleOfVoters, DecidesWithAllTheirVotes) {
  VotingSource first({0.5f, 0.4f, 0.1f}), second({0.1f, 0.4f, 0.5f});
  NoHost host;
  const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
  const Tensor x = torch::zeros({2, 1, 2, 2});
  const Task task{x, torch::zeros({2}, torch::kLong), {}, Goal::kUntargeted, threat, {}, {}, host};
  transfer::Ensemble both({&first, &second}, task, Average::kProbability);
  const Tensor answer = both.decisions(x, {});
  EXPECT_TRUE(torch::equal(answer, torch::ones({2}, torch::kLong)));
  for (const VotingSource* voter : {&first, &second}) {
    ASSERT_EQ(voter->asked.size(), 1u);
    EXPECT_EQ(voter->asked[0].draws, 16);
    EXPECT_EQ(voter->asked[0].average, Average::kBallot);
  }
  second.refused = true;
  EXPECT_TRUE(torch::equal(both.decisions(x, {}), torch::full({2}, -1, torch::kLong)));
}

}  // namespace
}  // namespace gauntlet
