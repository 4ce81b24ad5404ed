// What certifiers are lent, what they may give back, and how attacks are held against it.
#include "evaluation/certify.h"

#include <gtest/gtest.h>

#include "base/bad_input.h"
#include "evaluation/interrupted.h"
#include "toys.h"

namespace gauntlet {
namespace {
using namespace toys;

// A voter of which every draw counts, so that decide() takes all of them.
struct Patient final : Defense, Votes {
  double sigma = 0.3;
  int64_t mc_samples() const override { return 40; }
  Tensor perturb(const Tensor& x, Noise& noise) override {
    return x + sigma * noise.normal(x.sizes().slice(1));
  }
  Tensor ballot(const Outputs& out) override {
    return torch::one_hot(out.logits.argmax(1), out.logits.size(1)).to(torch::kFloat);
  }
};

struct Negative final : Defense, TransformsInput {
  Tensor forward(const Tensor& x, Noise&) override { return 1 - x; }
};

struct Suspicious final : Defense, Refuses {
  Tensor counts, again;
  Tensor score(const Tensor& x, const Outputs& out, View& view) override {
    counts = view.ballots(x, 20), again = view.ballots(x, 20);
    return torch::zeros({x.size(0)});
  }
};

struct Certifier final : Defense, Certifies {
  std::function<Certificate(const Tensor&, View&)> script;
  double chance = 0;
  double alpha() const override { return chance; }
  Certificate certify(const Tensor& x, View& view, Noise&) override { return script(x, view); }
};

Noise noise_of(int64_t rows, uint64_t seed = 3) {
  return noise_for(seed, evaluation::Stream::kCertify, torch::arange(rows));
}

// Two classes divided by the plane x = 1/2 in the first pixel; sums are exact.
std::shared_ptr<FunctionNetwork> divided() {
  return std::make_shared<FunctionNetwork>(
      [](const Tensor& x, Noise&, models::Mode) {
        const Tensor m = x.flatten(1).select(1, 0) - 0.5;
        return torch::stack({-m, m}, 1);
      },
      std::vector<int64_t>{1, 2, 2}, 2);
}
Tensor at_margin(int64_t rows, double margin) { return torch::full({rows, 1, 2, 2}, 0.5 + margin); }

TEST(Ballots, AreThoseOfTheVote) {
  evaluation::DefendedModel model =
      defended(divided(), {std::make_shared<Negative>(), std::make_shared<Patient>()});
  model.probe(at_margin(8, 0.1));
  const Tensor x = at_margin(30, 0.1) + torch::arange(30).view({-1, 1, 1, 1}) / 100.0;
  const Tensor sums = model.ballots(x, noise_of(30), 40);
  EXPECT_TRUE(torch::equal(sums, 40 * model.decide(x, noise_of(30)).confidence));
  EXPECT_GT(sums.select(1, 0).min().item<double>(), 20) << "the wrapper inside takes part";
  EXPECT_GT(sums.select(1, 1).max().item<double>(), 0) << "noise takes part";
}

TEST(Ballots, OfNoVoteCountTheNetworksAnswers) {
  evaluation::DefendedModel model = defended(divided(), {std::make_shared<Negative>()});
  EXPECT_TRUE(torch::equal(model.ballots(at_margin(3, 0.1), noise_of(3), 7),
                           torch::tensor({7.0f, 0.0f}).repeat({3, 1})));
}

TEST(Ballots, DoNotDependOnTheBatch) {
  evaluation::DefendedModel model = defended(divided(), {std::make_shared<Patient>()});
  model.probe(at_margin(8, 0.1));
  const Tensor x = at_margin(600, 0.1);  // three forwards a draw
  const Tensor whole = model.ballots(x, noise_of(600), 300);
  for (const int64_t i : {0, 255, 256, 599})
    EXPECT_TRUE(torch::equal(
        model.ballots(x.narrow(0, i, 1), evaluation::narrowed(noise_of(600), i, 1), 300),
        whole.narrow(0, i, 1)));
}

TEST(Ballots, OfFewRowsFillForwardsAndNoForwardIsLarge) {
  const auto network = divided();
  evaluation::DefendedModel model = defended(network, {std::make_shared<Patient>()});
  model.probe(at_margin(8, 0.1));
  for (const auto& [rows, draws, forwards] :
       {std::tuple{1, 1000, 4}, {10, 1000, 40}, {600, 2, 5}}) {
    network->calls = network->rows = 0;
    int64_t told = 0, most = 0;
    model.ballots(at_margin(rows, 0.1), noise_of(rows), draws,
                  [&](int64_t n) { told += n, most = std::max(most, n); });
    EXPECT_EQ(network->rows, rows * draws);
    EXPECT_EQ(told, rows * draws);
    EXPECT_EQ(network->calls, forwards);
    EXPECT_LE(most, 256);
  }
}

// On the plane every draw is a fair coin: counts of two calls are uncorrelated.
TEST(Ballots, OfFurtherCallsAreFresh) {
  evaluation::DefendedModel model = defended(divided(), {std::make_shared<Patient>()});
  model.probe(at_margin(8, 0.1));
  const int64_t n = 1000;
  const Tensor x = at_margin(n, 0);
  const Noise noise = noise_of(n);
  const auto counts = [&](uint64_t k) {
    return model.ballots(x, evaluation::further(noise, k), 100).select(1, 0).to(torch::kDouble) -
           50;
  };
  const Tensor a = counts(1), b = counts(2);
  EXPECT_TRUE(torch::equal(a, counts(1)));
  EXPECT_NEAR(a.var().item<double>(), 25, 4 * 25 * std::sqrt(2.0 / n));
  EXPECT_NEAR((a * b).mean().item<double>() / 25, 0, 4 / std::sqrt(double(n)));
}

TEST(Ballots, OfADetectorBeginWhereItStands) {
  const auto detector = std::make_shared<Suspicious>();
  evaluation::DefendedModel model = defended(divided(), {detector, std::make_shared<Patient>()});
  model.pass(at_margin(5, 0.1), noise_of(5), models::Mode::kEvaluate);
  // Its input has met the noise already: the network answers it alike each time.
  EXPECT_EQ((detector->counts.select(1, 0) * detector->counts.select(1, 1)).sum().item<double>(),
            0);
}

TEST(Ballots, RefuseWhatIsNoRowForEachSample) {
  evaluation::DefendedModel model = defended(divided(), {std::make_shared<Patient>()});
  EXPECT_THROW(model.ballots(at_margin(4, 0.1), noise_of(3), 5), std::invalid_argument);
  EXPECT_THROW(model.ballots(at_margin(3, 0.1), noise_of(3), 0), std::invalid_argument);
  EXPECT_THROW(model.ballots(at_margin(3, 0.1), noise_of(3), 1 << 20), std::invalid_argument);
}

std::shared_ptr<Certifier> certifier(Certificate given, double alpha = 0) {
  auto out = std::make_shared<Certifier>();
  out->chance = alpha;
  out->script = [given](const Tensor&, View&) { return given; };
  return out;
}

TEST(Certificates, ThatCannotBeAreInvalid) {
  const Tensor answer = torch::tensor({0, -1, 1}), radius = torch::tensor({0.5, double(NAN), 0.0});
  const auto ask = [](const Certificate& given, double alpha = 0) {
    evaluation::DefendedModel model = defended(divided(), {certifier(given, alpha)});
    int64_t forwards = 0;
    return certificates(model, at_margin(3, 0.1), noise_of(3), forwards);
  };
  EXPECT_NO_THROW(ask({answer, radius})) << "the radius of an abstention is not read";
  EXPECT_THROW(ask({answer, {}}), InvalidResult);
  EXPECT_THROW(ask({answer, torch::zeros({3, 1})}), InvalidResult);
  EXPECT_THROW(ask({answer.narrow(0, 0, 2), radius}), InvalidResult);
  EXPECT_THROW(ask({answer.to(torch::kFloat), radius}), InvalidResult);
  EXPECT_THROW(ask({torch::tensor({0, -1, 2}), radius}), InvalidResult) << "no such class";
  EXPECT_THROW(ask({torch::tensor({0, -2, 1}), radius}), InvalidResult);
  EXPECT_THROW(ask({answer, torch::tensor({0.5, 0.5, -0.1})}), InvalidResult);
  EXPECT_THROW(ask({answer, torch::tensor({double(INFINITY), 0.5, 0.1})}), InvalidResult);
  EXPECT_THROW(ask({answer, torch::tensor({double(NAN), 0.5, 0.1})}), InvalidResult);
  EXPECT_THROW(ask({answer, radius}, 1), InvalidResult);
}

TEST(Certificates, CountEveryPassAndEndWhenAsked) {
  auto plugin = std::make_shared<Certifier>();
  std::atomic<bool> stop{false};
  plugin->script = [&](const Tensor& x, View& view) {
    const Tensor first = view.ballots(x, 10), second = view.ballots(x, 10);
    EXPECT_FALSE(torch::equal(first, second)) << "fresh";
    EXPECT_FALSE(torch::equal(view.pass(x).logits, view.pass(x).logits));
    return Certificate{first.argmax(1), torch::zeros({x.size(0)})};
  };
  auto noisy = std::make_shared<FunctionNetwork>(
      [](const Tensor& x, Noise& noise, models::Mode) { return noise.normal({2}); },
      std::vector<int64_t>{1, 2, 2}, 2);
  evaluation::DefendedModel model = defended(noisy, {plugin});
  int64_t forwards = 0;
  certificates(model, at_margin(6, 0.1), noise_of(6), forwards, &stop);
  EXPECT_EQ(forwards, 6 * 22);
  stop = true;
  EXPECT_THROW(certificates(model, at_margin(6, 0.1), noise_of(6), forwards, &stop),
               evaluation::Interrupted);
}

TEST(Certificates, OfAPartOfTheDefenseAreNone) {
  const auto problem = [](std::vector<std::shared_ptr<Defense>> stack) {
    return defended(divided(), std::move(stack)).certificate_problem();
  };
  const auto plugin = certifier({});
  EXPECT_EQ(problem({plugin}), "");
  EXPECT_EQ(problem({std::make_shared<Negative>(), plugin}), "");
  EXPECT_NE(problem({}), "");
  EXPECT_NE(problem({plugin, std::make_shared<Negative>()}).find("changes the input outside"),
            std::string::npos);
  EXPECT_NE(problem({plugin, std::make_shared<Suspicious>()}).find("detector"), std::string::npos);
  EXPECT_NE(problem({std::make_shared<Patient>(), plugin}).find("not the vote's"),
            std::string::npos);
  EXPECT_THROW(defended(divided(), {plugin, plugin}), BadInput);
}

class Contradiction : public ::testing::Test {
 protected:
  void SetUp() override {
    model_.probe(at_margin(8, 0.1));
    data_.images = at_margin(4, 0.2);
    data_.labels = torch::ones({4}, torch::kLong);
    certified_.samples = 4, certified_.alpha = 0.001;
    for (int64_t i = 0; i < 4; ++i) {
      certified_.certificates.push_back({i, 1, 1, 0.2});  // the plane's distance
      results::Outcome outcome;
      outcome.index = 3 - i, outcome.label = 1, outcome.predicted = 0;
      cell_.outcomes.push_back(outcome);
    }
    cell_.attack = "pgd", cell_.threat.name = "l2";
  }
  // Against adversarial inputs so far from the images, towards the plane.
  std::string found(double distance) {
    Tensor x_adv = data_.images.clone();
    x_adv.select(1, 0).select(1, 0).select(1, 0) -= distance;
    const auto finding = contradiction(model_, data_, at::kCPU, certified_, cell_, x_adv);
    return finding ? sentence(*finding) : "";
  }

  evaluation::DefendedModel model_ = defended(divided(), {std::make_shared<Patient>()});
  data::Dataset data_;
  results::Certification certified_;
  results::CellRecord cell_;
};

TEST_F(Contradiction, IsNoneWhereTheCertificateHolds) {
  EXPECT_EQ(found(0.199), "") << "an unlucky vote, which further draws do not confirm";
  EXPECT_EQ(found(0.3), "") << "beyond the radius";
}

TEST_F(Contradiction, IsAHitInsideTheRadiusThatFurtherDrawsConfirm) {
  for (results::CertifiedSample& c : certified_.certificates) c.radius = 0.4;
  EXPECT_EQ(
      found(0.3),
      "pgd under l2 changed the answer inside the certified radius of 4 of 4 images (3, 2, 1, "
      "0), where about 0.004 certificates may fail");
  certified_.certificates[1].answer = -1;    // abstained
  certified_.certificates[2].radius = 0.25;  // outside
  cell_.outcomes[0].predicted = 1;           // of image 3: as certified
  EXPECT_NE(found(0.3).find("of 1 of 4 images (0)"), std::string::npos) << found(0.3);
}

}  // namespace
}  // namespace gauntlet
