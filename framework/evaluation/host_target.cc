#include "evaluation/host_target.h"

#include <torch/csrc/autograd/autograd.h>

#include <limits>
#include <map>

#include "base/shape_text.h"
#include "evaluation/attack_facts.h"
#include "evaluation/bounds.h"
#include "evaluation/goal.h"
#include "evaluation/interrupted.h"
#include "evaluation/loss_call.h"
#include "evaluation/plugin_call.h"
#include "suite/names.h"
#include "suite/suite.h"

namespace gauntlet::evaluation {
namespace {

constexpr const char* kOnlyOfDraws = "is not averaged over draws: expected the average kLoss";

Tensor selected(const Tensor& t, const Tensor& rows) {
  return t.defined() ? t.index_select(0, rows) : t;
}

// The last row of each of n samples, -1 where it has none: [R] -> [n]. Rows of sample -1 count for
// none.
Tensor row_of_each(const Tensor& sample, int64_t n) {
  const Tensor row = torch::arange(sample.size(0), sample.options());
  return torch::full({n + 1}, -1, sample.options())
      .scatter_reduce_(0, sample.where(sample >= 0, n), row, "amax")
      .narrow(0, 0, n);
}

bool of_shares(Average average) {
  return average == Average::kProbability || average == Average::kBallot;
}
}  // namespace

// Adds what chunks give per row; a single chunk with a single draw is taken as it is.
class HostTarget::Sum {
 public:
  void add(const Chunk& chunk, int64_t rows, const Tensor& value) {
    const Tensor detached = value.detach();
    const Tensor one =
        chunk.draws == 1 ? detached : detached.unflatten(0, {chunk.draws, chunk.count}).sum(0);
    if (!total_.defined() && chunk.count == rows) {
      total_ = one;
      return;
    }
    if (!total_.defined()) {
      std::vector<int64_t> shape = one.sizes().vec();
      shape[0] = rows;
      total_ = torch::zeros(shape, one.options());
    }
    if (chunk.count == rows)
      total_ = total_ + one;
    else
      total_.narrow(0, chunk.from, chunk.count).add_(one);
  }
  Tensor mean(int64_t draws) const { return draws == 1 ? total_ : total_ / double(draws); }

