#include "audit/subject.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "analysis/pairs.h"
#include "evaluation/bounds.h"
#include "evaluation/judge.h"

namespace gauntlet::audit {
namespace {
using evaluation::CraftBatch;
using evaluation::DefendedModel;

// Draws behind the score of an image: they bound its standard deviation by 1/8.
constexpr int64_t kScoringDraws = 16;
// Behind a gradient: what suites that ship take.
constexpr int64_t kGradientDraws = 4;

int64_t trials_for(const DefendedModel& model) {
  if (!model.stochastic()) return 1;
  return std::clamp<int64_t>(kScoringDraws / model.mc_samples(), 2, kScoringDraws);
}

std::vector<double> rates_of(const Tensor& right) {
  const Tensor rates = right.to(torch::kDouble).mean(0).cpu().contiguous();
  const auto* first = rates.const_data_ptr<double>();
  return {first, first + rates.size(0)};
}

// What draws that images share add to the variance of the mean of b - a: what trials differ by.
results::Shared shared_by(const Tensor& a, const Tensor& b) {
  results::Shared out;
  out.trials = a.size(0);
  if (out.trials < 2) return out;
  const Tensor by_trial = (b.to(torch::kDouble) - a.to(torch::kDouble)).mean(1);
  out.variance = by_trial.var().item<double>() / double(out.trials);
  out.freedom = double(out.trials - 1);
  return out;
}
}  // namespace

double share(const Tensor& hits) {
  return hits.numel() == 0 ? 0 : hits.to(torch::kDouble).mean().item<double>();
}
int64_t count(const Tensor& hits) { return hits.sum().item<int64_t>(); }
double median_of(const Tensor& values) {
  return values.numel() == 0 ? 0 : values.to(torch::kDouble).flatten().median().item<double>();
}

Subject::Subject(DefendedModel& model_, evaluation::Environment& environment_, CraftBatch batch_,
                 Norm norm_, double epsilon_, uint64_t seed_, const std::atomic<bool>* stop_)
    : model(model_),
      environment(environment_),
      batch(std::move(batch_)),
      norm(norm_),
      epsilon(epsilon_),
      seed(seed_),
      stop(stop_),
      trials(trials_for(model)),
      draws(model.stochastic() ? kGradientDraws : 1),
      clean(score(batch.x)),
      right(clean.to(torch::kFloat).mean(0) >= 0.5) {}

ThreatModel Subject::ball(double radius) const {
  return evaluation::threat_model(norm, radius, batch.x.options());
}

double Subject::box() const {
  const auto pixels = double(batch.x[0].numel());
  return norm == Norm::kLinf ? 1 : norm == Norm::kL2 ? std::sqrt(pixels) : pixels;
}

double Subject::a_pixel() const { return epsilon / box(); }

Noise Subject::noise(Purpose purpose, const CraftBatch& of) const {
  return evaluation::noise_for(seed, evaluation::Stream::kAudit, of.index, uint64_t(purpose));
}

Tensor Subject::score(const Tensor& x) const {
  if (stop && stop->load()) throw evaluation::Interrupted{};
  return judge(model, x, batch.y, batch.index, seed, evaluation::Stream::kAudit, trials).right;
}

Compared Subject::compare(const Tensor& first, const Tensor& second) const {
  Compared out{share(first), share(second)};
  const results::Shared shared =
      model.shared_noise() ? shared_by(first, second) : results::Shared{};
  out.p = paired_test(analysis::Pairs{rates_of(first), rates_of(second), shared}).p;
  return out;
}

evaluation::CraftRules Subject::rules() const {
  evaluation::CraftRules rules;
  rules.name = "the audit";
  rules.draws = draws;
  rules.seed = seed;
  rules.suggested = false;
  rules.defense_stream = evaluation::Stream::kAudit;
  rules.defense_run = uint64_t(Purpose::kClimb);
  rules.stop = stop;
  return rules;
}

Tensor Subject::craft(Attack& attack, const CraftBatch& of, double radius, bool track) const {
  evaluation::CraftRules mine = rules();
  mine.track = track;
  CraftBatch part = of;
  if (track && !model.stochastic()) {
    const Tensor answers = model.decide(of.x, noise(Purpose::kScore, of)).answer;
    part.settled = answers != of.y;
  }
  return evaluation::craft(attack, model, part, ball(radius), mine, environment).x;
}

Tensor Subject::craft(Attack& attack, double radius, bool track) const {
  return craft(attack, batch, radius, track);
}

CraftBatch Subject::right_ones(int64_t most) const {
  Tensor rows = right.nonzero().squeeze(1);
  if (most > 0) rows = rows.narrow(0, 0, std::min(most, rows.size(0)));
  return {batch.x.index_select(0, rows), batch.y.index_select(0, rows),
          batch.index.index_select(0, rows)};
}

namespace {
evaluation::CraftRules plain_rules(const Subject& subject, Purpose purpose) {
  evaluation::CraftRules rules = subject.rules();
  rules.track = false;
  rules.defense_run = uint64_t(purpose);
  return rules;
}
}  // namespace

Target& Question::NoHost::source(const ModelRef&) {
  throw std::logic_error("a probe has no source");
}
std::unique_ptr<Attack> Question::NoHost::attack(const Use&) {
  throw std::logic_error("a probe has no other attack");
}

Question::Question(const Subject& subject, CraftBatch batch, Purpose purpose)
    : batch_(std::move(batch)),
      threat_(subject.ball(subject.epsilon)),
      task_{batch_.x, batch_.y, {}, Goal::kUntargeted, threat_, {}, {}, host_},
      target_(subject.model, task_, batch_, plain_rules(subject, purpose), Access::kGradient,
              /*minimal_norm=*/false) {}

Tensor Climb::run(Target& target, const Task& task) {
  const Loss mine = task.loss_or(loss);
  Tensor delta = torch::zeros_like(task.x);
  for (int64_t i = 0; i < steps; ++i) {
    const Tensor x = task.x + delta;
    Tensor slope = target.gradient(x, mine, query).x;
    if (task.threat.norm == Norm::kL1)
      slope = slope.masked_fill(task.threat.held_by_box(x, slope), 0);
    const double length = step / double(int64_t{1} << (3 * i / std::max<int64_t>(steps, 1)));
    delta = task.threat.project(task.x,
                                delta + length * task.threat.epsilon * task.threat.steepest(slope));
  }
  return task.x + delta;
}

}  // namespace gauntlet::audit
