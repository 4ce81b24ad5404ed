#include "evaluation/craft.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "base/shape_text.h"
#include "evaluation/bounds.h"
#include "evaluation/defended_model.h"
#include "evaluation/goal.h"
#include "evaluation/host_target.h"
#include "evaluation/lent_task.h"
#include "evaluation/loss_view.h"
#include "evaluation/misdeeds.h"
#include "evaluation/plugin_call.h"
#include "evaluation/process_state.h"

namespace gauntlet::evaluation {
namespace {

// Draws behind the choice among restarts: 8 of a model that draws, but votes of many draws are
// nearly certain each.
constexpr int64_t kSelectionTrials = 8, kSelectionDraws = 64;
constexpr double kClearLead = 0.3;  // of the most that one draw can lead by: two to one, or more

int64_t selection_trials(const DefendedModel& model) {
  if (!model.stochastic()) return 1;
  return std::clamp<int64_t>(kSelectionDraws / model.mc_samples(), 1, kSelectionTrials);
}

// Lends an attack other models, other attacks and training images, bound to the batch it works on.
class TaskHost final : public Host {
 public:
  TaskHost(Environment& environment, const CraftBatch& batch, CraftRules rules,
           const AttackFacts& facts)
      : environment_(environment),
        batch_(batch),
        rules_(std::move(rules)),
        most_samples_(facts.samples) {
    rules_.track = false;  // a source's answers decide nothing
    rules_.observe = {};
    rules_.max_queries = 0;
    rules_.defense_stream = Stream::kSource;
    rules_.noise = Draw::kFresh, rules_.defense_noise = {};
    // A training's own network may be in training mode, others never are.
    if (models::trains(rules_.mode)) rules_.mode = models::Mode::kFolded;
  }
  Target& source(const ModelRef& ref) override {
    DefendedModel& model = environment_.model(ref);
    CraftBatch batch = batch_;
    batch.settled = Tensor();
    rules_.defense_run = sources_.size();
    return *sources_.emplace_back(
        std::make_unique<HostTarget>(model, *task, batch, rules_, Access::kGradient, false));
  }
  std::unique_ptr<Attack> attack(const Use& use) override {
    std::unique_ptr<Attack> inner = environment_.attack(use);
    most_samples_ = std::max(most_samples_, inner->facts().samples);
    return inner;
  }
  Batch samples(int64_t n) override {
    if (n < 1 || n > most_samples_)
      throw std::invalid_argument(fmt::format(
          "Host::samples: {} training images are asked for, expected 1 to {}, the samples of "
          "AttackFacts",
          n, most_samples_));
    samples_ = std::max(samples_, n);
    return environment_.samples(n);
  }
  int64_t samples_taken() const { return samples_; }
  bool has_sources() const { return !sources_.empty(); }

  // Samples of which some query of a source told nothing; [N] bool.
  Tensor told_nothing() const {
    Tensor out = torch::zeros_like(batch_.y).ne(0);
    for (const auto& source : sources_) {
      const HostTarget::Told told = source->told();
      out = out | told.only_nothing;
    }
    return out;
  }
  results::Ledger passes() const {
    results::Ledger sum;
    for (const auto& source : sources_) {
      sum.source_forwards += source->ledger().executed_forwards;
      sum.source_backwards += source->ledger().executed_backwards;
    }
    return sum;
  }
  const Task* task = nullptr;

