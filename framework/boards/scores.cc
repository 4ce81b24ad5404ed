#include "boards/scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <tuple>

#include "analysis/certification.h"
#include "results/intervals.h"
#include "results/outcomes.h"
#include "results/worst_of.h"

namespace gauntlet::boards {
namespace {

/// One attack over all seeds.
struct MeasuredAttack {
  results::AttackRates rates;  // means over seeds, of the images that every seed saw
  std::map<int64_t, int64_t> labels;
  results::Shared shared;
};

/// The first status that is no result, or nullopt.
std::optional<results::Status> status_of_failure(const BoardAttack& attack) {
  for (const BoardAttack::Cell& cell : attack.cells)
    if (cell.record.status != results::Status::kOk) return cell.record.status;
  return {};
}

MeasuredAttack measured_by(const BoardAttack& attack) {
  MeasuredAttack out;
  out.rates.first_share = 1;
  std::map<int64_t, size_t> seen;
  std::vector<results::Shared> shared;
  const auto seeds = double(attack.cells.size());
  for (const BoardAttack::Cell& cell : attack.cells) {
    const results::AttackRates one = attack_rates(cell.record);
    out.rates.stochastic |= one.stochastic;
    out.rates.first_share =
        one.first_share == 0 ? 0 : std::min(out.rates.first_share, one.first_share);
    for (const results::Outcome& outcome : cell.record.outcomes) {
      const results::Rate& here = one.images.at(outcome.index);
      results::Rate& mean = out.rates.images[outcome.index];
      for (const auto part : {&results::Rate::clean, &results::Rate::whole, &results::Rate::first,
                              &results::Rate::second, &results::Rate::margin})
        mean.*part += here.*part / seeds;
      out.labels[outcome.index] = outcome.label;
      ++seen[outcome.index];
    }
    shared.push_back(shared_of(cell.record));
  }
  out.shared = results::mean_of(shared);  // draws of different seeds are independent
  std::erase_if(out.rates.images,
                [&](const auto& image) { return seen.at(image.first) < attack.cells.size(); });
  out.rates.name = attack.name, out.rates.rank = attack.additional;
  return out;
}

results::Interval interval_of(const BoardScore& score) {
  const bool decided = std::all_of(score.rates.begin(), score.rates.end(),
                                   [](double rate) { return rate == 0 || rate == 1; });
  if (!decided || score.shared.trials > 0) return results::of_rates(score.rates, score.shared);
  return results::wilson(std::count(score.rates.begin(), score.rates.end(), 1.0),
                         int64_t(score.rates.size()));
}

/// The rates that remain to be summed up.
void finish(BoardScore& score) {
  const auto n = double(score.rates.size());
  for (const double rate : score.rates) score.accuracy += rate / n;
  for (const double rate : score.clean) score.clean_accuracy += rate / n;
  for (const std::string& attack : score.decided) ++score.decided_by[attack];
  score.interval = interval_of(score);
}

void compare(std::vector<std::string>& out, const std::string& where, const char* what,
             double claimed, double found) {
  if (const std::string problem = results::claim_problem(what, claimed, found); !problem.empty())
    out.push_back(where + ": " + problem);
}

void compare(std::vector<std::string>& out, const std::string& where,
             const results::Interval& claimed, const results::Interval& found) {
  compare(out, where, "the lower end of its interval as", claimed.low, found.low);
  compare(out, where, "the upper end of its interval as", claimed.high, found.high);
}

/// By the rule that a claim names.
results::Interval interval_as(const results::Interval& claimed, const BoardScore& score) {
  if (!is_normal_rule(claimed) || claimed.method == score.interval.method) return score.interval;
  return results::normal_of_rates(score.rates, score.shared.variance);
}

void check(std::vector<std::string>& out, const BoardThreat& under) {
  const std::string& name = under.threat.name;
  for (const BoardAttack& attack : under.attacks)
    for (const BoardAttack::Cell& cell : attack.cells)
      for (const std::string& sentence : contradictions(cell.record))
        out.push_back(
            fmt::format("{} under {}, seed {}: {}", attack.name, name, cell.record.seed, sentence));
  const BoardScore score = score_of(under);
  compare(out, name, "clean accuracy", under.clean_accuracy, score.clean_accuracy);
  compare(out, name, "robust accuracy", under.robust_accuracy, score.accuracy);
  compare(out, name, under.interval, interval_as(under.interval, score));
  if (under.complete != score.complete())
    out.push_back(
        name +
        (under.complete ? ": claims to be complete, but " : ": claims to be incomplete, but ") +
        (score.complete()        ? "every attack has a result"
         : score.missing.empty() ? score.problem
                                 : score.missing.front() + " has no result"));
}

void check_certificates(std::vector<std::string>& out, const BoardEntry& entry) {
  for (const results::Certification& record : entry.certifications) {
    if (record.status != results::Status::kOk) continue;
    results::Certification again = record;
    analysis::summarise(again);
    const std::string where = fmt::format("certificates, seed {}", record.seed);
    compare(out, where, "certified accuracy", record.certified_accuracy, again.certified_accuracy);
    compare(out, where, "a share of abstentions", record.abstained, again.abstained);
    compare(out, where, "an average radius", record.average_radius, again.average_radius);
    compare(out, where, record.interval, again.interval);
  }
  for (const CertifiedAt& at : entry.certified_at) {
    const std::string where = fmt::format("certified beyond {:g}", at.radius);
    const BoardScore score = certified_score(entry, at.radius);
    compare(out, where, "accuracy", at.accuracy, score.accuracy);
    compare(out, where, at.interval, score.interval);
  }
}

BoardScore worst_case_of(const BoardThreat& threat, bool with_additional) {
  BoardScore score;
  std::vector<MeasuredAttack> counted;
  for (const BoardAttack& attack : threat.attacks) {
    if (attack.additional && !with_additional) continue;
    const std::optional<results::Status> failure = status_of_failure(attack);
    if (!failure && !attack.cells.empty())
      counted.push_back(measured_by(attack));
    else if (!attack.additional && failure != results::Status::kSkipped)
      score.missing.push_back(attack.name + " (" +
                              to_string(failure.value_or(results::Status::kError)) + ")");
  }
  std::vector<results::AttackRates> attacks;
  const MeasuredAttack* widest = nullptr;
  for (const MeasuredAttack& attack : counted) {
    attacks.push_back(attack.rates);
    if (!widest || attack.rates.images.size() > widest->rates.images.size()) widest = &attack;
    if (score.shared.trials == 0 || attack.shared.variance > score.shared.variance)
      score.shared = attack.shared;
  }
  const auto worst = results::worst_of(attacks);
  if (worst.empty()) {
    score.problem = "no attack has a result";
    return score;
  }
  for (const auto& [index, image] : worst) {
    const MeasuredAttack& attack = counted[image.attack];
    const auto clean = widest->rates.images.find(index);
    score.images.push_back(index);
    score.labels.push_back(attack.labels.at(index));
    score.clean.push_back(clean == widest->rates.images.end() ? attack.rates.images.at(index).clean
                                                              : clean->second.clean);
    score.rates.push_back(std::clamp(image.rate, 0.0, 1.0));
    score.decided.push_back(attack.rates.name);
  }
  finish(score);
  return score;
}

}  // namespace

// An attack more may lower a score and must not lift it, not by chance either.
BoardScore score_of(const BoardThreat& threat, bool with_additional) {
  BoardScore own = worst_case_of(threat, /*with_additional=*/false);
  const bool any = std::any_of(threat.attacks.begin(), threat.attacks.end(),
                               [](const BoardAttack& attack) { return attack.additional; });
  if (!with_additional || !any) return own;
  BoardScore all = worst_case_of(threat, /*with_additional=*/true);
  return own.problem.empty() && own.accuracy <= all.accuracy ? own : all;
}

BoardScore certified_score(const BoardEntry& entry, double radius) {
  BoardScore score;
  if (entry.certifications.empty()) score.problem = "nothing is certified";
  struct Image {
    double right = 0, beyond = 0;
    int64_t label = 0;
    size_t seen = 0;
  };
  std::map<int64_t, Image> images;
  for (const results::Certification& record : entry.certifications) {
    if (record.status != results::Status::kOk)
      score.problem = "the certification is " + to_string(record.status);
    for (const results::CertifiedSample& sample : record.certificates) {
      Image& image = images[sample.index];
      const bool right = sample.answer == sample.label;
      image.right += right, image.beyond += right && sample.radius > radius;
      image.label = sample.label;
      ++image.seen;
    }
  }
  const size_t seeds = entry.certifications.size();
  std::erase_if(images, [&](const auto& item) { return item.second.seen < seeds; });
  if (score.problem.empty() && images.empty()) score.problem = "no image is certified";
  if (!score.problem.empty()) return score;
  for (const auto& [index, image] : images) {
    score.images.push_back(index);
    score.labels.push_back(image.label);
    score.clean.push_back(image.right / double(seeds));
    score.rates.push_back(image.beyond / double(seeds));
  }
  finish(score);
  return score;
}

void claim(BoardEntry& entry) {
  std::set<double> radii = {0};
  for (BoardThreat& under : entry.threats) {
    const BoardScore score = score_of(under);
    under.clean_accuracy = score.clean_accuracy, under.robust_accuracy = score.accuracy;
    under.interval = score.interval, under.complete = score.complete();
    if (under.threat.norm == "l2") radii.insert(under.threat.epsilon);
  }
  entry.certified_at.clear();
  if (entry.certifications.empty()) return;
  for (const double radius : radii) {
    const BoardScore score = certified_score(entry, radius);
    if (score.problem.empty())
      entry.certified_at.push_back({radius, score.accuracy, score.interval});
  }
}

std::vector<std::string> contradictions(const BoardEntry& entry) {
  std::vector<std::string> out;
  for (const BoardThreat& under : entry.threats) check(out, under);
  check_certificates(out, entry);
  return out;
}

}  // namespace gauntlet::boards
