// What attacks of the audit's own tell about the defense, each run once and shared by its checks.
#include <algorithm>
#include <memory>
#include <optional>

#include "audit/probe_groups.h"
#include "evaluation/attack_facts.h"

namespace gauntlet::audit {
namespace {
using results::Check;
using results::Level;

// One of 100 checks of an honest defense may be as unlikely as this.
constexpr double kClimbChance = 0.01;
// Accuracy may lie above that of a weaker attack by so much: 4 of 200 images.
constexpr double kClimbSlack = 0.02;
// A frozen draw may be a lucky one for its images: up to 1 point has been seen.
constexpr double kFrozenSlack = 0.05;
// The loss ends above its start for every image of the networks that ship.
constexpr double kFewRise = 0.9, kHardlyAnyRise = 0.5;
// With a ball as large as the box no image of the networks that ship stays right.
constexpr double kLeftInBox = 0.02, kMuchLeftInBox = 0.1;
// No image that 20 full steps have broken is right again when it is rounded, for those networks.
constexpr double kMostHealed = 0.1, kCoarsest = 2.0 / 255;
constexpr int64_t kFewestImages = 5;  // images that say something
constexpr double kMostLeaked = 0.2;
constexpr int64_t kQueries = 500, kBoxSteps = 40, kRandomInputs = 4;

Tensor most_trials(const Tensor& score) { return score.to(torch::kFloat).mean(0) >= 0.5; }

Check two_scores(const char* code, const Compared& found) {
  return {{code, {{"first", found.first}, {"second", found.second}, {"p", found.p}}}, Level::kPass};
}

Tensor random_input(const Subject& s, int64_t number) {
  const ThreatModel ball = s.ball(s.epsilon);
  Noise noise = s.noise(Purpose::kNeighbour, s.batch).at(1 + number);
  return s.batch.x + ball.project(s.batch.x, ball.random(s.batch.x, noise));
}

// What was tried without gradients.
struct Rival {
  std::string attack;
  Tensor score;
  int64_t queries = 0;  // of an image
};

// The first of these attacks on scores that is there and has a form for this threat.
std::optional<Rival> on_scores(const Subject& s, const library::PluginLibrary& plugins) {
  const Use known[] = {
      {"square", {{"queries", kQueries}}},
      {"nattack", {{"steps", kQueries / 20}, {"population", 20}, {"learning_rate", 0.05}}}};
  const TargetFacts facts = evaluation::facts_of(s.model);
  for (const Use& use : known) {
    if (!plugins.has("attack", use.plugin)) continue;
    const std::unique_ptr<Attack> attack = plugins.attack(use.plugin, use.with);
    if (attack->no_form_for(s.ball(s.epsilon), facts, Goal::kUntargeted).empty())
      return Rival{use.plugin, s.score(s.craft(*attack, s.epsilon)), kQueries};
  }
  return {};
}

Rival of_noise(const Subject& s) {
  Rival out{"random noise", s.clean, s.model.stochastic() ? 1 : kRandomInputs};
  for (int64_t i = 0; i < out.queries; ++i) {
    const Tensor score = s.score(random_input(s, i));
    out.score = s.model.stochastic() ? score : out.score & score;
  }
  return out;
}
}  // namespace

void Battery::consider(const Tensor& score) {
  if (!best_.defined() || share(score) < share(best_)) best_ = score;
}

Tensor Battery::climbed(double radius) {
  Climb climb;
  return s_.score(s_.craft(climb, radius));
}

void Battery::one_step(Checks& out) {
  Climb step;
  step.steps = 1, step.step = 1, step.loss = cross_entropy;
  const Tensor score = s_.score(s_.craft(step, s_.epsilon, /*track=*/false));
  const Tensor by_chance = s_.score(random_input(s_, 0));
  const Compared found = s_.compare(score, s_.clean);
  const Tensor wrong = s_.right.logical_not();
  const int64_t healed = count(wrong & most_trials(score)),
                lucky = count(wrong & most_trials(by_chance));
  Check check = two_scores("label_leak", found);
  check.finding.figures["healed"] = healed;
  check.finding.figures["lucky"] = lucky;
  check.finding.figures["of"] = count(wrong);
  if (found.falls(0, kClimbChance))
    check.level = Level::kFail;
  else if (healed >= kFewestImages + 2 * lucky &&
           double(healed) > kMostLeaked * double(count(wrong)))
    check.level = Level::kWarn;
  out.push_back(check);
}

void Battery::full_ball(Checks& out) {
  Climb climb;
  const Tensor end = s_.craft(climb, s_.epsilon, /*track=*/false);
  Question question(s_, s_.batch, Purpose::kAgain);
  const Query query{.draws = 4 * s_.draws, .average = Average::kLoss, .noise = Draw::kFixed};
  const auto loss = [&](const Tensor& x) {
    return question.target().losses(x, margin(Goal::kUntargeted), query).masked_select(s_.right);
  };
  const Tensor before = loss(s_.batch.x), after = loss(end);
  const double rises = share(after > before);
  Check check = {{"loss_rises",
                  {{"rises", rises},
                   {"of", before.size(0)},
                   {"before", median_of(before)},
                   {"after", median_of(after)}}},
                 rises < kHardlyAnyRise ? Level::kFail
                 : rises < kFewRise     ? Level::kWarn
                                        : Level::kPass};
  if (before.size(0) > 0) out.push_back(check);

  const Tensor score = s_.score(end);
  consider(score & (s_.model.stochastic() ? torch::ones_like(s_.clean) : s_.clean));
  if (s_.norm != Norm::kLinf || s_.epsilon < kCoarsest) return;
  const Tensor broken = s_.right & most_trials(score).logical_not();
  const int64_t of = count(broken);
  const int64_t healed = count(broken & most_trials(s_.score((end * 255).round() / 255)));
  const bool many = healed >= kFewestImages && double(healed) > kMostHealed * double(of);
  out.push_back(
      {{"eight_bit", {{"samples", healed}, {"of", of}}}, many ? Level::kWarn : Level::kPass});
}

void Battery::other_balls(Checks& out) {
  at_epsilon_ = climbed(s_.epsilon);
  consider(at_epsilon_);
  const Tensor half = climbed(s_.epsilon / 2), twice = climbed(std::min(2 * s_.epsilon, s_.box()));
  const Compared lower = s_.compare(at_epsilon_, half), upper = s_.compare(twice, at_epsilon_);
  Check check = {{"epsilon_monotone",
                  {{"half", lower.second}, {"whole", lower.first}, {"twice", upper.first}}},
                 Level::kPass};
  if (lower.falls(kClimbSlack, kClimbChance) || upper.falls(kClimbSlack, kClimbChance))
    check.level = Level::kFail;
  out.push_back(check);
}

void Battery::whole_box(Checks& out) {
  Climb climb;
  climb.steps = kBoxSteps, climb.step = 0.1;
  const Tensor score = s_.score(s_.craft(climb, s_.box()));
  const double left = share(score);
  out.push_back({{"unbounded", {{"accuracy", left}, {"steps", kBoxSteps}}},
                 left > kMuchLeftInBox ? Level::kFail
                 : left > kLeftInBox   ? Level::kWarn
                                       : Level::kPass});
}

void Battery::frozen(Checks& out) {
  if (!s_.model.stochastic() || s_.model.own_randomness()) return;
  Climb climb;
  climb.query.draws = 1, climb.query.noise = Draw::kFixed;
  const Tensor x = s_.craft(climb, s_.epsilon);
  Question question(s_, s_.batch, Purpose::kClimb);  // the very draw that was climbed on
  const auto right = [&](const Tensor& input) {
    return question.target()
        .losses(input, margin(Goal::kUntargeted), climb.query)
        .lt(0)
        .unsqueeze(0);
  };
  Check check = two_scores("frozen_noise", s_.compare(right(x), at_epsilon_));
  check.finding.figures["clean"] = share(right(s_.batch.x));
  const Compared found = s_.compare(right(x), at_epsilon_);
  if (found.falls(kFrozenSlack, kClimbChance)) check.level = Level::kFail;
  out.push_back(check);
}

void Battery::without_gradients(const library::PluginLibrary& plugins, Checks& out) {
  if (!best_.defined()) return;
  std::vector<Rival> others;
  const std::optional<Rival> searched = on_scores(s_, plugins);
  if (searched) others.push_back(*searched);
  others.push_back(of_noise(s_));
  Check check;
  for (const Rival& other : others) {
    const Compared found = s_.compare(best_, other.score);
    if (!check.finding.code.empty() &&
        !(found.second < std::get<double>(check.finding.figures["second"])))
      continue;
    check = two_scores("black_box", found);
    check.finding.figures["attack"] = other.attack;
    check.finding.figures["queries"] = other.queries;
    if (found.falls(kClimbSlack, kClimbChance)) check.level = Level::kFail;
  }
  // The advice names an attack that has a form for this threat: square has none in L1.
  if (s_.norm == Norm::kL1 || (searched && searched->attack == "nattack"))
    check.finding.figures["case"] = "nattack";
  out.push_back(check);
}

}  // namespace gauntlet::audit