 private:
  Environment& environment_;
  const CraftBatch& batch_;
  CraftRules rules_;
  int64_t most_samples_, samples_ = 0;  // of training images
  std::vector<std::unique_ptr<HostTarget>> sources_;
};

struct Choice {
  Tensor score;  // [N] how good an answer looks, higher is better for the attack: hits, then margin
  Tensor won;    // [N] bool: no further restart could make much of it
  Tensor hits;   // [N] bool: in every trial
};

// Looks at answers on draws that neither the attack saw nor the score will. What it says chooses
// the answer that is handed in and spares restarts, and is no verdict: on a model that draws it may
// be as coarse as the attack's own passes.
Choice look_at(DefendedModel& model, const CraftBatch& batch, const CraftRules& rules,
               const Tensor& x, results::Ledger& ledger) {
  const int64_t trials = selection_trials(model);
  const bool coarse = model.stochastic() && rules.mode == models::Mode::kFoldedHalf;
  const Rows rows{torch::arange(batch.y.size(0), batch.y.options()), batch.y, batch.target};
  const Noise noise = noise_for(rules.seed, Stream::kSelection, batch.index);
  // A final iterate that wins needs no further restart; on draws of chance one win proves nothing,
  // but votes that are all lost, and clearly, are not won back.
  const bool provable =
      !model.stochastic() || (model.votes() && trials * model.mc_samples() >= kSelectionDraws);
  const double lead = model.stochastic() && provable ? kClearLead * model.votes()->lead() : 0;
  Choice out{torch::zeros({batch.y.size(0)}, x.options()),
             torch::full({batch.y.size(0)}, provable, batch.y.options().dtype(torch::kBool)),
             torch::ones({batch.y.size(0)}, batch.y.options().dtype(torch::kBool))};
  for (int64_t t = 0; t < trials; ++t) {
    const DefendedModel::Decision d = model.decide(
        x, noise.at(t), coarse ? rules.mode : models::Mode::kEvaluate, rules.draws_known);
    ledger.scoring_forwards += d.forwards;
    const Tensor gap = margin(rules.goal)({d.confidence, {}, {}}, rows);
    const Tensor hit = reached(rules.goal, d.answer, rows);
    out.score += hit + 0.5 * gap / (1 + gap.abs());
    out.won &= hit & (gap >= lead);
    out.hits &= hit;
  }
  out.score /= double(trials);
  return out;
}

// What run() gave, made sure of: an attack that answers nonsense must not look like a robust
// defense.
void require_images(const CraftBatch& batch, const Tensor& answer, const std::string& who) {
  if (!answer.defined()) throw InvalidResult(who + " returned no tensor");
  if (answer.layout() != torch::kStrided)
    throw InvalidResult(who + " returned a tensor that is not dense");
  if (answer.sizes() != batch.x.sizes())
    throw InvalidResult(who + " returned shape " + shape_text(answer.sizes()) + ", expected " +
                        shape_text(batch.x.sizes()));
  if (answer.scalar_type() != torch::kFloat)
    throw InvalidResult(who + " returned dtype " + c10::toString(answer.scalar_type()) +
                        ", expected Float");
  if (answer.device() != batch.x.device())
    throw InvalidResult(who + " returned a tensor on " + answer.device().str() + ", expected " +
                        batch.x.device().str());
}

// One run on copies of the task, with what it changed of the process put back. Undefined: it was
// stopped, since every sample is decided or out of budget.
Tensor answer_of(Attack& attack, HostTarget& target, LentTask& lent, const Task& task,
                 const CraftBatch& batch, const CraftRules& rules, std::set<std::string>& changed) {
  const library::Running running(rules.name);
  ProcessState process;
  const OwnGenerator generator;
  Tensor answer;
  try {
    answer = attack.run(target, task);
    require_images(batch, answer, rules.name);
    answer = answer.detach();
  } catch (const TaskOver&) {
    answer = Tensor();
  }
  require_untouched(rules.name, "run", {});
  if (const std::string name = lent.written(); !name.empty())
    throw WritesIntoLent(rules.name + " writes into " + name + ", which it is only lent");
  for (const std::string& what : process.put_back()) changed.insert(what);
  if (generator.used()) changed.insert(kOwnGenerator);
  return answer;
}

// A minimal-norm attack looks beyond the ball: where its answer lies there, it found nothing.
Tensor found_nothing_beyond(const ThreatModel& threat, const Tensor& x, const Tensor& answer) {
  return torch::where(per_image(threat.distance(x, answer) > threat.limit()), x, answer);
}

// An attack's runs on one batch, and the best answer of each sample.
class Attempts {
 public:
  Attempts(Attack& attack, DefendedModel& model, const CraftBatch& batch, const ThreatModel& threat,
           const CraftRules& rules, Environment& environment)
      : attack_(attack),
        facts_(attack.facts()),
        model_(model),
        batch_(batch),
        rules_(compacting(rules, facts_)),
        host_(environment, batch, rules_, facts_),
        task_{batch.x, batch.y, batch.target, rules.goal, threat, rules.loss, {}, host_},
        lent_(batch, threat, rules.goal, host_),
        target_(model, task_, batch, rules_, std::min(rules.access, facts_.access),
                facts_.minimal_norm, facts_.confidence),
        view_(std::make_shared<LossView>(model, rules.seed, rules.mode)),
        best_(batch.x),
        score_(torch::full({batch.y.size(0)}, -std::numeric_limits<float>::infinity(),
                           batch.x.options())),
        beaten_(torch::zeros({batch.y.size(0)}, batch.y.options().dtype(torch::kBool))) {
    host_.task = &task_;
    if (rules_.max_queries == 0 && !facts_.couples_rows && !model.suggests()) runs_ = rules_.runs;
  }

