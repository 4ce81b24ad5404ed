// Defenses that cheat in one way each, and what is found; honest ones pass everything.
#include "audit/probes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/probe_groups.h"
#include "tests/support/laboratory_fixture.h"
#include "tests/unit/evaluation/toys.h"

namespace gauntlet::testing {
namespace {

using audit::Checks;
using audit::Subject;
using results::Level;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using toys::FunctionNetwork;

constexpr int64_t kSamples = 40, kToyClasses = 4;
const std::vector<int64_t> kShape = {1, 6, 6};
constexpr double kRadius = 0.1;

// Logits of the honest network that the others are made of.
Tensor honest(const Tensor& x) {
  static const std::shared_ptr<FunctionNetwork> network = toys::perceptron(3, kShape, kToyClasses);
  return network
      ->forward(x, noise_for(0, evaluation::Stream::kProbe, torch::arange(x.size(0))), {},
                models::Mode::kEvaluate)
      .logits;
}

// The values of one function with the slopes of another.
Tensor disguised(const Tensor& value, const Tensor& slope) {
  return slope + (value - slope).detach();
}

class Probes : public ::testing::Test {
 protected:
  using Logits = std::function<Tensor(const Tensor&)>;

  void make(const Logits& logits, std::vector<std::shared_ptr<Defense>> stack = {}) {
    make_noisy([logits](const Tensor& x, Noise&) { return logits(x); }, std::move(stack));
  }
  void make_noisy(const std::function<Tensor(const Tensor&, Noise&)>& logits,
                  std::vector<std::shared_ptr<Defense>> stack = {}) {
    auto network = std::make_shared<FunctionNetwork>(
        [logits](const Tensor& x, Noise& noise, models::Mode) { return logits(x, noise); }, kShape,
        kToyClasses);
    model_.emplace(toys::defended(network, std::move(stack)));
    const at::NoGradGuard no_graph;
    evaluation::CraftBatch batch = toys::images(*model_, kSamples);
    batch.y = honest(batch.x).argmax(1);
    subject_.emplace(*model_, nowhere_, batch, Norm::kLinf, kRadius, 0);
  }

  template <class... Probe>
  Checks ask(Probe... probes) {
    const at::NoGradGuard no_graph;
    Checks out;
    (probes(*subject_, out), ...);
    return out;
  }
  template <class Part>
  Checks battle(Part part) {
    const at::NoGradGuard no_graph;
    Checks out;
    audit::Battery battery(*subject_);
    part(battery, out);
    return out;
  }
  static Level level(const Checks& checks, const std::string& code) {
    for (const results::Check& one : checks)
      if (one.finding.code == code) return one.level;
    ADD_FAILURE() << "no check " << code;
    return Level::kPass;
  }

