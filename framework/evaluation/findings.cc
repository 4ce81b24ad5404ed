#include "evaluation/findings.h"

#include <fmt/format.h>

namespace gauntlet::evaluation {
namespace {

// A share of the attacked samples. Where more of them withstood queries whose losses or gradients
// were not finite, the accuracy is that of samples which nothing has attacked.
constexpr double kMostNotFinite = 0.01;
}  // namespace

void Findings::add(const CraftBatch& batch, const CraftRules& rules, const AttackFacts& facts,
                   const Crafted& crafted, const Verdict& clean, const Verdict& robust) {
  const auto sum = [](int64_t& to, const Tensor& samples) { to += samples.sum().item<int64_t>(); };
  const Tensor attacked =
      batch.settled.defined() ? batch.settled.logical_not() : torch::ones_like(crafted.confirmed);
  const Tensor stood = rules.goal == Goal::kUntargeted ? attacked & robust.right.any(0)
                                                       : attacked & crafted.confirmed.logical_not();
  // Without another attempt only what stood to the end is known to have withstood.
  const Tensor counted = rules.retry ? attacked : stood;
  all_ += attacked.size(0);
  sum(attacked_, attacked);
  // An attack that asks nothing (examples from a file) may have nothing for a sample, too.
  if (crafted.ledger.forwards > 0 || facts.access == Access::kNone)
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

std::vector<std::string> Findings::flags(const DefendedModel& model, double epsilon,
                                         int64_t batch_size) const {
  std::vector<std::string> out;
  flag_queries(out);
  if (unchanged_ > 0 && epsilon > 0)
    out.push_back(
        fmt::format("the adversarial input equals the clean one for {} of {} attacked samples",
                    unchanged_, attacked_));
  if (refuted_ > 0)
    out.push_back(
        fmt::format("{} hits seen while attacking were not confirmed by the judge", refuted_));
  flag_defense(out, model, batch_size);
  return out;
}

void Findings::flag_queries(std::vector<std::string>& out) const {
  const auto flag = [&](int64_t samples, const std::string& before, const std::string& after) {
    if (samples > 0)
      out.push_back(
          fmt::format("{} for {} of {} attacked samples{}", before, samples, attacked_, after));
  };
  const std::string then =
      retries_
          ? fmt::format(" ({} attacked again on the margin loss, a hair inside the box: {} fell)",
                        again_, fell_)
          : " that withstood (not attacked again: saturation = \"report\")";
  flag(zero_gradients_, "every gradient was exactly 0", ": gradients may be masked");
  flag(saturated_, "a loss or gradient was exactly 0, which tells an attack nothing,", then);
  flag(masked_bounds_, "no pixel on a bound of the box had a gradient, though most others had,",
       then);
  flag(not_finite_, "losses or gradients were not finite (NaN or infinite)", " that withstood");
  flag(source_saturated_, "every loss or gradient of the transfer source was exactly 0",
       " that withstood");
}

void Findings::flag_defense(std::vector<std::string>& out, const DefendedModel& model,
                            int64_t batch_size) const {
  if (faulty_clean_ + faulty_attacked_ > 0)
    out.push_back(fmt::format(
        "the defense gave values that are not finite (NaN or infinite) for {} of {} clean inputs "
        "and {} adversarial ones: an error of the defense, and never a right answer",
        faulty_clean_, all_, faulty_attacked_));
  if (const std::string remark = model.network().remark(); !remark.empty()) out.push_back(remark);
  if (model.own_randomness())
    out.push_back(
        "the defense draws random numbers of its own: asked twice on the same noise it answers "
        "differently");
  else if (model.couples_rows())
    out.push_back(fmt::format(
        "answers depend on the other images of a batch: measured in batches of {}", batch_size));
}

}  // namespace gauntlet::evaluation