  Crafted all() {
    const bool adaptive =
        rules_.suggested && !rules_.loss && model_.suggests() && facts_.access >= Access::kScore;
    const int64_t rounds = rules_.restarts * (adaptive ? 2 : 1);
    for (int64_t round = 0; round < rounds && target_.active().any().item<bool>(); ++round) {
      const Tensor answer = run(
          round, round < rules_.restarts ? rules_.loss
                                         : std::optional(model_.adaptive_loss(rules_.goal, view_)));
      if (rounds == 1 && !searches_noise())
        best_ = answer;
      else
        consider(answer, torch::ones_like(beaten_));
    }
    if (searches_noise()) keep_lost();
    HostTarget::Told told = target_.told();
    Tensor blind = (told.nothing | told.not_finite | told.bounds) & target_.active() &
                   target_.hit().logical_not() & beaten_.logical_not();
    if (rules_.retry && !rules_.loss && blind.any().item<bool>()) told = again(rounds, blind, told);
    return result(told, blind);
  }

 private:
  static CraftRules compacting(CraftRules rules, const AttackFacts& facts) {
    rules.compact &= !facts.couples_rows;
    return rules;
  }

  // What the host holds for the attack's answer after one run of it. Rows that the attack cannot
  // tell apart share it: what a sample's answer is does not depend on which others are attacked.
  Tensor run(int64_t round, const std::optional<Loss>& loss) {
    const Progress before = target_.progress();
    if (!runs_ || runs_->closed || round > std::ssize(runs_->runs)) return run_alone(round, loss);
    if (round == std::ssize(runs_->runs))
      runs_->runs.push_back({torch::zeros_like(beaten_), batch_.x, before.calls, before});
    KnownRun& known = runs_->runs[size_t(round)];
    if (known.calls_before != before.calls) return run_alone(round, loss);
    const Tensor wanted = target_.active(), missing = wanted & known.done.logical_not();
    if (missing.any().item<bool>()) {
      const bool all = missing.equal(wanted);
      target_.set_aside(missing.logical_not());
      const Tensor answer = run_alone(round, loss);
      target_.set_aside(torch::zeros_like(missing));
      if (!can_be_shared()) {
        runs_->close();
        if (all) return answer;
        target_.resume(before, torch::ones_like(missing));
        return run_alone(round, loss);
      }
      add(known, missing, answer);
    }
    const Tensor spared = wanted & missing.logical_not();
    runs_->spared += ((known.after.requested - before.requested) * spared).sum().item<int64_t>();
    target_.resume(known.after, wanted);
    changed_.insert(runs_->changed.begin(), runs_->changed.end());
    return target_.settle(torch::where(per_image(wanted), known.answer, batch_.x));
  }

  // A generator that is not the host's, or noise that counts the models it was lent for, would give
  // other rows other numbers.
  bool can_be_shared() const {
    return !target_.saw_vote() && !changed_.contains(kOwnGenerator) &&
           (rules_.restarts == 1 || !host_.has_sources());
  }

  void add(KnownRun& known, const Tensor& samples, const Tensor& answer) {
    const Progress now = target_.progress();
    if (!known.done.any().item<bool>())
      known.after.calls = now.calls, known.after.noted = now.noted;
    known.answer = torch::where(per_image(samples), answer, known.answer);
    known.done = known.done | samples;
    known.after.take(now, samples);
    runs_->changed.insert(changed_.begin(), changed_.end());
    runs_->samples = std::max(runs_->samples, host_.samples_taken());
    runs_->sources = host_.passes();
    runs_->uneven |= target_.uneven();
    runs_->asked |= target_.asked() || host_.has_sources();
    const Tensor saturated = host_.told_nothing();
    runs_->source_saturated = runs_->source_saturated.defined()
                                  ? runs_->source_saturated | (saturated & samples)
                                  : saturated & samples;
  }

  Tensor run_alone(int64_t round, const std::optional<Loss>& loss) {
    const Task& given =
        lent_.lend(round % rules_.restarts, loss,
                   noise_for(rules_.seed, Stream::kAttack, batch_.index, uint64_t(round)));
    Tensor answer = answer_of(attack_, target_, lent_, given, batch_, rules_, changed_);
    if (answer.defined()) {
      if (facts_.minimal_norm) answer = found_nothing_beyond(task_.threat, batch_.x, answer);
      if (const std::string why = bounds_problem(task_.threat, batch_.x, answer, target_.open());
          !why.empty())
        throw InvalidResult(why);
    }
    return target_.settle(answer);
  }

