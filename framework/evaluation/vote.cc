// Draws of a defended model added up: what a decision is made of.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>

#include "evaluation/defended_model.h"
#include "evaluation/plugin_call.h"

namespace gauntlet::evaluation {
namespace {

constexpr int64_t kDecisionRows = 256;  // rows of one forward of the judge

Noise draw_of(const Noise& noise, int64_t draw) {
  Noise out = noise;
  out.key.place = noise.key.place + draw * kDrawUnit;
  out.key.shared = noise.key.shared + draw * kDrawUnit;
  return out;
}

Noise selected(const Noise& noise, const Tensor& rows) {
  Noise out = noise;
  out.key.id = noise.key.id.index_select(0, rows);
  out.key.place = noise.key.place.index_select(0, rows);
  return out;
}

// `group` draws that follow one another, all rows of the first before those of the next.
Noise repeated(const Noise& noise, int64_t group) {
  Noise out = noise;
  const Tensor offset =
      torch::arange(group, noise.key.place.options()).repeat_interleave(noise.key.id.size(0)) *
      kDrawUnit;
  out.key.id = noise.key.id.repeat({group});
  out.key.place = noise.key.place.repeat({group}) + offset;
  return out;
}

// [R]: a detector's scores, among which what is not a number is the largest.
Tensor with_order(const Tensor& reject) {
  return reject.masked_fill(reject.isnan(), std::numeric_limits<float>::infinity());
}
}  // namespace

Tensor faulty_rows(const Outputs& out) {
  const Tensor bad = out.logits.isfinite().all(1).logical_not();
  return out.reject.defined() ? bad | out.reject.isnan() : bad;
}

// Few rows are drawn several times in one forward, unless a forward has one draw for all.
int64_t DefendedModel::draws_at_once(int64_t rows, int64_t left) const {
  return shared_noise_ || couples_rows_ ? 1 : std::clamp<int64_t>(kDecisionRows / rows, 1, left);
}

Tensor DefendedModel::ballot(const Outputs& one_draw) const {
  const std::string who = name_of(votes_);
  Lent lent;
  lent.add(one_draw);
  const Tensor given = call_plugin(who, "ballot", lent, [&] { return votes_->ballot(one_draw); });
  require_result(who, "ballot", given, {one_draw.logits.sizes(), one_draw.logits.scalar_type()});
  const double most = votes_->lead();
  if (!std::isfinite(most) || classes() < 2 || given.size(0) == 0) return given;
  const Tensor top = std::get<0>(given.detach().topk(2, 1));
  const double lead = (top.select(1, 0) - top.select(1, 1)).max().item<double>();
  if (lead > most + 1e-4)  // what ends a vote early rests on it
    throw InvalidResult(
        fmt::format("{}: one ballot() puts a class {:.6g} ahead of the next, where "
                    "lead() says at most {:.6g}",
                    who, lead, most));
  return given;
}

// faulty: [R] bool, rows without a ballot.
Tensor DefendedModel::ballot_of(const Outputs& one_draw, const Tensor& faulty) const {
  const Tensor none = faulty.unsqueeze(1);
  if (!votes_)
    return torch::zeros_like(one_draw.logits)
        .scatter(1, one_draw.logits.argmax(1, true), 1)
        .masked_fill(none, 0);
  Outputs sound = one_draw;
  sound.logits = one_draw.logits.masked_fill(none, 0);
  const Tensor cast = ballot(sound).masked_fill(none, 0);
  if (!cast.isfinite().all().item<bool>())
    throw InvalidResult(name_of(votes_) + ": ballot() gave values that are not finite");
  return cast;
}

Tensor DefendedModel::ballots(const Tensor& x, const Noise& noise, int64_t draws,
                              const std::function<void(int64_t)>& before) {
  return summed(x, noise, draws, inner_, before);
}

// Never more rows in memory than those of one forward, however many the draws.
Tensor DefendedModel::summed(const Tensor& x, const Noise& noise, int64_t draws, size_t wrappers,
                             const std::function<void(int64_t)>& before) {
  const at::NoGradGuard no_graph;
  const int64_t rows = x.size(0), most = couples_rows_ ? std::max<int64_t>(rows, 1) : kDecisionRows;
  if (rows != noise.key.id.size(0))
    throw std::invalid_argument("View::ballots: " + std::to_string(rows) + " inputs, expected " +
                                std::to_string(noise.key.id.size(0)) + ", a row for each sample");
  if (draws < 1 || draws >= kStepUnit / kDrawUnit)
    throw std::invalid_argument("View::ballots: " + std::to_string(draws) +
                                " draws, expected 1 to 1,048,575");
  Tensor sum = torch::zeros({rows, classes()}, x.options());
  for (int64_t from = 0; from < rows; from += most) {
    const int64_t count = std::min(most, rows - from);
    const Tensor part = x.narrow(0, from, count);
    const Noise mine = narrowed(noise, from, count);
    for (int64_t draw = 0, group; draw < draws; draw += group) {
      group = draws_at_once(count, draws - draw);
      if (before) before(group * count);
      const Noise own = repeated(draw_of(mine, draw), group);
      const Tensor seen = transformed(part.repeat({group, 1, 1, 1}), own, 0, wrappers);
      const Outputs out =
          network_->forward(seen, own, perturbs_, models::Mode::kEvaluate, features_);
      sum.narrow(0, from, count) +=
          ballot_of(out, faulty_rows(out)).unflatten(0, {group, count}).sum(0);
    }
  }
  return sum;
}

DefendedModel::Decision DefendedModel::decide(const Tensor& x, const Noise& noise,
                                              models::Mode mode, DrawMemory* memory) {
  const at::NoGradGuard no_graph;
  if (!shares_draws()) memory = nullptr;
  const auto answer = [&](const Tensor& part, const Noise& mine) {
    return votes_ ? vote(part, mine, mode, memory) : single(part, mine, mode);
  };
  const int64_t rows = x.size(0);
  if (couples_rows_ || rows <= kDecisionRows) return answer(x, noise);
  std::vector<Tensor> answers, confidences, faulty, scores;
  int64_t forwards = 0;
  for (int64_t from = 0; from < rows; from += kDecisionRows) {
    const int64_t count = std::min(kDecisionRows, rows - from);
    const Decision d = answer(x.narrow(0, from, count), narrowed(noise, from, count));
    answers.push_back(d.answer), confidences.push_back(d.confidence), faulty.push_back(d.faulty);
    forwards += d.forwards;
    if (d.score.defined()) scores.push_back(d.score);
  }
  return {torch::cat(answers), torch::cat(confidences), torch::cat(faulty), forwards,
          scores.empty() ? Tensor() : torch::cat(scores)};
}

bool DefendedModel::shares_draws() const {
  return votes_ && stochastic_ && !own_randomness_ && !couples_rows_ && !refuses_ &&
         features_.empty();
}

DefendedModel::Decision DefendedModel::single(const Tensor& x, const Noise& noise,
                                              models::Mode mode) {
  const Outputs out = pass(x, noise, mode);
  const Tensor faulty = faulty_rows(out);
  Tensor answer = out.logits.argmax(1);
  if (out.reject.defined()) answer = answer.masked_fill(out.reject > 0, kRefused);
  return {answer.masked_fill(faulty, kNoAnswer), out.logits.masked_fill(faulty.unsqueeze(1), 0),
          faulty, x.size(0), out.reject.defined() ? with_order(out.reject) : Tensor()};
}

// Draws [first, first + group) of these rows, all rows of the first before those of the next.
Outputs DefendedModel::drawn(const Tensor& x, const Noise& noise, const Tensor& rows, int64_t first,
                             int64_t group, models::Mode mode, DrawMemory::Vote* known) {
  const auto computed = [&](const Tensor& of) {
    return inner_pass(x.index_select(0, of).repeat({group, 1, 1, 1}),
                      repeated(draw_of(selected(noise, of), first), group), mode);
  };
  if (!known) return computed(rows);
  const Tensor missing = known->missing(rows, first + group);
  if (missing.size(0) > 0) known->add(missing, first, group, computed(missing).logits);
  return {known->logits(rows, first, group, x.options()), {}, {}};
}

// Sums ballots draw by draw. Rows whose leader cannot be caught any more leave the vote, so the
// answer is that of all M draws at the cost of fewer.
DefendedModel::Decision DefendedModel::vote(const Tensor& input, const Noise& noise,
                                            models::Mode mode, DrawMemory* memory) {
  const int64_t all = mc_samples_, rows = input.size(0);
  if (const int64_t now = votes_->mc_samples(); now != all)
    throw InvalidResult(
        fmt::format("{}: mc_samples() is {}, before it was {}", name_of(votes_), now, all));
  const Tensor x = transformed(input, noise, inner_, stack_.size());
  const auto options = x.options();
  Tensor sum = torch::zeros({rows, classes()}, options), taken = torch::zeros({rows}, options),
         refused = taken.clone(), unsure = taken.clone(), lost = taken.clone();
  const double weight = std::isfinite(votes_->lead()) ? votes_->lead() : 1;
  Tensor open = torch::arange(rows, noise.key.id.options());
  int64_t forwards = 0;
  std::optional<DrawMemory::Vote> known;
  if (memory) known.emplace(memory->vote(x, noise, mode, classes()));
  for (int64_t draw = 0; draw < all && open.size(0) > 0;) {
    const int64_t r = open.size(0);
    const int64_t group = draws_at_once(r, all - draw);
    const Outputs out = drawn(x, noise, open, draw, group, mode, known ? &*known : nullptr);
    const Tensor faulty = faulty_rows(out);
    sum.index_add_(0, open, ballot_of(out, faulty).unflatten(0, {group, r}).sum(0));
    lost.index_add_(0, open, faulty.to(torch::kFloat).unflatten(0, {group, r}).sum(0));
    taken.index_add_(0, open, torch::full({r}, double(group), options));
    if (out.reject.defined()) {
      const auto add = [&](Tensor& sums, const Tensor& draws) {
        sums.index_add_(0, open, draws.to(torch::kFloat).unflatten(0, {group, r}).sum(0));
      };
      add(refused, out.reject > 0), add(unsure, out.reject.isnan());
    }
    forwards += r * group, draw += group;
    // Refusals are decided by their own majority, and coupled rows must stay together.
    if (refuses_ || couples_rows_ || classes() < 2 || !std::isfinite(votes_->lead())) continue;
    const Tensor all_sums = torch::cat({sum, weight * lost.unsqueeze(1)}, 1);
    const Tensor top = std::get<0>(all_sums.index_select(0, open).topk(2, 1));
    // Ballots may be negative: without a lost draw no answer is no candidate yet, but any lost draw
    // would make it one.
    const Tensor best = sum.index_select(0, open).amax(1);
    const Tensor undecided = (lost.index_select(0, open) == 0) & (best <= 0);
    const Tensor lead = (top.select(1, 0) - top.select(1, 1)).masked_fill(undecided, -1);
    // A small allowance keeps rounding of the sums from closing a row that could still tie.
    open = open.masked_select(lead <= votes_->lead() * double(all - draw) + 1e-3);
  }
  const Tensor answer = sum.argmax(1)
                            .masked_fill(refused * 2 > taken, kRefused)
                            .masked_fill((lost > 0) & (weight * lost > sum.amax(1)), kNoAnswer);
  return {answer, sum / taken.unsqueeze(1), lost > 0, forwards,
          refuses_ ? (refused + unsure) / taken - 0.5 : Tensor()};
}

}  // namespace gauntlet::evaluation
