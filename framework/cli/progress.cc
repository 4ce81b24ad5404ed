#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "cli/terminal.h"

namespace gauntlet::cli {
namespace {
using Clock = std::chrono::steady_clock;

// "1:02:03"
std::string clock_text(double seconds) {
  const int64_t s = std::llround(seconds);
  if (s >= 3600) return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
  return fmt::format("{}:{:02}", s / 60, s % 60);
}
}  // namespace

Progress::Progress(std::vector<double> work, bool quiet)
    : work_(std::move(work)), quiet_(quiet), terminal_(isatty(STDERR_FILENO)) {}

// Also where progress is not wanted: it bears on every number.
void Progress::remark(const std::string& text) {
  if (terminal_) clear_line();
  say(stderr, "{}\n", text);
}

void Progress::begin(size_t cells) {
  cells_ = cells;
  work_.resize(cells, 1);
  total_ = std::accumulate(work_.begin(), work_.end(), 0.0);
  start_ = shown_ = Clock::now();
}

void Progress::cell_begin(size_t number, const std::string& label) {
  number_ = number, label_ = label;
  show(0);
}

void Progress::samples(int64_t done, int64_t of) { show(double(done) / double(of)); }

void Progress::cell_end(const results::CellRecord& record, bool cached) {
  end(record.status == results::Status::kOk
          ? fmt::format("{:.1f} % ({:.1f}–{:.1f})", 100 * record.robust_accuracy,
                        100 * record.interval.low, 100 * record.interval.high)
          : to_string(record.status) + ": " + record.reason,
      record.seconds, cached);
}

void Progress::certification_end(const results::Certification& record, bool cached) {
  end(record.status == results::Status::kOk
          ? fmt::format("{:.1f} % ({:.1f}–{:.1f}), average radius {:.3f}, {:.1f} % abstained",
                        100 * record.certified_accuracy, 100 * record.interval.low,
                        100 * record.interval.high, record.average_radius, 100 * record.abstained)
          : to_string(record.status) + ": " + record.reason,
      record.seconds, cached);
}

// Cells are done by now: `probes_` rows are probed, of which no work is known beforehand.
void Progress::probes_begin(size_t number, size_t of, const std::string& label) {
  number_ = number, probes_ = of, label_ = label;
  show(0);
}

void Progress::probes_end(const results::RowAudit& record, bool cached) {
  if (quiet_) return;
  const auto alarms = std::count_if(
      record.checks.begin(), record.checks.end(),
      [](const results::Check& check) { return check.level != results::Level::kPass; });
  if (terminal_) clear_line();
  say(stderr, "[{}/{}] {}: {}{}\n", number_ + 1, probes_, label_,
      record.reason.empty()
          ? fmt::format("{} of {} checks passed", record.checks.size() - size_t(alarms),
                        record.checks.size())
          : record.reason,
      cached ? ", already known" : "");
}

void Progress::end(const std::string& verdict, double seconds, bool cached) {
  done_ += work_[number_];
  if (cached) free_ += work_[number_];
  if (quiet_) return;
  const std::string cost = cached ? "already known" : fmt::format("{:.1f} s", seconds);
  if (terminal_) clear_line();
  say(stderr, "[{}/{}] {}: {}, {}\n", number_ + 1, cells_, label_, verdict, cost);
}

double Progress::spent() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

std::string Progress::time_left(double fraction) const {
  if (probing()) return "";
  const double computed = done_ - free_ + fraction * work_[number_],
               left = total_ - done_ - fraction * work_[number_];
  if (computed <= 0 || spent() < 1) return "";
  return ", " + clock_text(spent() * left / computed) + " left";
}

void Progress::show(double fraction) {
  if (quiet_ || !terminal_) return;
  const auto now = Clock::now();
  if (fraction > 0 && now - shown_ < std::chrono::milliseconds(100)) return;
  shown_ = now;
  clear_line();
  say(stderr, "[{}/{}] {}: {:.0f} %{}", number_ + 1, probing() ? probes_ : cells_, label_,
      100 * fraction, time_left(fraction));
  std::fflush(stderr);
}

}  // namespace gauntlet::cli