 private:
  Tensor total_;
};

HostTarget::HostTarget(DefendedModel& model, const Task& task, const CraftBatch& batch,
                       const CraftRules& rules, Access granted, bool minimal_norm,
                       double confidence)
    : model_(model),
      task_(task),
      rules_(rules),
      granted_(granted),
      minimal_norm_(minimal_norm),
      tracks_(rules.track && !model.stochastic() && !model.couples_rows()),
      budgeted_(rules.max_queries > 0),
      confidence_(confidence),
      index_(batch.index),
      noise_(rules.defense_noise
                 ? *rules.defense_noise
                 : noise_for(rules.seed, rules.defense_stream, batch.index, rules.defense_run)) {
  const int64_t n = batch.x.size(0);
  taken_ = torch::zeros_like(index_);
  requested_ = pulled_ = torch::zeros_like(index_);
  retired_ = batch.settled.defined() ? batch.settled.clone() : index_ < 0;
  spent_ = aside_ = torch::zeros_like(retired_);
  notes_ = torch::zeros({n, kNotes}, index_.options());
  best_ = batch.x;
  best_norm_ = torch::full({n}, std::numeric_limits<float>::infinity(), batch.x.options());
  doubtful_ = torch::ones_like(retired_);
  last_ = batch.x;
  memory_.logits = torch::zeros({n, model.classes()}, batch.x.options());
  if (model.refuses()) memory_.reject = torch::zeros({n}, batch.x.options());
}

TargetFacts HostTarget::facts() const { return facts_of(model_); }

int64_t HostTarget::mc_samples() const {
  saw_vote_ = true;
  return model_.mc_samples();
}

results::Ledger HostTarget::ledger() const {
  results::Ledger out = ledger_;
  out.queries = out.forwards = requested_.sum().item<int64_t>();
  out.backwards = pulled_.sum().item<int64_t>();
  return out;
}

void HostTarget::resume(const Progress& from, const Tensor& samples) {
  Progress now = progress();
  now.take(from, samples);
  taken_ = now.taken, requested_ = now.requested, pulled_ = now.pulled, notes_ = now.notes;
  calls_ = from.calls, noted_ = from.noted;
}

void HostTarget::propose(const Tensor& x) {
  if (!x.defined() || x.sizes() != task_.x.sizes() || x.scalar_type() != task_.x.scalar_type())
    throw std::invalid_argument("what is proposed must be like the task's x, " +
                                shape_text(task_.x.sizes()));
  proposal_ = x.detach().clone();  // an attack may go on in place
}

Tensor HostTarget::budget_left() const {
  if (!budgeted_) return torch::full_like(requested_, std::numeric_limits<int64_t>::max());
  return (rules_.max_queries - requested_).clamp_min(0);
}

int64_t HostTarget::draws_of(const Query& query) const {
  return model_.stochastic() ? query.draws.value_or(rules_.draws) : 1;
}

// ---- what is computed of a query ----------------------------------------------------------------

HostTarget::Pass HostTarget::enter(Access least, const Tensor& x, const Query& query, int64_t draws,
                                   int64_t losses) {
  if (rules_.stop && rules_.stop->load()) throw Interrupted{};
  if (granted_ < least)
    throw AccessError("the attack asked for " + suite::to_string(least) +
                      " access and is granted " + suite::to_string(granted_));
  if (draws < 1)
    throw std::invalid_argument("a query needs at least one draw, asked for " +
                                std::to_string(draws));
  require_untouched(rules_.name, "run", {});
  if (const std::string wrong = features_problem(model_.network(), query.features); !wrong.empty())
    throw std::invalid_argument("a query: " + wrong);
  // The rows are the attack's, and a loss may write into them.
  const Tensor rows = query.rows.defined() ? query.rows.clone() : query.rows;
  Pass pass{!rows.defined(), task_.rows(rows), {}, {}, x.detach(), {}, draws, {}, query.features};
  if (x.layout() != torch::kStrided || x.scalar_type() != task_.x.scalar_type())
    throw std::invalid_argument(std::string("a query's inputs must be dense and of dtype ") +
                                c10::toString(task_.x.scalar_type()) + ", they are " +
                                c10::toString(x.scalar_type()));
  if (x.dim() != 4 || x.size(0) != pass.all.sample.size(0) ||
      x.sizes().slice(1) != task_.x.sizes().slice(1))
    throw std::invalid_argument("a query's inputs must be [" +
                                std::to_string(pass.all.sample.size(0)) +
                                ", C, H, W] like the task's");
  pass.average = query.average    ? *query.average
                 : rules_.average ? *rules_.average
                 : model_.votes() ? model_.votes()->surrogate()
                                  : Average::kLoss;
  asked_ = true;
  saw_vote_ |= pass.average == Average::kBallot;
  charge(pass, draws, losses);
  pass.noise = noise_of(pass, query);
  // Keys are fixed before rows are left out: a row's noise must not depend on who else is active.
  const Tensor running = active();
  const bool all_active = !rules_.compact || model_.couples_rows() || running.all().item<bool>();
  if (all_active && !rules_.shuffle) {
    pass.rows = pass.all;
    return pass;
  }
  pass.keep = all_active ? torch::arange(x.size(0), index_.options())
                         : running.index_select(0, pass.all.sample).nonzero().squeeze(1);
  if (rules_.shuffle && !model_.couples_rows()) pass.keep = pass.keep.flip(0);
  pass.rows = {selected(pass.all.sample, pass.keep), selected(pass.all.y, pass.keep),
               selected(pass.all.target, pass.keep)};
  pass.x = pass.x.index_select(0, pass.keep);
  pass.noise.key.id = selected(pass.noise.key.id, pass.keep);
  pass.noise.key.place = selected(pass.noise.key.place, pass.keep);
  return pass;
}

void HostTarget::charge(const Pass& pass, int64_t draws, int64_t losses) {
  const Tensor cost =
      pass.whole ? torch::full_like(requested_, draws)
                 : torch::zeros_like(requested_)
                       .index_add_(0, pass.all.sample, torch::full_like(pass.all.sample, draws));
  if (budgeted_) spent_ = spent_ | (active() & (requested_ + cost > rules_.max_queries));
  const Tensor charged = cost * active();
  if (charged.sum().item<int64_t>() == 0) throw TaskOver{};
  requested_ = requested_ + charged;
  if (losses > 0) pulled_ = pulled_ + charged * losses;
}

Noise HostTarget::noise_of(const Pass& pass, const Query& query) {
  const bool says = query.noise != Draw::kFresh;
  // Who made the rules (a training method) may want no noise at all, or keys of its own; keys that
  // the attack names tell draws apart beyond them.
  const Draw kind = rules_.noise == Draw::kOff ? Draw::kOff : says ? query.noise : rules_.noise;
  const int64_t key =
      ((rules_.noise == Draw::kFixed ? rules_.noise_key : 0) + (says ? query.key : 0)) % kFixedKeys;
  const bool fixed = kind == Draw::kFixed;
  Noise noise = noise_;
  noise.key.off = kind == Draw::kOff;
  noise.key.place = fixed ? torch::full_like(taken_, fixed_place(key)) : taken_ * kStepUnit;
  if (!pass.whole) {
    // Without noise the copies of a sample need no numbers of their own.
    if (model_.stochastic())
      noise = noise.rows(pass.all.sample);
    else
      noise.key.id = selected(index_, pass.all.sample),
      noise.key.place = selected(noise.key.place, pass.all.sample);
  }
  if (!fixed && !pass.whole && !uneven_ && model_.shared_noise()) {
    const Tensor asked = torch::zeros_like(retired_).index_fill(0, pass.all.sample, true);
    uneven_ = (active() & asked.logical_not()).any().item<bool>();
  }
  noise.key.shared = fixed ? fixed_place(key) : calls_++ * kStepUnit;
  if (!fixed)
    taken_ = taken_ + (pass.whole ? torch::ones_like(taken_)
                                  : torch::zeros_like(taken_).index_fill_(0, pass.all.sample, 1));
  return noise;
}

void HostTarget::each(const Pass& pass, bool graph, const std::function<void(const Chunk&)>& body) {
  const at::AutoGradMode mode(graph);
  const int64_t rows = pass.x.size(0);
  const int64_t cap = model_.couples_rows() ? rows
                      : rules_.memory_rows  ? rules_.memory_rows
                                            : model_.memory_rows();
  // Draws that share their noise go one by one; others fold into the batch.
  const bool apart = model_.shared_noise() || model_.couples_rows();
  const int64_t group =
      apart ? 1 : std::clamp<int64_t>(cap / std::max<int64_t>(rows, 1), 1, pass.draws);
  for (int64_t draw = 0; draw < pass.draws; draw += group) {
    const int64_t draws = std::min(group, pass.draws - draw);
    for (int64_t from = 0; from < rows; from += cap) {
      const int64_t count = std::min(cap, rows - from);
      const auto part = [&](const Tensor& t) {
        if (!t.defined()) return t;
        const Tensor one = count == rows ? t : t.narrow(0, from, count);
        return draws == 1 ? one : one.repeat({draws});
      };
      Noise noise = pass.noise;
      noise.key.id = part(noise.key.id);
      noise.key.place = part(noise.key.place);
      if (draw > 0 || draws > 1)
        noise.key.place =
            noise.key.place +
            torch::arange(draw, draw + draws, index_.options()).repeat_interleave(count) *
                kDrawUnit;
      noise.key.shared += draw * kDrawUnit;
      const Tensor input = count == rows ? pass.x : pass.x.narrow(0, from, count);
      const Tensor leaf =
          (draws == 1 ? input.detach() : input.repeat({draws, 1, 1, 1})).requires_grad_(graph);
      ledger_.executed_forwards += leaf.size(0);
      const Outputs outputs = model_.pass(leaf, noise, rules_.mode, pass.features);
      body({leaf,
            outputs,
            {part(pass.rows.sample), part(pass.rows.y), part(pass.rows.target)},
            from,
            count,
            draws});
    }
  }
}

// ---- averages ----------------------------------------------------------------------------------

// What an average of outputs is taken of, with the detector's score as a last column, and back.
Tensor HostTarget::packed(const Outputs& outputs, Average average) const {
  const bool ballots = average == Average::kBallot && model_.votes();
  const Tensor v = ballots              ? model_.ballot(outputs)
                   : of_shares(average) ? outputs.logits.softmax(1)
                                        : outputs.logits;
  return outputs.reject.defined() ? torch::cat({v, outputs.reject.unsqueeze(1)}, 1) : v;
}

Outputs HostTarget::unpacked(const Tensor& packed, Average average) const {
  const int64_t k = model_.classes();
  const Tensor l = packed.size(1) > k ? packed.narrow(1, 0, k) : packed;
  // log of a mean share: softmax of it gives the mean back
  return {of_shares(average) ? l.clamp_min(1e-20).log() : l,
          packed.size(1) > k ? packed.select(1, k) : Tensor{},
          {}};
}

Tensor HostTarget::packed_mean(const Pass& pass, Average average) {
  Sum sum;
  each(pass, false,
       [&](const Chunk& chunk) { sum.add(chunk, pass.x.size(0), packed(chunk.outputs, average)); });
  return sum.mean(pass.draws);
}

// ---- queries -----------------------------------------------------------------------------------

// What is inside the network is seen by losses of single draws.
void HostTarget::check_features(const Query& query, bool of_draws, const char* why) {
  if (!query.features.empty() && !of_draws)
    throw std::invalid_argument("a query asks for the feature '" + query.features.front() +
                                "', which " + why);
}

Tensor HostTarget::decisions(const Tensor& x, const Query& query) {
  const at::NoGradGuard no_graph;
  check_features(query, false, "decisions() do not show");
  saw_vote_ = true;
  const int64_t draws = model_.stochastic() ? model_.mc_samples() : 1;
  const Pass pass = enter(Access::kDecision, x, query, draws, 0);
  const DefendedModel::Decision decision = model_.decide(pass.x, pass.noise);
  ledger_.executed_forwards += decision.forwards;
  const Tensor& answer = decision.answer;
  // Tracking needs a margin: 1 for the answer, 0 for the others.
  // No answer: no class is ahead.
  Outputs shown{torch::one_hot(answer.clamp_min(0), model_.classes())
                    .to(torch::kFloat)
                    .masked_fill((answer == DefendedModel::kNoAnswer).unsqueeze(1), -1),
                {},
                {}};
  if (model_.refuses()) shown.reject = (answer == DefendedModel::kRefused).to(torch::kFloat);
  const Outputs all =
      finish(pass, shown, margin(task_.goal)(shown, pass.rows), answer == DefendedModel::kNoAnswer);
  Tensor out = all.logits.argmax(1).masked_fill(all.logits.amax(1) < 0, -1);
  if (all.reject.defined()) out = out.masked_fill(all.reject > 0, -1);
  return out;
}

Outputs HostTarget::scores(const Tensor& x, const Query& query) {
  const at::NoGradGuard no_graph;
  check_features(query, false, "scores() do not show");
  const Pass pass = enter(Access::kScore, x, query, draws_of(query), 0);
  const Average average = pass.average == Average::kLoss ? Average::kLogit : pass.average;
  const Outputs mean = unpacked(packed_mean(pass, average), average);
  return finish(pass, mean, margin(task_.goal)(mean, pass.rows));
}

Tensor HostTarget::losses(const Tensor& x, const Loss& loss, const Query& query) {
  const at::NoGradGuard no_graph;
  const Pass pass = enter(Access::kScore, x, query, draws_of(query), 0);
  const int64_t rows = pass.x.size(0);
  const bool ballots = pass.average == Average::kBallot && model_.votes();
  const bool of_mean = ballots || (pass.draws > 1 && pass.average != Average::kLoss);
  check_features(query, !of_mean, kOnlyOfDraws);
  const Average average = of_mean ? pass.average : Average::kLogit;
  Sum value, sum;
  each(pass, false, [&](const Chunk& chunk) {
    if (!of_mean) value.add(chunk, rows, loss_of(loss, chunk.outputs, chunk.rows, rules_.name));
    sum.add(chunk, rows, packed(chunk.outputs, average));
  });
  const Outputs mean = unpacked(sum.mean(pass.draws), average);
  const Tensor l = of_mean ? loss_of(loss, mean, pass.rows, rules_.name) : value.mean(pass.draws);
  const Tensor gap = margin(task_.goal)(mean, pass.rows);
  note(pass, l, {}, gap);
  finish(pass, mean, gap);
  return spread(pass, l);
}

std::vector<Gradient> HostTarget::gradients(const Tensor& x, const std::vector<Loss>& losses,
                                            const Query& query) {
  const at::NoGradGuard no_graph;
  if (losses.empty()) throw std::invalid_argument("gradients: at least one loss is needed");
  const Pass pass = enter(Access::kGradient, x, query, draws_of(query), int64_t(losses.size()));
  Pass asked = pass;
  asked.x = asked_at(pass.x);
  const Average average = pass.draws == 1 ? Average::kLoss : pass.average;
  check_features(query, average == Average::kLoss, kOnlyOfDraws);
  std::vector<Sum> slopes(losses.size()), values(losses.size());
  std::vector<Tensor> pull, loss_of_mean;
  Outputs outputs;
  if (average == Average::kLoss) {
    Sum logits;
    differentiate(asked, losses, {}, slopes, values, &logits);
    outputs = unpacked(logits.mean(pass.draws), Average::kLogit);
  } else {
    // First pass: the mean, and how each loss pulls on it. The second replays the same draws.
    const Tensor found = packed_mean(asked, average);
    outputs = unpacked(found, average);
    const at::AutoGradMode graph(true);
    const Tensor mean = found.detach().requires_grad_(true);
    for (const Loss& loss : losses) {
      const Tensor l = loss_of(loss, unpacked(mean, average), pass.rows, rules_.name);
      loss_of_mean.push_back(l.detach());
      pull.push_back(torch::autograd::grad({l.sum()}, {mean})[0]);
    }
    differentiate(asked, losses, pull, slopes, values, nullptr);
  }
  const Tensor gap = margin(task_.goal)(outputs, pass.rows);
  std::vector<Tensor> slope, value;
  for (size_t j = 0; j < losses.size(); ++j) {
    slope.push_back(slopes[j].mean(pass.draws));
    value.push_back(pull.empty() ? values[j].mean(pass.draws) : loss_of_mean[j]);
    note(pass, value[j], slope[j], gap);
  }
  const Outputs all = finish(pass, outputs, gap);
  std::vector<Gradient> answer;
  for (size_t j = 0; j < losses.size(); ++j)
    answer.push_back({spread(pass, slope[j]), spread(pass, value[j]), all});
  return answer;
}

// Gradients of each loss, or of pull · outputs where the loss is of a mean over the draws.
void HostTarget::differentiate(const Pass& pass, const std::vector<Loss>& losses,
                               const std::vector<Tensor>& pull, std::vector<Sum>& slopes,
                               std::vector<Sum>& values, Sum* logits) {
  const int64_t rows = pass.x.size(0);
  const at::AutoGradMode graph(true);
  each(pass, true, [&](const Chunk& chunk) {
    for (size_t j = 0; j < losses.size(); ++j) {
      Tensor l;
      if (pull.empty()) {
        l = loss_of(losses[j], chunk.outputs, chunk.rows, rules_.name);
        values[j].add(chunk, rows, l);
      } else {
        const Tensor force = pull[j].narrow(0, chunk.from, chunk.count).repeat({chunk.draws, 1});
        l = (packed(chunk.outputs, pass.average) * force).sum(1);
      }
      Tensor slope;  // a constant model has no gradient
      if (l.requires_grad())
        slope = torch::autograd::grad({l.sum()}, {chunk.leaf}, {}, j + 1 < losses.size(), false,
                                      /*allow_unused=*/true)[0];
      slopes[j].add(chunk, rows, slope.defined() ? slope : torch::zeros_like(chunk.leaf));
      ledger_.executed_backwards += chunk.leaf.size(0);
    }
    if (logits) logits->add(chunk, rows, packed(chunk.outputs, Average::kLogit));
  });
}

// ---- what the attack is shown, and what the host keeps -----------------------------------------

// [r] of the computed rows -> [R], 0 where the sample is inactive.
Tensor HostTarget::spread(const Pass& pass, const Tensor& computed) {
  if (!pass.keep.defined()) return computed;
  std::vector<int64_t> shape = computed.sizes().vec();
  shape[0] = pass.all.sample.size(0);
  return torch::zeros(shape, computed.options()).index_copy_(0, pass.keep, computed);
}

// gap: the margin of these outputs. unanswered: [r] bool, rows without an answer, where the outputs
// do not show them.
Outputs HostTarget::finish(const Pass& pass, const Outputs& outputs, const Tensor& gap,
                           const Tensor& unanswered) {
  if (rules_.observe) rules_.observe(pass.rows, pass.x, outputs);
  track(pass, outputs, gap, unanswered);
  remember(pass, outputs);
  if (!pass.keep.defined()) return {outputs.logits, outputs.reject, {}};
  Outputs all{pass.all.of(memory_.logits).index_copy_(0, pass.keep, outputs.logits), {}, {}};
  if (outputs.reject.defined())
    all.reject = pass.all.of(memory_.reject).index_copy_(0, pass.keep, outputs.reject);
  return all;
}

// The last logits of each sample, for its rows once it is inactive.
void HostTarget::remember(const Pass& pass, const Outputs& outputs) {
  if (pass.whole && !pass.keep.defined()) {
    memory_.logits = outputs.logits.clone();  // the attack is given these and may write into them
    if (outputs.reject.defined()) memory_.reject = outputs.reject.clone();
    return;
  }
  const Tensor row = row_of_each(pass.rows.sample, requested_.size(0));
  const Tensor known = (row >= 0).nonzero().squeeze(1), from = row.index_select(0, known);
  memory_.logits = memory_.logits.index_copy(0, known, outputs.logits.index_select(0, from));
  if (outputs.reject.defined())
    memory_.reject = memory_.reject.index_copy(0, known, outputs.reject.index_select(0, from));
}

void HostTarget::track(const Pass& pass, const Outputs& outputs, const Tensor& gap,
                       const Tensor& unanswered) {
  if (!tracks_ && !budgeted_) return;
  const Tensor& s = pass.rows.sample;
  if (budgeted_) {  // a sample stopped by its budget is scored by what it asked last inside the
                    // ball
    const Tensor within = task_.threat.rows(s).contains(pass.rows.of(task_.x), pass.x);
    const Tensor row = row_of_each(s.masked_fill(within.logical_not(), -1), requested_.size(0));
    const Tensor known = (row >= 0).nonzero().squeeze(1);
    last_ = last_.index_copy(0, known, pass.x.index_select(0, row.index_select(0, known)));
  }
  if (!tracks_) return;
  Tensor claimed = gap > 0, sure = gap >= confidence_;
  if (task_.goal == Goal::kUntargeted) {  // the judge counts no answer as wrong, whatever its gap
    const Tensor none = unanswered.defined() ? unanswered : faulty_rows(outputs);
    claimed = claimed | none, sure = sure | none;
  }
  const Tensor hits = (claimed & pass.rows.of(retired_).logical_not()).nonzero().squeeze(1);
  if (hits.size(0) > 0) confirm(pass, hits, sure.index_select(0, hits));
}

// A claimed hit counts when it is inside ball and box, nearer than an earlier one, and the judge's
// own float32 forward of the real defense agrees. `sure`: it wins by the confidence that the attack
// asks for; one that does not counts until one does.
void HostTarget::confirm(const Pass& pass, const Tensor& hits, const Tensor& sure) {
  const Tensor sample = pass.rows.sample.index_select(0, hits), x = pass.x.index_select(0, hits);
  const Tensor clean = task_.x.index_select(0, sample);
  const ThreatModel threat = task_.threat.rows(sample);
  const Tensor norm = threat.distance(clean, x);
  const Tensor doubt = doubtful_.index_select(0, sample);
  const Tensor nearer = norm < best_norm_.index_select(0, sample);
  const Tensor counts = threat.contains_at(norm, x) & ((sure & doubt) | ((sure | doubt) & nearer));
  Tensor order =
      norm.masked_fill(counts.logical_not(), std::numeric_limits<float>::infinity()).argsort();
  if (confidence_ > 0)  // those that are sure first
    order = order.index_select(0, sure.index_select(0, order).logical_not().argsort(
                                      /*stable=*/true, 0, /*descending=*/false));
  std::map<int64_t, int64_t> nearest;  // one row a sample
  const Tensor host_order = order.cpu(), host_counts = counts.cpu(), host_sample = sample.cpu();
  const auto* samples = host_sample.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < host_order.size(0); ++i) {
    const int64_t row = host_order.const_data_ptr<int64_t>()[i];
    if (host_counts.const_data_ptr<bool>()[row]) nearest.emplace(samples[row], row);
  }
  if (nearest.empty()) return;
  std::vector<int64_t> rows;
  for (const auto& [_, row] : nearest) rows.push_back(row);
  const Tensor at = torch::tensor(rows, index_.options()), s = sample.index_select(0, at);
  const Tensor candidate = x.index_select(0, at);
  const DefendedModel::Decision decision =
      model_.decide(candidate, noise_for(rules_.seed, Stream::kScoring, index_.index_select(0, s)));
  ledger_.scoring_forwards += decision.forwards;
  const Tensor won = reached(task_.goal, decision.answer, task_.rows(s)).nonzero().squeeze(1);
  refuted_ += at.size(0) - won.size(0);
  const Tensor winners = s.index_select(0, won);
  best_ = best_.index_copy(0, winners, candidate.index_select(0, won));
  best_norm_ = best_norm_.index_copy(0, winners, norm.index_select(0, at).index_select(0, won));
  const Tensor surely = sure.index_select(0, at).index_select(0, won);
  doubtful_ = doubtful_.index_copy(0, winners, surely.logical_not());
  if (!minimal_norm_) retired_ = retired_.index_fill(0, winners.masked_select(surely), true);
}

Tensor HostTarget::settle(const Tensor& returned) const {
  const Tensor stopped = proposal_.defined() ? proposal_ : last_;
  const Tensor answer =
      returned.defined() ? torch::where(per_image(spent_), stopped, returned) : stopped;
  // A settled sample that was never attacked keeps its clean input.
  const Tensor untouched = per_image(retired_ & hit().logical_not());
  return torch::where(per_image(hit()), best_, torch::where(untouched, task_.x, answer));
}

}  // namespace gauntlet::evaluation
