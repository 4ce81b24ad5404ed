#pragma once
#include "execution/executor.h"

namespace gauntlet::execution {

/// One job after another, in this process.
class LocalExecutor final : public Executor {
 public:
  /// `stop`: set, no further job is begun; may be null.
  LocalExecutor(Answerer& answerer, RunEvents& events, const std::atomic<bool>* stop)
      : answerer_(answerer), events_(events), stop_(stop) {}
  void run(const std::vector<suite::Job>& jobs,
           const std::function<void(size_t job, Answer answer)>& done) override;

 private:
  Answerer& answerer_;
  RunEvents& events_;
  const std::atomic<bool>* stop_;
};

}  // namespace gauntlet::execution
