// Who answers the jobs of a run: this process, or, behind the same door, others.
#pragma once
#include <functional>
#include <vector>

#include "execution/answer.h"

namespace gauntlet::execution {

class Executor {
 public:
  virtual ~Executor() = default;
  /// Answers every job and hands each answer over once, in the order of the jobs and on the calling
  /// thread. Throws Interrupted where the user stopped the run: what was handed over is complete.
  virtual void run(const std::vector<suite::Job>& jobs,
                   const std::function<void(size_t job, Answer answer)>& done) = 0;
};

}  // namespace gauntlet::execution
