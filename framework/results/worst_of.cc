#include "results/worst_of.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>

#include "results/outcomes.h"

namespace gauntlet::results {
namespace {

using Half = double Rate::*;

double mean_over_images(const AttackRates& attack, Half rate) {
  double sum = 0;
  for (const auto& [_, image] : attack.images) sum += image.*rate;
  return sum / double(std::max<size_t>(1, attack.images.size()));
}

/// Which attack an image is left to by its own rates. Of equals the one that is stronger over all
/// images wins: by the same rates, since the others are what is to be counted.
class Lowest {
 public:
  Lowest(const std::vector<AttackRates>& attacks, Half rate) : attacks_(attacks), rate_(rate) {
    for (const AttackRates& attack : attacks) means_.push_back(mean_over_images(attack, rate));
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

/// How far below another attack one lies on each image that both saw, by what one half of the
/// trials shows and the other images tell of how much of that the other half keeps.
class Regression {
 public:
  void add(double seen, double kept) {
    ++n_, x_ += seen, y_ += kept, xx_ += seen * seen, xy_ += seen * kept;
  }
  /// What to expect in the other half where this half shows `seen` and the other half `kept`: the
  /// image itself is left out, so that nothing of what is to be counted takes part.
  double expected(double seen, double kept) const {
    const double n = n_ - 1;
    if (n < 2) return seen;
    const double x = x_ - seen, y = y_ - kept, mean = x / n;
    const double spread = xx_ - seen * seen - x * mean, together = xy_ - seen * kept - y * mean;
    const double slope = spread > kSameRate ? std::clamp(together / spread, 0.0, 1.0) : 0;
    return mean + slope * (seen - mean);
  }

 private:
  double n_ = 0, x_ = 0, y_ = 0, xx_ = 0, xy_ = 0;
};

/// Which attack an image is left to by one half of the trials, so that the other can be counted.
/// The lowest rate of a few draws is often that of a weak attack that was lucky: differences are
/// therefore taken for what they are worth on other images (a regression of one half on the other,
/// as in empirical Bayes), and an attack that is weaker everywhere is chosen nowhere.
class Choice {
 public:
  Choice(const std::vector<AttackRates>& attacks, Half seen, Half kept)
      : attacks_(attacks), seen_(seen), kept_(kept), lowest_(attacks, seen) {
    for (const AttackRates& attack : attacks)
      keys_.emplace_back(-int64_t(attack.images.size()), mean_over_images(attack, seen),
                         attack.rank, attack.tie, attack.name);
    reference_ = size_t(std::min_element(keys_.begin(), keys_.end()) - keys_.begin());
    for (const AttackRates& attack : attacks) {
      regressions_.emplace_back();
      for (const auto& [index, image] : attack.images)
        if (const Rate* other = reference_rate(index))
          regressions_.back().add(image.*seen - other->*seen, image.*kept - other->*kept);
    }
  }

  size_t of(int64_t index) const {
    const Rate* reference = reference_rate(index);
    if (!reference) return lowest_.of(index);
    size_t best = reference_;
    double least = 0;  // against the reference
    for (size_t a = 0; a < attacks_.size(); ++a) {
      const auto image = attacks_[a].images.find(index);
      if (a == reference_ || image == attacks_[a].images.end()) continue;
      const Rate& rate = image->second;
      const double expected = regressions_[a].expected(rate.*seen_ - reference->*seen_,
                                                       rate.*kept_ - reference->*kept_);
      if (expected < least || (expected == least && keys_[a] < keys_[best]))
        best = a, least = expected;
    }
    return best;
  }

 private:
  const Rate* reference_rate(int64_t index) const {
    const auto& images = attacks_[reference_].images;
    const auto image = images.find(index);
    return image == images.end() ? nullptr : &image->second;
  }

  const std::vector<AttackRates>& attacks_;
  Half seen_, kept_;
  Lowest lowest_;
  /// The least of these is what others are held against: it saw most images, and of such it is the
  /// strongest.
  std::vector<std::tuple<int64_t, double, int64_t, std::string_view, std::string_view>> keys_;
  size_t reference_ = 0;
  std::vector<Regression> regressions_;
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

bool has_halves(const std::vector<AttackRates>& attacks) {
  return !attacks.empty() && std::all_of(attacks.begin(), attacks.end(),
                                         [](const AttackRates& a) { return a.first_share > 0; });
}

std::map<int64_t, WorstOfImage> worst_of(const std::vector<AttackRates>& attacks) {
  std::map<int64_t, WorstOfImage> out;
  const bool halves = has_halves(attacks);
  const Lowest whole(attacks, &Rate::whole);
  std::optional<Choice> first, second;
  if (halves) {
    first.emplace(attacks, &Rate::first, &Rate::second);
    second.emplace(attacks, &Rate::second, &Rate::first);
  }
  for (const AttackRates& attack : attacks)
    for (const auto& [index, _] : attack.images) {
      const auto [place, fresh] = out.try_emplace(index);
      if (!fresh) continue;
      WorstOfImage& worst = place->second;
      worst.attack = whole.of(index);
      worst.rate = attacks[worst.attack].images.at(index).whole;
      if (!halves) continue;
      const AttackRates &by_first = attacks[first->of(index)],
                        &by_second = attacks[second->of(index)];
      worst.rate = by_second.first_share * by_second.images.at(index).first +
                   (1 - by_first.first_share) * by_first.images.at(index).second;
    }
  return out;
}

}  // namespace gauntlet::results
