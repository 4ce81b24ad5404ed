#include "audit/gradient_checks.h"

#include <algorithm>
#include <map>
#include <string>

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

// Images right under every column that saw them.
int64_t standing_under_all(const std::vector<Column>& columns) {
  std::map<int64_t, bool> stands;
  for (const Column& column : columns)
    for (const results::Outcome& one : column.record->outcomes) {
      bool& left = stands.try_emplace(one.index, one.clean_right > 0).first->second;
      left &= 2 * one.robust_right > column.record->trials;
    }
  return std::count_if(stands.begin(), stands.end(), [](const auto& one) { return one.second; });
}

Check check_of(const GradientQuestion& question, const std::vector<Column>& columns,
               int64_t standing) {
  const Column* worst = nullptr;
  int64_t most = 0;
  for (const Column& column : columns) {
    if (!column.gradients() || column.attacked == 0) continue;
    int64_t left = 0;
    for (const results::Finding& flag : column.record->flags)
      if (std::count(question.findings.begin(), question.findings.end(), flag.code))
        left = std::max(left, left_of(flag, column));
    // As shares, since columns may have seen different numbers of images.
    if (!worst || double(left) * double(worst->attacked) > double(most) * double(column.attacked))
      worst = &column, most = left;
  }
  const double of = double(std::max<int64_t>(1, worst->attacked)), share = double(most) / of;
  // The row's number hangs on no image that another attack broke.
  const auto at_stake = double(std::min(most, standing));
  Level level = Level::kPass;
  if (at_stake > question.small * of) level = Level::kWarn;
  if (2 * at_stake > of) level = Level::kFail;
  return {{question.code,
           {{"samples", most}, {"of", worst->attacked}, {"share", share}, {"case", "records"}},
           level == Level::kPass ? "" : worst->record->attack},
          level};
}
}  // namespace

std::vector<Check> gradient_checks(const std::vector<Column>& columns) {
  std::vector<Check> out;
  if (std::none_of(columns.begin(), columns.end(),
                   [](const Column& one) { return one.gradients() && one.attacked > 0; }))
    return out;
  const int64_t standing = standing_under_all(columns);
  for (const GradientQuestion& question : gradient_questions())
    out.push_back(check_of(question, columns, standing));
  return out;
}

}  // namespace gauntlet::audit
