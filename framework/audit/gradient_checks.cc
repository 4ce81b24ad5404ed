#include "audit/gradient_checks.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace gauntlet::audit {
namespace {
using results::Check;
using results::Level;

struct GradientQuestion {
  const char* code;
  std::vector<std::string> findings;  // codes of a cell
  double small = 0.01;                // share of attacked images from which it is a warning
};

// Cells in which more than 1 % withstood behind gradients that are not finite have no result, so
// any share of these is a warning.
const std::vector<GradientQuestion>& gradient_questions() {
  static const std::vector<GradientQuestion> all = {
      {"gradients_vanish", {"zero_gradients"}},
      {"gradients_saturate", {"saturated", "saturated_reported"}},
      {"gradients_not_finite", {"not_finite"}, 0},
      {"box_edge", {"masked_bounds", "masked_bounds_reported"}},
      {"unchanged_inputs", {"unchanged"}}};
  return all;
}

// Images that such a finding is still true of in the end: no more than withstood the attack, and of
// those that it was tried again on no more than did not fall.
int64_t left_of(const results::Finding& finding, const Column& column) {
  int64_t left = std::min(count_of(finding, "samples").value_or(0), column.standing);
  const auto again = count_of(finding, "again"), fell = count_of(finding, "fell");
  if (again && fell && *again >= left) left = std::min(left, *again - *fell);
  return std::max<int64_t>(0, left);
}

// Whether an image withstood every column that saw it, by its index, apart for columns that make
// wrong answers right: the others ask nothing of these images.
using Standing = std::map<std::pair<bool, int64_t>, bool>;

Standing standing_under_all(const std::vector<Column>& columns) {
  Standing stands;
  for (const Column& column : columns)
    for (const results::Outcome& one : column.record->outcomes) {
      bool& left =
          stands.try_emplace({column.hypocritical, one.index}, column.attacks(one)).first->second;
      left &= column.withstood(one);
    }
  return stands;
}

// What such findings say of one column.
struct Concerned {
  const Column* column = nullptr;
  int64_t images = 0;    // that a finding is still true of
  int64_t at_stake = 0;  // of these at most: not broken by another attack either

  double share(int64_t of_images) const { return double(of_images) / double(column->attacked); }
};

Concerned concerned(const GradientQuestion& question, const Column& column,
                    const Standing& standing) {
  Concerned out{&column};
  for (const results::Finding& flag : column.record->flags)
    if (std::count(question.findings.begin(), question.findings.end(), flag.code))
      out.images = std::max(out.images, left_of(flag, column));
  // Of the images that this column saw: others tell nothing of it.
  const auto& seen = column.record->outcomes;
  const int64_t left = std::count_if(seen.begin(), seen.end(), [&](const results::Outcome& one) {
    return column.attacks(one) && standing.at({column.hypocritical, one.index});
  });
  out.at_stake = std::min(out.images, left);
  return out;
}

// As shares, since columns may have seen different numbers of images. Where nothing is found, the
// column that is told of is the one that a finding is most true of.
Check check_of(const GradientQuestion& question, const std::vector<Column>& columns,
               const Standing& standing) {
  std::vector<Concerned> all;
  for (const Column& column : columns)
    if (column.gradients() && column.attacked > 0)
      all.push_back(concerned(question, column, standing));
  const auto by_images = [](const Concerned& a, const Concerned& b) {
    return a.share(a.images) < b.share(b.images);
  };
  const auto by_stake = [&](const Concerned& a, const Concerned& b) {
    const double here = a.share(a.at_stake), there = b.share(b.at_stake);
    return here != there ? here < there : by_images(a, b);
  };
  // The row's number hangs on no image that another attack broke.
  const Concerned stake = *std::max_element(all.begin(), all.end(), by_stake);
  const double at_stake = stake.share(stake.at_stake);
  Level level = Level::kPass;
  if (at_stake > question.small) level = Level::kWarn;
  if (at_stake > 0.5) level = Level::kFail;
  const Concerned told =
      level == Level::kPass ? *std::max_element(all.begin(), all.end(), by_images) : stake;
  return {{question.code,
           {{"samples", told.images},
            {"of", told.column->attacked},
            {"share", told.share(told.images)},
            {"case", "records"}},
           level == Level::kPass ? "" : told.column->record->attack},
          level};
}
}  // namespace

std::vector<Check> gradient_checks(const std::vector<Column>& columns) {
  std::vector<Check> out;
  if (std::none_of(columns.begin(), columns.end(),
                   [](const Column& one) { return one.gradients() && one.attacked > 0; }))
    return out;
  const Standing standing = standing_under_all(columns);
  for (const GradientQuestion& question : gradient_questions())
    out.push_back(check_of(question, columns, standing));
  return out;
}

}  // namespace gauntlet::audit
