#include "execution/local.h"

#include "evaluation/interrupted.h"

namespace gauntlet::execution {

void LocalExecutor::run(const std::vector<suite::Job>& jobs,
                        const std::function<void(size_t job, Answer answer)>& done) {
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (stop_ && stop_->load()) throw evaluation::Interrupted{};
    events_.cell_begin(i, jobs[i].label);
    done(i, answerer_.answer(jobs[i]));
  }
}

}  // namespace gauntlet::execution