  toys::NoEnvironment nowhere_;
  std::optional<evaluation::DefendedModel> model_;
  std::optional<Subject> subject_;
};

Checks all_of(const Subject& subject, const library::PluginLibrary& plugins) {
  const at::NoGradGuard no_graph;
  Checks out;
  audit::Repetition repetition(subject);
  probe_outputs(subject, out);
  probe_gradients(subject, out);
  probe_slope(subject, out);
  probe_noise(subject, out);
  probe_votes(subject, out);
  probe_neighbours(subject, out);
  audit::Battery battery(subject);
  battery.one_step(out);
  battery.full_ball(out);
  battery.other_balls(out);
  battery.whole_box(out);
  battery.frozen(out);
  battery.without_gradients(plugins, out);
  repetition.check(out);
  return out;
}

std::vector<std::string> codes_beyond(const Checks& checks, Level level) {
  std::vector<std::string> out;
  for (const results::Check& one : checks)
    if (one.level > level) out.push_back(results::sentence(one));
  return out;
}

TEST_F(Probes, FindNothingInAnHonestNetwork) {
  make(honest);
  const Checks all = all_of(*subject_, library::PluginLibrary({}));
  EXPECT_THAT(codes_beyond(all, Level::kPass), IsEmpty());
  EXPECT_EQ(all.size(), 14u) << "no check of noise or votes";
}

TEST_F(Probes, FindNothingInAnHonestVote) {
  auto voter = std::make_shared<toys::Voter>();
  voter->soft = true, voter->m = 8, voter->sigma = 0.02;
  make(honest, {voter});
  const Checks all = all_of(*subject_, library::PluginLibrary({}));
  EXPECT_THAT(codes_beyond(all, Level::kPass), IsEmpty());
  EXPECT_EQ(level(all, "votes"), Level::kPass);
  EXPECT_EQ(level(all, "noise_acts"), Level::kPass);
  EXPECT_EQ(level(all, "frozen_noise"), Level::kPass);
}

TEST_F(Probes, GiveTheSameFiguresTwiceAndLeaveNoState) {
  make(honest);
  const Checks first = all_of(*subject_, library::PluginLibrary({}));
  EXPECT_EQ(all_of(*subject_, library::PluginLibrary({})), first);
}

TEST_F(Probes, HaveWordsForEveryFigure) {
  auto voter = std::make_shared<toys::Voter>();
  make(honest, {voter});
  for (results::Check one : all_of(*subject_, library::PluginLibrary({})))
    for (const Level level : {Level::kPass, Level::kFail}) {
      one.level = level;
      for (const std::string& words : {sentence(one), advice(one)})
        EXPECT_EQ(words.find(one.finding.code + " ("), std::string::npos) << words;
    }
}

TEST_F(Probes, FindLogitsThatAreNone) {
  make([](const Tensor& x) { return honest(x).softmax(1); });
  EXPECT_EQ(level(ask(audit::probe_outputs), "outputs"), Level::kWarn);
  make([](const Tensor& x) { return 0 * honest(x) + 0.25; });
  EXPECT_EQ(level(ask(audit::probe_outputs), "outputs"), Level::kFail);
  make([](const Tensor& x) {
    return torch::one_hot(honest(x).argmax(1), kToyClasses).to(torch::kFloat) + 0 * honest(x);
  });
  EXPECT_EQ(level(ask(audit::probe_outputs), "outputs"), Level::kFail);
}

TEST_F(Probes, FindThatGradientsVanish) {
  make([](const Tensor& x) { return (honest(x) * 20).round() / 20; });
  EXPECT_EQ(level(ask(audit::probe_gradients), "gradients_vanish"), Level::kFail);
}

TEST_F(Probes, FindThatCrossEntropySaturates) {
  make([](const Tensor& x) { return honest(x) * 1e6; });
  const Checks found = ask(audit::probe_gradients);
  EXPECT_EQ(level(found, "gradients_saturate"), Level::kWarn);
  EXPECT_EQ(level(found, "gradients_vanish"), Level::kPass);
}

TEST_F(Probes, FindGradientsThatAreNotFinite) {
  make([](const Tensor& x) { return honest(x) + (x - x.detach()).flatten(1).sum(1, true).sqrt(); });
  EXPECT_EQ(level(ask(audit::probe_gradients), "gradients_not_finite"), Level::kFail);
}

TEST_F(Probes, FindGradientsOfSomethingElse) {
  make([](const Tensor& x) { return disguised(honest(x), honest(x.flip(3))); });
  EXPECT_EQ(level(ask(audit::probe_slope), "slope"), Level::kFail);
  make([](const Tensor& x) { return disguised(honest(x), -honest(x)); });
  EXPECT_EQ(level(ask(audit::probe_slope), "slope"), Level::kFail);
}

TEST_F(Probes, FindStairsWithARippleOnThem) {
  make([](const Tensor& x) {
    const Tensor z = honest(x);
    return (z * 8).floor() / 8 + 1e-3 * torch::sin(400 * z);
  });
  EXPECT_EQ(level(ask(audit::probe_slope), "slope"), Level::kFail);
}

TEST_F(Probes, FindNoiseThatDoesNotAct) {
  make_noisy(
      [](const Tensor& x, Noise& noise) { return honest(x) + 0 * noise.normal({kToyClasses}); });
  EXPECT_EQ(level(ask(audit::probe_noise), "noise_acts"), Level::kFail);
  auto voter = std::make_shared<toys::Voter>();
  voter->sigma = 0;
  make(honest, {voter});
  EXPECT_EQ(level(ask(audit::probe_noise), "noise_acts"), Level::kFail);
  make(honest);
  EXPECT_THAT(ask(audit::probe_noise), IsEmpty()) << "says nothing of noise";
}

TEST_F(Probes, FindANetworkThatCounts) {
  auto calls = std::make_shared<int64_t>(0);
  make([calls](const Tensor& x) { return honest(x) * (++*calls < 1000 ? 1 : -1); });
  const at::NoGradGuard no_graph;
  audit::Repetition repetition(*subject_);
  *calls = 1000;
  Checks out;
  repetition.check(out);
  EXPECT_EQ(level(out, "unstable"), Level::kFail);
}

TEST_F(Probes, FindANetworkThatKnowsWhoAsks) {
  make([](const Tensor& x) { return x.requires_grad() ? honest(x.flip(2)) : honest(x); });
  const at::NoGradGuard no_graph;
  audit::Repetition repetition(*subject_);
  Checks out;
  repetition.check(out);
  EXPECT_EQ(level(out, "unstable"), Level::kFail);
}

TEST_F(Probes, FindAVoteThatIsNotItsTally) {
  struct Plain final : Defense, Votes {
    int64_t mc_samples() const override { return 16; }
    Tensor perturb(const Tensor& x, Noise& noise) override {
      return x + 0.5 * noise.normal(x.sizes().slice(1));
    }
    Tensor ballot(const Outputs& out) override { return out.logits.softmax(1); }
  };
  struct Forgetful final : Defense, Votes {
    int64_t asked = 0;
    int64_t mc_samples() const override { return 16; }
    Tensor ballot(const Outputs& out) override { return out.logits.roll(++asked % 2 == 0, 1); }
  };
  make(honest, {std::make_shared<Plain>()});
  EXPECT_EQ(level(ask(audit::probe_votes), "votes"), Level::kPass);
  make(honest, {std::make_shared<Forgetful>()});
  EXPECT_EQ(level(ask(audit::probe_votes), "votes"), Level::kFail);
}

TEST_F(Probes, FindANetworkThatKnowsItsImages) {
  make(honest);
  const Tensor known = subject_->batch.x;
  make([known](const Tensor& x) {
    const Tensor same = (x.unsqueeze(1) == known.unsqueeze(0)).flatten(2).all(2).any(1, true);
    return torch::where(same, honest(x), -honest(x));
  });
  EXPECT_EQ(level(ask(audit::probe_neighbours), "memorised"), Level::kFail);
}

TEST_F(Probes, FindGradientsThatLeadDown) {
  make([](const Tensor& x) { return disguised(honest(x), -honest(x)); });
  EXPECT_EQ(level(battle([](auto& battery, Checks& out) { battery.full_ball(out); }), "loss_rises"),
            Level::kFail);
}

TEST_F(Probes, FindAStepThatTellsTheLabel) {
  make([](const Tensor& x) { return disguised(honest(x), -honest(x)); });
  evaluation::CraftBatch batch = subject_->batch;
  const Tensor mirrored = honest(batch.x.flip(3));
  batch.y = (honest(batch.x) + 0.5 * mirrored).argmax(1);
  subject_.emplace(*model_, nowhere_, batch, Norm::kLinf, kRadius, 0);
  const Checks found = battle([](auto& battery, Checks& out) { battery.one_step(out); });
  EXPECT_NE(level(found, "label_leak"), Level::kPass);
}

TEST_F(Probes, FindThatNoBallIsLargeEnough) {
  make([](const Tensor& x) { return honest(x.detach()) + 0 * x.flatten(1).sum(1, true); });
  EXPECT_EQ(level(battle([](auto& battery, Checks& out) { battery.whole_box(out); }), "unbounded"),
            Level::kFail);
}

TEST_F(Probes, FindThatChanceBeatsGradients) {
  make(honest);
  const Tensor known = subject_->batch.x;
  make([known](const Tensor& x) {  // any move breaks it, and no gradient says where to
    const Tensor away =
        (x.unsqueeze(1) - known.unsqueeze(0)).abs().flatten(2).mean(2).amin(1) > 0.03;
    const Tensor z = honest(x.detach());
    return torch::where(away.unsqueeze(1), z.roll(1, 1), z) + 0 * x.flatten(1).sum(1, true);
  });
  const Checks found = battle([](auto& battery, Checks& out) {
    battery.other_balls(out);
    out.clear();
    battery.without_gradients(library::PluginLibrary({}), out);
  });
  EXPECT_EQ(level(found, "black_box"), Level::kFail);
}

TEST_F(Probes, SearchOnScoresOnlyByAttacksThatHaveAFormForTheThreat) {
  make(honest);
  const library::PluginLibrary shipped = shipped_plugins();
  const auto compared = [&](const library::PluginLibrary& plugins) {
    const Checks found = battle([&](auto& battery, Checks& out) {
      battery.other_balls(out);
      out.clear();
      battery.without_gradients(plugins, out);
    });
    return found.at(0);
  };
  EXPECT_FALSE(compared(shipped).finding.figures.contains("case")) << "square";
  const evaluation::CraftBatch batch = subject_->batch;
  subject_.emplace(*model_, nowhere_, batch, Norm::kL1, 1, 0);
  results::Check found = compared(shipped);
  EXPECT_EQ(found.finding.code, "black_box");
  EXPECT_NE(found.finding.figures.at("attack"), results::Figure("square"));
  found.level = Level::kFail;
  EXPECT_THAT(advice(found), HasSubstr("attack.nattack = \"nattack\""));
  found = compared(library::PluginLibrary({}));
  EXPECT_EQ(found.finding.figures.at("attack"), results::Figure("random noise"));
  EXPECT_EQ(found.finding.figures.at("queries"), results::Figure(int64_t{4})) << "what was asked";
}

class StrongestAttack : public ::testing::Test {
 protected:
  StrongestAttack() { toys::images(model_, kSamples); }  // says that it draws nothing