  // Keeps the better of the answers of these samples; [N] bool.
  void consider(const Tensor& answer, const Tensor& samples) {
    const Choice now = look_at(model_, batch_, rules_, answer, selection_);
    const Tensor better = ((now.score > score_) & samples) | target_.hit();
    best_ = torch::where(per_image(better), answer, best_);
    score_ = torch::where(samples, torch::maximum(score_, now.score), score_);
    beaten_ = beaten_ | (now.hits & samples);
    if (rules_.retire && (model_.stochastic() || !rules_.track)) target_.retire(now.won & samples);
  }

  // Searches for the nearest hit end where some draw was lucky. On an image that most draws lose
  // without an attack that can be a place where fewer do.
  bool searches_noise() const { return facts_.minimal_norm && model_.stochastic(); }
  void keep_lost() {
    const Choice clean = look_at(model_, batch_, rules_, batch_.x, selection_);
    const Tensor better = clean.score > score_;
    best_ = torch::where(per_image(better), batch_.x, best_);
    score_ = torch::maximum(score_, clean.score);
    beaten_ = beaten_ | (clean.hits & better);
  }

  // The same attack on the margin loss, which tells of every input how far it is from a hit. What
  // withstood is given up only for something better.
  HostTarget::Told again(int64_t rounds, Tensor& blind, const HostTarget::Told& first) {
    if (rounds == 1 && !searches_noise()) consider(best_, torch::ones_like(beaten_));
    blind = blind & beaten_.logical_not() & target_.active();
    if (!blind.any().item<bool>()) return first;
    target_.retry(blind);
    for (int64_t r = 0; r < rules_.restarts && target_.active().any().item<bool>(); ++r)
      consider(run_alone(rounds + r, margin(rules_.goal)), blind);
    HostTarget::Told told = target_.told();
    const auto latest = [&](const Tensor& now, const Tensor& before) {
      return torch::where(blind, now, before);
    };
    return {latest(first.all_zero & told.all_zero, first.all_zero), first.nothing,
            first.only_nothing, latest(told.not_finite, first.not_finite),
            // Without a gradient a hair inside, too, there is just none.
            first.bounds & told.bounds.logical_not()};
  }

  Crafted result(const HostTarget::Told& told, const Tensor& blind) {
    Crafted out;
    out.x = best_;
    const results::Ledger sources = host_.passes();
    out.ledger = target_.ledger();
    out.ledger.scoring_forwards += selection_.scoring_forwards;
    out.ledger.executed_forwards += view_->forwards();
    out.ledger.source_forwards = sources.source_forwards;
    out.ledger.source_backwards = sources.source_backwards;
    out.queries = target_.queries();
    out.confirmed = target_.hit();
    out.zero_gradients = told.all_zero;
    out.blind = blind;
    out.saturated = blind & told.nothing & told.all_zero.logical_not();
    out.masked_bounds = blind & told.bounds;
    out.source_saturated = host_.told_nothing();
    out.not_finite = told.not_finite;
    out.refuted = target_.refuted();
    out.uneven = target_.uneven();
    out.asked = target_.asked() || sources.source_forwards > 0;
    out.samples = host_.samples_taken();
    out.changed = changed_;
    if (runs_ && !runs_->closed) {
      out.ledger.source_forwards = runs_->sources.source_forwards;
      out.ledger.source_backwards = runs_->sources.source_backwards;
      out.uneven |= runs_->uneven;
      out.asked |= runs_->asked, out.samples = std::max(out.samples, runs_->samples);
      if (runs_->source_saturated.defined())
        out.source_saturated = out.source_saturated | runs_->source_saturated;
    }
    return out;
  }

  Attack& attack_;
  const AttackFacts facts_;
  DefendedModel& model_;
  const CraftBatch& batch_;
  const CraftRules rules_;
  TaskHost host_;
  Task task_;      // the host's own
  LentTask lent_;  // the attack's
  HostTarget target_;
  std::shared_ptr<RunMemory> runs_;  // null: nothing is shared
  std::set<std::string> changed_;
  results::Ledger selection_;
  const std::shared_ptr<LossView> view_;  // of a loss that the defense suggests
  Tensor best_, score_, beaten_;
};
}  // namespace

Crafted craft(Attack& attack, DefendedModel& model, const CraftBatch& batch,
              const ThreatModel& threat, const CraftRules& rules, Environment& environment) {
  const at::NoGradGuard no_graph;  // only what the Target differentiates has a graph
  return Attempts(attack, model, batch, threat, rules, environment).all();
}

}  // namespace gauntlet::evaluation
