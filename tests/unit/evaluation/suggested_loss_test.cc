// Losses that a defense suggests and that ask the defended model.
#include <gtest/gtest.h>

#include "base/failure.h"
#include "evaluation/craft.h"
#include "evaluation/loss_view.h"
#include "toys.h"

namespace gauntlet {
namespace {
using namespace toys;

const std::vector<int64_t> kMatchedImage = {1, 4, 4};

// The squared distance to the logits of the second of two images, negative.
struct MatchesLogits final : Defense, TransformsInput, SuggestsLoss {
  Tensor images = torch::linspace(0, 1, 32).view({2, 1, 4, 4});
  Tensor forward(const Tensor& x, Noise&) override { return x; }
  Loss adaptive_loss(Goal, View& view) override {
    return [this, &view](const Outputs& out, const Rows&) {
      return -(out.logits - view.pass(images).logits.narrow(0, 1, 1)).square().sum(1);
    };
  }
};

struct Matched {
  Tensor w = torch::linspace(-1, 1, 48).view({3, 16}), b = torch::tensor({0.5f, 0.f, -0.5f});
  std::shared_ptr<MatchesLogits> defense = std::make_shared<MatchesLogits>();
  evaluation::DefendedModel model = defended(linear(w, b, kMatchedImage), {defense});
  Tensor logits(const Tensor& x) const { return torch::linear(x.flatten(1), w, b); }
  Tensor closed_form(const Tensor& x) const {
    return -(logits(x) - logits(defense->images).narrow(0, 1, 1)).square().sum(1);
  }
  // One query for a gradient in each round, of the loss that is given where one is.
  evaluation::Crafted attacked(const evaluation::CraftBatch& batch,
                               const std::function<void(const Task&, const Gradient&)>& told) {
    Scripted attack;
    attack.script = [&](Target& target, const Task& task) {
      told(task, target.gradient(task.x, task.loss_or(margin)));
      return task.x;
    };
    NoEnvironment nowhere;
    return craft(attack, model, batch, ball(Norm::kLinf, 0.1), {}, nowhere);
  }
};

TEST(SuggestedLoss, AsksTheDefendedModel) {
  Matched matched;
  const evaluation::CraftBatch batch = images(matched.model, 6);
  int64_t rounds = 0;
  matched.attacked(batch, [&](const Task& task, const Gradient& gradient) {
    ++rounds;
    if (!task.loss) return;
    EXPECT_TRUE(gradient.loss.allclose(matched.closed_form(task.x), 1e-4, 1e-5));
    const at::AutoGradMode graph(true);
    const Tensor x = task.x.clone().requires_grad_(true);
    matched.closed_form(x).sum().backward();
    EXPECT_TRUE(gradient.x.allclose(x.grad(), 1e-4, 1e-5));
  });
  EXPECT_EQ(rounds, 2) << "the plain loss, and the suggested one";
}

TEST(SuggestedLoss, IsChargedForWhatIsComputedAndNotAsQueries) {
  Matched matched;
  const evaluation::CraftBatch batch = images(matched.model, 6);
  const evaluation::Crafted out = matched.attacked(batch, [](const Task&, const Gradient&) {});
  EXPECT_TRUE(out.queries.eq(2).all().item<bool>());
  EXPECT_EQ(out.ledger.forwards, 12);
  EXPECT_EQ(out.ledger.executed_forwards, 12 + 2) << "one call of the loss, on two images";
}

TEST(SuggestedLoss, MayOutliveTheAttack) {
  Matched matched;
  const evaluation::CraftBatch batch = images(matched.model, 6);
  std::optional<Loss> kept;
  matched.attacked(batch, [&](const Task& task, const Gradient&) { kept = task.loss; });
  ASSERT_TRUE(kept.has_value());
  const Tensor logits = matched.logits(batch.x);
  const Tensor value =
      (*kept)({logits, {}, {}}, {torch::arange(batch.x.size(0)), batch.y, Tensor()});
  EXPECT_TRUE(value.allclose(matched.closed_form(batch.x), 1e-4, 1e-5));
}

TEST(SuggestedLoss, OfNeitherFormIsSaid) {
  struct Silent final : Defense, TransformsInput, SuggestsLoss {
    Tensor forward(const Tensor& x, Noise&) override { return x; }
  };
  evaluation::DefendedModel model = defended(
      linear(torch::ones({3, 16}), torch::zeros({3}), kMatchedImage), {std::make_shared<Silent>()});
  const auto view = std::make_shared<evaluation::LossView>(model, 0, models::Mode::kFolded);
  EXPECT_THROW(model.adaptive_loss(Goal::kUntargeted, view), PluginFailure);
}

TEST(LossView, GivesEqualAnswersToEqualQuestions) {
  evaluation::DefendedModel model =
      defended(perceptron(4, kMatchedImage, 4), {std::make_shared<Voter>()});
  const Tensor x = images(model, 6).x;
  evaluation::LossView view(model, 7, models::Mode::kFolded),
      other(model, 8, models::Mode::kFolded);
  const Tensor logits = view.pass(x).logits, votes = view.ballots(x, 5);
  EXPECT_TRUE(view.pass(x).logits.equal(logits));
  EXPECT_TRUE(view.pass(x.narrow(0, 0, 2)).logits.allclose(logits.narrow(0, 0, 2), 1e-4, 1e-5));
  EXPECT_FALSE(other.pass(x).logits.allclose(logits, 1e-4, 1e-5));
  EXPECT_TRUE(view.ballots(x, 5).equal(votes));
  EXPECT_TRUE(votes.sum(1).eq(5).all().item<bool>());
  EXPECT_EQ(view.forwards(), 6 + 6 + 2 + 2 * 5 * 6);
}

TEST(LossView, ShowsTheDetectorToo) {
  struct Sums final : Defense, Refuses {
    Tensor score(const Tensor&, const Outputs& out, View&) override { return out.logits.sum(1); }
  };
  evaluation::DefendedModel model =
      defended(perceptron(4, kMatchedImage, 4), {std::make_shared<Sums>()});
  const Tensor x = images(model, 6).x;
  evaluation::LossView view(model, 0, models::Mode::kFolded);
  const Outputs out = view.pass(x);
  ASSERT_TRUE(out.reject.defined());
  EXPECT_TRUE(out.reject.allclose(out.logits.sum(1)));
}

TEST(LossView, RefusesWhatAreNoImages) {
  evaluation::DefendedModel model = defended(perceptron(4, kMatchedImage, 4));
  evaluation::LossView view(model, 0, models::Mode::kFolded);
  EXPECT_THROW(view.pass(torch::zeros({3})), std::invalid_argument);
  EXPECT_THROW(view.ballots(Tensor(), 3), std::invalid_argument);
}

}  // namespace
}  // namespace gauntlet