  suite::AttackSpec attack(const std::string& name, const std::string& plugin,
                           const ParamMap& params) const {
    suite::AttackSpec out;
    out.name = out.entry = name, out.plugin = plugin;
    out.params = resolve(plugins_.schema("attack", plugin), params);
    return out;
  }
  suite::AttackSpec chosen(const std::vector<suite::AttackSpec>& attacks) const {
    return *audit::strongest_of(attacks, plugins_, threat_, model_);
  }

  const library::PluginLibrary plugins_ = shipped_plugins();
  const ThreatModel threat_ = toys::ball(Norm::kLinf, 0.1);
  evaluation::DefendedModel model_ = toys::defended(toys::perceptron(3, kShape, kToyClasses));
};

TEST_F(StrongestAttack, IsTheOneWithTheMostSteps) {
  EXPECT_FALSE(audit::strongest_of({}, library::PluginLibrary({}), threat_, model_));
  const suite::AttackSpec fgsm = attack("one", "fgsm", {}), noise = attack("n", "random_noise", {}),
                          ddn = attack("norm", "ddn", {{"steps", 900}}),
                          five = attack("five", "pgd", {{"steps", 5}}),
                          nine = attack("nine", "pgd", {{"steps", 9}});
  EXPECT_EQ(chosen({fgsm, five, ddn, nine}).name, "nine");
  const suite::AttackSpec own = chosen({fgsm, noise});
  EXPECT_EQ(own.plugin, "pgd");
  EXPECT_EQ(own.name, "");
  EXPECT_EQ(*own.params.at("steps").get<int64_t>(), 20);
}

TEST_F(StrongestAttack, IsTheOneThatLeavesLeastWhereRecordsSay) {
  const suite::AttackSpec five = attack("five", "pgd", {{"steps", 5}}),
                          nine = attack("nine", "pgd", {{"steps", 9}}),
                          also = attack("also nine", "pgd", {{"steps", 9}});
  const auto of = [&](const std::vector<suite::AttackSpec>& attacks,
                      const std::map<std::string, double>& left) {
    return audit::strongest_of(attacks, plugins_, threat_, model_, left)->name;
  };
  EXPECT_EQ(of({five, nine}, {{"five", 0.4}, {"nine", 0.6}}), "five");
  EXPECT_EQ(of({nine, five}, {{"five", 0.4}, {"nine", 0.4}}), "nine");
  EXPECT_EQ(of({nine, five}, {{"five", 0.4}}), "five") << "the other has no result";
  // The order of columns says nothing.
  EXPECT_EQ(of({nine, also}, {}), "also nine");
  EXPECT_EQ(of({also, nine}, {}), "also nine");
}

TEST_F(StrongestAttack, IsOneOfThisRowsDivision) {
  const suite::AttackSpec five = attack("five", "pgd", {{"steps", 5}});
  suite::AttackSpec nine = attack("nine", "pgd", {{"steps", 9}});
  for (const Division other : {Division::kRandomized, Division::kCertified}) {
    nine.host.division = other;
    EXPECT_EQ(chosen({five, nine}).name, "five");
    EXPECT_EQ(chosen({nine}).name, "") << "the audit's own";
  }
  nine.host.division = Division::kDeterministic;
  EXPECT_EQ(chosen({five, nine}).name, "nine");
}

// Progress that is told of a small row without attacks: done, of.
std::vector<std::pair<int64_t, int64_t>> progress_with(const library::PluginLibrary& plugins) {
  const auto golden = from_environment("GAUNTLET_SOURCE_DIR") / "tests/golden/suites/registry";
  const registry::Registry registry(golden, {golden / "datasets"});
  const data::Dataset data = registry.load("tiny", "test");
  suite::DefenseSpec row;
  row.name = "row", row.model = registry.model("tiny/standard");
  const suite::ThreatSpec threat{"linf", Norm::kLinf, 0.1, "0.1"};
  const std::vector<suite::AttackSpec> none;
  evaluation::Laboratory laboratory(plugins, registry, at::kCPU);
  std::vector<std::pair<int64_t, int64_t>> out;
  const auto note = [&](int64_t done, int64_t of) { out.emplace_back(done, of); };
  audit::probe({row, threat, none, {}, data, {0, 1, 2, 3, 4, 5}, 0, nullptr, note}, laboratory);
  return out;
}

TEST(ProbingProgress, EndsWithTheLastQuestion) {
  const auto with_pgd = progress_with(shipped_plugins()),
             without = progress_with(library::PluginLibrary({}));
  for (const auto& told : {with_pgd, without}) {
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.back().first, told.back().second);
    for (size_t i = 0; i < told.size(); ++i) {
      EXPECT_EQ(told[i].first, told[0].first + int64_t(i));
      EXPECT_EQ(told[i].second, told[0].second);
    }
  }
  EXPECT_EQ(with_pgd.back().second, without.back().second + 3) << "three times doubled";
}

TEST(ProbingCost, GrowsWithImagesStepsAndNoise) {
  suite::DefenseSpec plain, vote;
  vote.stack = {{"smoothing", {{"mc_samples", 64}}}};
  suite::AttackSpec attack;
  attack.params = {{"steps", 100}};
  const auto gradients = [](const suite::DefenseSpec& defense,
                            const std::vector<suite::AttackSpec>& attacks, int64_t samples) {
    return audit::probing_cost(defense, attacks, samples).gradients;
  };
  EXPECT_EQ(gradients(plain, {}, 200), 2 * gradients(plain, {}, 100));
  EXPECT_GT(gradients(plain, {attack}, 100), gradients(plain, {}, 100));
  EXPECT_GT(gradients(vote, {}, 100), gradients(plain, {}, 100));
  EXPECT_GT(audit::probing_cost(vote, {}, 1).forwards, audit::probing_cost(plain, {}, 1).forwards);
}

}  // namespace
}  // namespace gauntlet::testing
