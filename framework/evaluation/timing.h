// Measures a gradient step on this machine and chooses the number of threads.
#pragma once
#include "evaluation/laboratory.h"

namespace gauntlet::evaluation {

/// A forward and a backward pass of one image.
struct GradientTime {
  double seconds = 0;
  int threads = 1;  ///< of the CPU on which that was reached: no more than help
};

/// Takes some steps with the first images of `data` (at most `batch_size`) on `most` threads, half
/// as many, and so on, and answers with the fewest threads that are about as fast as the best. A
/// network whose steps take long is measured on `most` threads only. The number of threads is left
/// as it was.
GradientTime time_gradients(DefendedModel& model, const data::Dataset& data, Laboratory& laboratory,
                            int64_t batch_size, int most);

/// Of counts and the seconds they took, in falling order of counts: the fewest threads whose time
/// is within 5 % of the best.
int fewest_that_help(const std::vector<std::pair<int, double>>& measured);

}  // namespace gauntlet::evaluation
