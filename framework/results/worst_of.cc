#include "results/worst_of.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "results/outcomes.h"

namespace gauntlet::results {
namespace {

using Half = double Rate::*;

/// Which attack an image is left to by one kind of rate. Of equals the one that is stronger over
/// all images wins: by the same rates, since the others are what is to be counted.
class Choice {
 public:
  Choice(const std::vector<AttackRates>& attacks, Half rate) : attacks_(attacks), rate_(rate) {
    for (const AttackRates& attack : attacks) {
      double sum = 0;
      for (const auto& [_, image] : attack.images) sum += image.*rate;
      means_.push_back(sum / double(std::max<size_t>(1, attack.images.size())));
    }
  }

  size_t of(int64_t index) const {
    size_t best = attacks_.size();
    for (size_t a = 0; a < attacks_.size(); ++a) {
      const auto image = attacks_[a].images.find(index);
      if (image == attacks_[a].images.end()) continue;
      if (best == attacks_.size() || worse(a, image->second, best, index)) best = a;
    }
    return best;
  }

 private:
  bool worse(size_t a, const Rate& image, size_t best, int64_t index) const {
    const Rate& known = attacks_[best].images.at(index);
    if (std::abs(image.*rate_ - known.*rate_) > kSameRate) return image.*rate_ < known.*rate_;
    const auto key = [&](size_t i, const Rate& rate) {
      // A margin is of one draw, and NaN is none.
      const bool no_margin = attacks_[i].stochastic || std::isnan(rate.margin);
      return std::tuple(no_margin ? -INFINITY : rate.margin, attacks_[i].rank, means_[i],
                        std::string_view(attacks_[i].tie), std::string_view(attacks_[i].name));
    };
    return key(a, image) < key(best, known);
  }

  const std::vector<AttackRates>& attacks_;
  Half rate_;
  std::vector<double> means_;
};

}  // namespace

AttackRates attack_rates(const CellRecord& record) {
  AttackRates out{record.attack};
  out.tie = record.identity.substr(0, record.identity.find('-'));
  out.stochastic = record.stochastic;
  const double trials = double(record.trials), half = double(record.trials / 2);
  const bool halves = record.stochastic && record.trials > 1 &&
                      std::all_of(record.outcomes.begin(), record.outcomes.end(),
                                  [](const Outcome& o) { return o.robust_first.has_value(); });
  if (halves) out.first_share = half / trials;
  for (const Outcome& o : record.outcomes) {
    Rate& rate = out.images[o.index];
    rate.clean = double(o.clean_right) / trials;
    rate.whole = double(o.robust_right) / trials, rate.margin = o.margin;
    if (!halves) continue;
    rate.first = double(*o.robust_first) / half;
    rate.second = double(o.robust_right - *o.robust_first) / (trials - half);
  }
  return out;
}

std::map<int64_t, WorstOfImage> worst_of(const std::vector<AttackRates>& attacks) {
  std::map<int64_t, WorstOfImage> out;
  const bool halves =
      !attacks.empty() && std::all_of(attacks.begin(), attacks.end(),
                                      [](const AttackRates& a) { return a.first_share > 0; });
  const Choice whole(attacks, &Rate::whole), first(attacks, &Rate::first),
      second(attacks, &Rate::second);
  for (const AttackRates& attack : attacks)
    for (const auto& [index, _] : attack.images) {
      const auto [place, fresh] = out.try_emplace(index);
      if (!fresh) continue;
      WorstOfImage& worst = place->second;
      worst.attack = whole.of(index);
      worst.rate = attacks[worst.attack].images.at(index).whole;
      if (!halves) continue;
      const AttackRates &by_first = attacks[first.of(index)],
                        &by_second = attacks[second.of(index)];
      worst.rate = by_second.first_share * by_second.images.at(index).first +
                   (1 - by_first.first_share) * by_first.images.at(index).second;
    }
  return out;
}

}  // namespace gauntlet::results
