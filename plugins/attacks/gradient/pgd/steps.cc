// How far the steps of a run go.
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "ascent.h"

namespace gauntlet::pgd {
namespace {

constexpr double kReach = 2.5;  // epsilons that the steps of a run add up to where nothing is said

double factor(const Params& p, int64_t step) { return 2 * step < p.steps ? 1 : p.step_decay; }

double first_step(const Params& p, double epsilon) {
  if (p.step_size == 0) return kReach * epsilon / double(std::max<int64_t>(p.steps, 1));
  return p.step_unit == "epsilon" ? p.step_size * epsilon : p.step_size;
}

std::string shown(double value, const char* format) {
  char text[32];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

// "2/255" where it is that, else "0.025".
std::string as_written(double value) {
  const std::string plain = shown(value, "%.4g");
  const double levels = value * 255;
  const bool short_decimal = std::fabs(std::strtod(plain.c_str(), nullptr) - value) < 1e-7 * value;
  if (!short_decimal && levels > 0.5 && std::fabs(levels - std::round(levels)) < 1e-4)
    return shown(levels, "%.0f") + "/255";
  return plain;
}
}  // namespace

Tensor step_length(const Params& p, int64_t step, const ThreatModel& threat) {
  const Tensor reach = threat.reach();
  if (p.step_size > 0 && p.step_unit == "input")
    return torch::full({1, 1, 1, 1}, p.step_size * factor(p, step), reach.options());
  // A pixel gives way to one that moves farther: whole steps choose them anew each time.
  if (p.step_size == 0 && threat.norm == Norm::kL0) return factor(p, step) * reach;
  return first_step(p, 1) * factor(p, step) * reach;
}

std::string remark_on_steps(const Params& p, double epsilon) {
  const double one = first_step(p, epsilon);
  double reach = 0;
  for (int64_t step = 0; step < p.steps; ++step) reach += one * factor(p, step);
  if (p.steps == 0 || one == 0 || epsilon == 0) return "";
  const std::string steps =
      std::to_string(p.steps) + (p.steps == 1 ? " step of " : " steps of ") + as_written(one);
  if (reach < epsilon * (1 - 1e-6))
    return steps + (p.steps == 1 ? " reaches " : " reach ") + shown(reach, "%.2g") +
           " of epsilon = " + as_written(epsilon) + ": leave step_size out, or raise it";
  if (p.steps > 1 && one > 2 * epsilon * (1 + 1e-6))
    return steps + ": each is longer than the whole ball, epsilon = " + as_written(epsilon) +
           "; leave step_size out, or lower it";
  return "";
}

}  // namespace gauntlet::pgd
