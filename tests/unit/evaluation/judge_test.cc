#include "evaluation/judge.h"

#include <gtest/gtest.h>

#include "base/bad_input.h"
#include "evaluation/craft.h"
#include "toys.h"

namespace gauntlet {
namespace {
using namespace toys;

const std::vector<int64_t> kImage = {1, 6, 6};

struct Returns {
  Returns() : model(defended(perceptron(1, kImage, 4))), batch(images(model, 10)) {}
  evaluation::Crafted what(const std::function<Tensor(const Task&)>& answer, double epsilon = 0.1,
                           Norm norm = Norm::kLinf) {
    Scripted attack;
    attack.script = [&](Target& target, const Task& task) {
      target.losses(task.x, margin(task.goal));
      return answer(task);
    };
    return craft(attack, model, batch, ball(norm, epsilon), {}, nowhere);
  }
  std::string refusal(const std::function<Tensor(const Task&)>& answer, double epsilon = 0.1,
                      Norm norm = Norm::kLinf) {
    try {
      what(answer, epsilon, norm);
    } catch (const InvalidResult& e) {
      return e.what();
    }
    return "";
  }
  evaluation::DefendedModel model;
  evaluation::CraftBatch batch;
  NoEnvironment nowhere;
};

TEST(Judge, AnyRowOutOfTheBallIsInvalid) {
  Returns r;
  const std::string why = r.refusal([](const Task& task) {
    Tensor x = task.x.clone();
    x[3].add_(0.1001);
    return x;
  });
  EXPECT_NE(why.find("1 of 10 adversarial inputs leave the ball"), std::string::npos) << why;
}

TEST(Judge, RoundingAtTheEdgeIsAllowed) {
  Returns r;
  EXPECT_EQ(r.refusal([](const Task& task) { return task.x + 0.1; }), "");
  EXPECT_EQ(r.refusal(
                [](const Task& task) {
                  const Tensor d = torch::ones_like(task.x);
                  return task.x + d / d.flatten(1).norm(2, 1).view({-1, 1, 1, 1}) * 0.3;
                },
                0.3, Norm::kL2),
            "");
}

TEST(Judge, LeavingTheBoxIsInvalid) {
  Returns r;
  const std::string why = r.refusal([](const Task& task) { return task.x - 0.9; }, 1.0);
  EXPECT_NE(why.find("10 of 10 adversarial inputs leave the box [0, 1]"), std::string::npos) << why;
}

TEST(Judge, NotANumberIsInvalid) {
  Returns r;
  const std::string why = r.refusal([](const Task& task) {
    Tensor x = task.x.clone();
    x[0][0][0][0] = NAN;
    return x;
  });
  EXPECT_EQ(why, "1 of 10 adversarial inputs are not finite");
}

TEST(Judge, WrongShapeOrTypeIsInvalid) {
  Returns r;
  EXPECT_EQ(r.refusal([](const Task& task) { return task.x.narrow(0, 0, 3); }),
            "the attack returned shape [3, 1, 6, 6], expected [10, 1, 6, 6]");
  EXPECT_EQ(r.refusal([](const Task& task) { return task.x.to(torch::kDouble); }),
            "the attack returned dtype Double, expected Float");
  EXPECT_EQ(r.refusal([](const Task&) { return Tensor(); }), "the attack returned no tensor");
}

TEST(Judge, AVoteThatStopsEarlyAnswersAsAllDraws) {
  const auto network = perceptron(6, kImage, 5);
  for (const bool soft : {false, true}) {
    auto voter = std::make_shared<Voter>();
    voter->sigma = 0.3, voter->m = 64, voter->soft = soft;
    evaluation::DefendedModel model = defended(network, {voter});
    const evaluation::CraftBatch batch = images(model, 40);
    const Noise noise = noise_for(7, evaluation::Stream::kScoring, batch.index);
    const evaluation::DefendedModel::Decision d = model.decide(batch.x, noise);
    Tensor sum = torch::zeros({40, 5});
    for (int64_t j = 0; j < 64; ++j)
      sum += voter->ballot(model.pass(batch.x, noise.at(0, j), models::Mode::kEvaluate));
    EXPECT_TRUE(d.answer.equal(sum.argmax(1)));
    EXPECT_LT(d.forwards, 40 * 64) << "some rows must have been decided early";
    EXPECT_TRUE(model.decide(batch.x, noise).answer.equal(d.answer));
  }
}

TEST(Judge, TrialsAreFreshClassifiers) {
  auto voter = std::make_shared<Voter>();
  voter->sigma = 1, voter->m = 1;
  evaluation::DefendedModel model = defended(perceptron(6, kImage, 5), {voter});
  const evaluation::CraftBatch batch = images(model, 50);
  const evaluation::Verdict v =
      judge(model, batch.x, batch.y, batch.index, 3, evaluation::Stream::kScoring, 40);
  EXPECT_EQ(v.right.size(0), 40);
  EXPECT_FALSE(v.right[0].equal(v.right[1]));
  const evaluation::Verdict same =
      judge(model, batch.x, batch.y, batch.index, 3, evaluation::Stream::kScoring, 40);
  EXPECT_TRUE(same.right.equal(v.right));
  EXPECT_FALSE(judge(model, batch.x, batch.y, batch.index, 3, evaluation::Stream::kClean, 40)
                   .right.equal(v.right));
}

TEST(DefendedModel, ProbesTheKindsOfNoise) {
  const Tensor x = torch::full({8, 1, 6, 6}, 0.5);
  const auto probed = [&](FunctionNetwork::Function f) {
    auto model = defended(std::make_shared<FunctionNetwork>(std::move(f), kImage, 3));
    model.probe(x);
    return std::array<bool, 3>{model.stochastic(), model.shared_noise(), model.couples_rows()};
  };
  const auto logits = [](const Tensor& t) { return t.flatten(1).narrow(1, 0, 3); };
  using A = std::array<bool, 3>;
  EXPECT_EQ(probed([&](const Tensor& t, Noise&, models::Mode) { return logits(t); }),
            (A{false, false, false}));
  EXPECT_EQ(probed([&](const Tensor& t, Noise& n, models::Mode) {
              return logits(t + n.normal({1, 6, 6}));
            }),
            (A{true, false, false}));
  EXPECT_EQ(probed([&](const Tensor& t, Noise& n, models::Mode) {
              return logits(t + n.shared_normal({1, 6, 6}));
            }),
            (A{true, true, false}));
  EXPECT_EQ(probed([&](const Tensor& t, Noise& n, models::Mode) {
              return logits(t + n.normal({1, 6, 6})) - logits(t + n.normal({1, 6, 6})).mean();
            }),
            (A{true, false, true}));
  // A generator of its own cannot be replayed: assume the worst.
  EXPECT_EQ(probed([&](const Tensor& t, Noise&, models::Mode) {
              return logits(t + torch::randn_like(t));
            }),
            (A{true, true, true}));
}

struct Rounding final : Defense, TransformsInput {
  Tensor forward(const Tensor& x, Noise&) override { return (x * 7).round() / 7; }
  Tensor surrogate(const Tensor& x, Noise&) override { return x; }
};

TEST(DefendedModel, GradientsPassThroughTheSurrogateValuesThroughTheDefense) {
  const Tensor w = torch::randn({3, 36});
  evaluation::DefendedModel model =
      defended(linear(w, torch::zeros({3}), kImage), {std::make_shared<Rounding>()});
  const evaluation::CraftBatch batch = images(model, 6);
  EXPECT_TRUE(model.surrogate());
  const at::AutoGradMode graph(true);
  const Tensor leaf = batch.x.clone().requires_grad_(true);
  const Tensor z = model
                       .pass(leaf, noise_for(0, evaluation::Stream::kDefense, batch.index),
                             models::Mode::kFolded)
                       .logits;
  EXPECT_TRUE(
      torch::allclose(z, torch::linear(((batch.x * 7).round() / 7).flatten(1), w), 1e-5, 1e-6));
  const Tensor g = torch::autograd::grad({z.select(1, 1).sum()}, {leaf})[0];
  EXPECT_TRUE(torch::allclose(g.flatten(1), w[1].expand({6, 36})));
}

TEST(DefendedModel, RefusesAMeaninglessStack) {
  const auto network = perceptron(1, kImage, 3);
  const auto voter = [] { return std::make_shared<Voter>(); };
  EXPECT_THROW(defended(network, {voter(), voter()}), BadInput);
  struct Nothing final : Defense {};
  EXPECT_THROW(defended(network, {std::make_shared<Nothing>()}), BadInput);
}

}  // namespace
}  // namespace gauntlet
