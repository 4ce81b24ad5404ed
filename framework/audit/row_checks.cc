#include "audit/row_checks.h"

#include <algorithm>
#include <functional>

#include "audit/columns.h"
#include "audit/gradient_checks.h"

namespace gauntlet::audit {
namespace {
using results::Check;
using results::Level;

// Accuracy by which an attack that has less may do better before the row fails, as on boards.
constexpr double kSlack = 0.01;
// Accuracy that a longer run of the strongest attack may take before the shorter one counts as
// stopped too early.
constexpr double kConverged = 0.02;

Check compared(const std::string& code, const Match& match, Level level,
               const char* kind = "records") {
  return {{code,
           {{"attack", match.more->record->attack},
            {"accuracy", match.under_more},
            {"other", match.less->record->attack},
            {"other_accuracy", match.under_less},
            {"case", kind}}},
          level};
}

// Matches of one kind, and whether one of them is of these.
class RowMatches {
 public:
  explicit RowMatches(const std::vector<Column>& columns) : all_(matches_of(columns)) {}

  std::vector<const Match*> of(Less how) const {
    std::vector<const Match*> out;
    for (const Match& one : all_)
      if (one.how == how) out.push_back(&one);
    return out;
  }

 private:
  std::vector<Match> all_;
};

// The attack that does best against all that ought to be stronger: its match with the strongest.
struct Closest {
  const Match* match = nullptr;
  double win = 0;  // over every one of them
};

Closest closest_of(const std::vector<const Match*>& matches) {
  Closest out;
  for (const Match* one : matches) {
    Closest with{one, one->win()};
    for (const Match* other : matches) {
      if (other->less != one->less) continue;
      with.win = std::min(with.win, other->win());
      if (other->under_more < with.match->under_more) with.match = other;
    }
    const auto key = [](const Closest& c) {
      return std::pair(-c.win, c.match->under_less - c.match->under_more);
    };
    if (!out.match || key(with) < key(out)) out = with;
  }
  return out;
}

// Of attacks that have less, whether one beats all of the others (FAIL beyond the slack) and, where
// `each`, whether one beats any of them (WARN).
void add_weaker(const std::string& code, const std::vector<const Match*>& matches, bool each,
                std::vector<Check>& out) {
  if (matches.empty()) return;
  const Closest closest = closest_of(matches);
  if (closest.win > 0) {
    out.push_back(
        compared(code, *closest.match, closest.win > kSlack ? Level::kFail : Level::kWarn));
    return;
  }
  const Match* most =
      *std::max_element(matches.begin(), matches.end(),
                        [](const Match* a, const Match* b) { return a->win() < b->win(); });
  if (each && most->win() > 0)
    out.push_back(compared(code, *most, Level::kWarn));
  else
    out.push_back(compared(code, *closest.match, Level::kPass));
}

double accuracy_of(const Column& column) { return column.record->robust_accuracy; }

// Whether no attack of the row does better than this one, but for `without`.
bool strongest(const std::vector<Column>& columns, const Column& one, const Column& without) {
  return std::none_of(columns.begin(), columns.end(), [&](const Column& other) {
    return &other != &one && &other != &without && accuracy_of(other) < accuracy_of(one);
  });
}

// Two runs of one attack that differ in how long they are: the shorter one must not win, and a row
// whose strongest attack still gains from its length may fall further.
void add_longer(const std::string& code, const std::vector<const Match*>& matches,
                const std::vector<Column>& columns, std::vector<Check>& out) {
  if (matches.empty()) return;
  const Match* lost =
      *std::max_element(matches.begin(), matches.end(),
                        [](const Match* a, const Match* b) { return a->win() < b->win(); });
  if (lost->win() > 0) {
    const bool decides = strongest(columns, *lost->less, *lost->less);
    out.push_back(
        compared(code, *lost, decides && lost->win() > kSlack ? Level::kFail : Level::kWarn));
    return;
  }
  const Match* last = nullptr;  // the longest two of what decides the row
  for (const Match* one : matches)
    if (strongest(columns, *one->more, *one->more) && strongest(columns, *one->less, *one->more) &&
        (!last || one->under_less < last->under_less))
      last = one;
  if (last && last->gain() > kConverged)
    out.push_back(compared(code, *last, Level::kWarn, "falls"));
  else
    out.push_back(compared(code, last ? *last : *matches.back(), Level::kPass));
}

// Random rows whose gradients are all of single draws.
void add_draws(const std::vector<Column>& columns, std::vector<Check>& out) {
  int64_t most = 0;
  for (const Column& column : columns) {
    if (!column.record->stochastic) return;
    most = std::max(most, column.gradients() ? column.draws() : int64_t{0});
  }
  if (most == 0) return;
  out.push_back({{"more_draws", {{"draws", most}, {"case", most == 1 ? "single" : "averaged"}}},
                 most == 1 ? Level::kWarn : Level::kPass});
}

void in_order(std::vector<Check>& checks) {
  std::stable_sort(checks.begin(), checks.end(), [](const Check& a, const Check& b) {
    return results::rank_of_check(a.finding.code) < results::rank_of_check(b.finding.code);
  });
}
}  // namespace

std::vector<Check> checks_of_row(const std::vector<results::CellRecord>& cells) {
  const std::vector<Column> columns = columns_of(cells);
  std::vector<Check> out = gradient_checks(columns);
  const RowMatches matches(columns);
  add_longer("more_steps", matches.of(Less::kSteps), columns, out);
  add_longer("more_restarts", matches.of(Less::kRestarts), columns, out);
  if (const auto draws = matches.of(Less::kDraws); draws.empty())
    add_draws(columns, out);
  else
    add_longer("more_draws", draws, columns, out);
  add_weaker("single_step", matches.of(Less::kOneGradient), /*each=*/true, out);
  add_weaker("black_box", matches.of(Less::kNoGradients), /*each=*/false, out);
  add_weaker("random_noise", matches.of(Less::kNoise), /*each=*/true, out);
  in_order(out);
  return out;
}

std::vector<Check> joined(std::vector<Check> of_records, const std::vector<Check>& of_probes) {
  for (const Check& probed : of_probes) {
    const auto known = std::find_if(of_records.begin(), of_records.end(), [&](const Check& one) {
      return one.finding.code == probed.finding.code;
    });
    if (known == of_records.end())
      of_records.push_back(probed);
    else if (probed.level > known->level)
      *known = probed;
  }
  in_order(of_records);
  return of_records;
}

}  // namespace gauntlet::audit
