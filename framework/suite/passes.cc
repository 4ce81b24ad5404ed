#include "suite/passes.h"

#include <algorithm>
#include <cmath>

namespace gauntlet::suite {
namespace {

// L1 of Auto-PGD goes through so many balls, and asks once more in each.
constexpr double kBalls = 3;
// Of a walk along the boundary: halvings of the way to it, jumps along it, and votes on a defense
// with noise where their number is left open.
constexpr double kStartHalvings = 10, kMostHalvings = 24, kJumps = 16, kVotesOnNoise = 5;

Passes gradients(double count) { return {count, count}; }
Passes forwards(double count) { return {count, 0}; }
Passes operator+(const Passes& a, const Passes& b) {
  return {a.forwards + b.forwards, a.backwards + b.backwards};
}
Passes operator*(double times, const Passes& one) {
  return {times * one.forwards, times * one.backwards};
}

bool says(const ParamMap& params, std::string_view name, const ParamValue& value) {
  const auto there = params.find(name);
  return there != params.end() && there->second == value;
}

double at_least_one(const ParamMap& params, std::string_view name) {
  return double(std::max<int64_t>(1, number_or(params, name, 1)));
}

double wrong_classes(const Setting& setting) {
  return double(std::max<int64_t>(1, setting.classes - 1));
}

// Of classes that are tried in turn; 0 means all.
double targets_of(const ParamMap& params, const Setting& setting) {
  const auto targets = double(number_or(params, "targets", 1));
  return targets == 0 ? wrong_classes(setting) : std::min(targets, wrong_classes(setting));
}

// A walk along the boundary by decisions: a start, and for each step the way to the boundary,
// probes around the point, and jumps.
Passes walk(const ParamMap& params, const Setting& setting) {
  const double asked = double(number_or(params, "votes", 0)),
               votes = asked > 0       ? asked
                       : setting.noisy ? kVotesOnNoise
                                       : 1,
               halvings = setting.noisy ? kStartHalvings : kMostHalvings,
               first = double(number_or(params, "init_evaluations", 1)),
               most = double(number_or(params, "max_evaluations", 1'000'000)),
               steps = at_least_one(params, "steps");
  double count = votes * (at_least_one(params, "start_tries") + kStartHalvings + halvings);
  for (double step = 1; step <= steps; ++step)
    count += votes * (halvings + kJumps) + std::min(std::floor(first * std::sqrt(step)), most);
  return forwards(count * double(setting.votes));
}

// Steps to a linearised boundary, each with a look at where it led: towards one class after the
// other, or past the boundaries of all at once, a gradient each.
Passes to_boundaries(const ParamMap& params, const Setting& setting) {
  const double steps = at_least_one(params, "steps");
  const auto draws = double(setting.draws),
             look = setting.noisy ? double(number_or(params, "trials", 1)) : 1;
  if (says(params, "targeted", false))
    return {steps * (draws + look), steps * draws * wrong_classes(setting)};
  const Passes run = steps * (gradients(draws) + forwards(look));
  return forwards(look) + targets_of(params, setting) * run;
}

// A climb whose steps are compared, on common draws where there is noise; by one choice of its loss
// towards one class after the other.
Passes compared_climb(const ParamMap& params, const Setting& setting) {
  const double steps = at_least_one(params, "steps");
  const auto draws = double(setting.draws);
  const Passes run =
      draws * (gradients(steps) + forwards(setting.noisy ? steps + 3 * kBalls : kBalls));
  if (!says(params, "loss", "dlr_targeted")) return run;
  return forwards(draws) + targets_of(params, setting) * (run + forwards(draws));
}

// Scores of many points; after some steps of a population its mean is asked, too.
Passes search(const ParamMap& params, const Setting& setting) {
  const double steps = at_least_one(params, "steps"),
               shown = params.contains("population") ? std::ceil(steps / 10) : 0;
  const bool whole = says(params, "oracle", "wrapped");
  return double(whole ? setting.votes : setting.draws) *
         forwards(steps * double(number_or(params, "population", 1)) *
                      at_least_one(params, "queries") +
                  shown);
}

// Attacks in turn, whose answers are compared.
Passes in_turn(const ParamList& members, const ParamMap& params, const Setting& setting) {
  const auto there = params.find("repeats");
  const auto* repeats = there == params.end() ? nullptr : there->second.get<ParamList>();
  const Passes compared =
      forwards(setting.noisy ? double(number_or(params, "selection_draws", 1)) : 1);
  Passes sum;
  for (size_t i = 0; i < members.size(); ++i) {
    const auto* times = repeats && i < repeats->size() ? (*repeats)[i].get<int64_t>() : nullptr;
    sum = sum + (times ? double(*times) : 1) *
                    (passes_of(*members[i].get<ParamMap>(), setting) + compared);
  }
  return sum;
}

// An attack that runs another: once, or towards one class after the other.
Passes around(const ParamMap& inner, const ParamMap& params, const Setting& setting) {
  const Passes run = passes_of(inner, setting), compared = forwards(double(setting.draws));
  if (!params.contains("targets")) return run;
  return compared + targets_of(params, setting) * (run + compared);
}

const ParamMap* attack_in(const ParamValue& value) {
  const auto* nested = value.get<ParamMap>();
  return nested && nested->contains("use") ? nested : nullptr;
}
}  // namespace

int64_t number_or(const ParamMap& params, std::string_view name, int64_t fallback) {
  const auto there = params.find(name);
  const auto* value = there == params.end() ? nullptr : there->second.get<int64_t>();
  return value ? *value : fallback;
}

Passes passes_of(const ParamMap& params, const Setting& setting) {
  for (const auto& [name, value] : params) {
    if (const ParamMap* inner = attack_in(value))
      return at_least_one(params, "steps") * around(*inner, params, setting);
    const auto* list = value.get<ParamList>();
    if (list && !list->empty() && attack_in(list->front())) return in_turn(*list, params, setting);
  }
  if (params.contains("init_evaluations")) return walk(params, setting);
  if (params.contains("population") || params.contains("queries")) return search(params, setting);
  if (params.contains("targeted")) return to_boundaries(params, setting);
  if (params.contains("loss") && params.contains("targets")) return compared_climb(params, setting);
  const double runs = params.contains("targets") ? targets_of(params, setting) : 1;
  return gradients(runs * at_least_one(params, "steps") * at_least_one(params, "rounds") *
                   at_least_one(params, "scales") * double(setting.draws));
}

}  // namespace gauntlet::suite
