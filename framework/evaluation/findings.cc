#include "evaluation/findings.h"

#include <fmt/format.h>

#include <algorithm>

namespace gauntlet::evaluation {
namespace {

// A share of the attacked samples. Where more of them withstood queries whose losses or gradients
// were not finite, the accuracy is that of samples which nothing has attacked.
constexpr double kMostNotFinite = 0.01;

// [N] bool: the samples that an attack has something to do on. Where wrong answers are to become
// right, those that are right in every trial have what it is after.
Tensor samples_to_attack(const CraftBatch& batch, const CraftRules& rules, const Verdict& clean) {
  if (batch.settled.defined()) return batch.settled.logical_not();
  if (rules.goal == Goal::kHypocritical) return clean.right.all(0).logical_not();
  return torch::ones_like(clean.right[0]);
}
}  // namespace

void Findings::add(const CraftBatch& batch, const CraftRules& rules, const AttackFacts& facts,
                   const Crafted& crafted, const Verdict& clean, const Verdict& robust) {
  const auto sum = [](int64_t& to, const Tensor& samples) { to += samples.sum().item<int64_t>(); };
  const Tensor attacked = samples_to_attack(batch, rules, clean);
  const Tensor stood = rules.goal == Goal::kUntargeted ? attacked & robust.right.any(0)
                                                       : attacked & crafted.confirmed.logical_not();
  // Without another attempt only what stood to the end is known to have withstood.
  const Tensor counted = rules.retry ? attacked : stood;
  all_ += attacked.size(0);
  sum(attacked_, attacked);
  // An attack that asks nothing (examples from a file) may have nothing for a sample, too.
  // One that looks for the smallest perturbation leaves what it finds none for as it is.
  if ((crafted.ledger.forwards > 0 || facts.access == Access::kNone) && !facts.minimal_norm)
    sum(unchanged_, attacked & (crafted.x - batch.x).flatten(1).ne(0).any(1).logical_not());
  sum(zero_gradients_, attacked & crafted.zero_gradients);
  sum(saturated_, counted & crafted.saturated);
  sum(masked_bounds_, counted & crafted.masked_bounds);
  sum(not_finite_, stood & crafted.not_finite);
  sum(again_, counted & crafted.blind);
  sum(fell_, counted & crafted.blind & stood.logical_not());
  sum(source_saturated_, stood & crafted.source_saturated);
  sum(faulty_clean_, clean.faulty);
  sum(faulty_attacked_, robust.faulty);
  refuted_ += crafted.refuted;
  asked_ |= crafted.asked;
  uneven_ |= crafted.uneven;
  retries_ |= rules.retry;
}

std::string Findings::invalid(const AttackFacts& facts) const {
  if (facts.access > Access::kNone && !asked_ && attacked_ > 0)
    return "the attack never asked the target, although it was granted access";
  if (double(not_finite_) > kMostNotFinite * double(attacked_))
    return fmt::format(
        "losses or gradients were not finite (NaN or infinite) for {} of {} attacked samples that "
        "withstood: nothing has attacked these, and at most {:.0f} % are taken",
        not_finite_, attacked_, 100 * kMostNotFinite);
  return "";
}

std::vector<results::Finding> Findings::flags(const DefendedModel& model, double epsilon,
                                              int64_t batch_size) const {
  std::vector<results::Finding> out;
  flag_queries(out);
  if (unchanged_ > 0 && epsilon > 0)
    out.push_back({"unchanged", {{"samples", unchanged_}, {"of", attacked_}}});
  if (refuted_ > 0) out.push_back({"refuted", {{"hits", refuted_}}});
  flag_defense(out, model, batch_size);
  return out;
}

void Findings::flag_queries(std::vector<results::Finding>& out) const {
  const auto flag = [&](const std::string& code, int64_t samples, bool is_retried) {
    if (samples == 0) return;
    out.push_back({code, {{"samples", samples}, {"of", attacked_}}});
    if (!is_retried) return;
    out.back().figures["again"] = again_;  // for whichever of these findings
    out.back().figures["fell"] = fell_;
  };
  flag("zero_gradients", zero_gradients_, retries_);
  flag(retries_ ? "saturated" : "saturated_reported", saturated_, retries_);
  flag(retries_ ? "masked_bounds" : "masked_bounds_reported", masked_bounds_, retries_);
  flag("not_finite", not_finite_, retries_);
  flag("source_saturated", source_saturated_, false);
}

void Findings::flag_defense(std::vector<results::Finding>& out, const DefendedModel& model,
                            int64_t batch_size) const {
  if (faulty_clean_ + faulty_attacked_ > 0)
    out.push_back({"faulty_answers",
                   {{"clean", faulty_clean_}, {"adversarial", faulty_attacked_}, {"of", all_}}});
  if (const std::string remark = model.network().remark(); !remark.empty())
    out.push_back(results::remark(remark));
  if (model.own_randomness())
    out.push_back({"own_randomness"});
  else if (model.couples_rows())
    out.push_back({"coupled_rows", {{"batch_size", batch_size}}});
  else if (uneven_)
    out.push_back({"uneven_draws", {{"batch_size", batch_size}}});
}

void count_all_samples(results::CellRecord& whole, Goal goal, bool settles) {
  const auto all = int64_t(whole.outcomes.size());
  const auto attacked =
      std::count_if(whole.outcomes.begin(), whole.outcomes.end(), [&](const results::Outcome& one) {
        if (goal == Goal::kHypocritical) return one.clean_right < whole.trials;
        return !settles || one.clean_right > 0;
      });
  for (results::Finding& finding : whole.flags)
    if (const auto of = finding.figures.find("of"); of != finding.figures.end())
      of->second = finding.code == "faulty_answers" ? all : int64_t(attacked);
}

}  // namespace gauntlet::evaluation
