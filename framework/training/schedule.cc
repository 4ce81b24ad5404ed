#include "training/schedule.h"

#include <cmath>

namespace gauntlet::training {
namespace {
// From a to b on half a cosine wave, t in [0, 1].
double glide(double a, double b, double t) { return b + (a - b) * (1 + std::cos(M_PI * t)) / 2; }
}  // namespace

double learning_rate_at(const ScheduleSpec& spec, int64_t step, int64_t steps_per_epoch,
                        int64_t epochs) {
  const double peak = spec.learning_rate;
  const double epoch = double(step) / double(steps_per_epoch);
  const double part = epoch / double(epochs);  // of the whole training
  if (spec.type != ScheduleSpec::Type::kOneCycle && epoch < spec.warmup_epochs) {
    ScheduleSpec warm = spec;
    warm.warmup_epochs = 0;
    return learning_rate_at(warm, step, steps_per_epoch, epochs) *
           (spec.start_factor + (1 - spec.start_factor) * epoch / spec.warmup_epochs);
  }
  switch (spec.type) {
    case ScheduleSpec::Type::kConstant:
      return peak;
    case ScheduleSpec::Type::kStep:
      return peak * std::pow(spec.factor, std::floor(epoch / spec.every));
    case ScheduleSpec::Type::kMultistep: {
      const auto drops = std::count_if(spec.milestones.begin(), spec.milestones.end(),
                                       [&](double milestone) { return epoch >= milestone; });
      return peak * std::pow(spec.factor, double(drops));
    }
    case ScheduleSpec::Type::kCosine:
      return glide(peak, peak * spec.final_factor, part);
    case ScheduleSpec::Type::kOneCycle:
      if (part < spec.warmup)
        return peak * (spec.start_factor + (1 - spec.start_factor) * part / spec.warmup);
      return glide(peak, peak * spec.final_factor, (part - spec.warmup) / (1 - spec.warmup));
  }
  throw std::logic_error("learning_rate_at: no such schedule");
}

}  // namespace gauntlet::training
