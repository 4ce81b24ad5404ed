#pragma once
#include "execution/executor.h"

namespace gauntlet::execution {

/// One job after another, in this process.
class LocalExecutor final : public Executor {
 public:
  LocalExecutor(Answerer& answerer, RunEvents& events) : answerer_(answerer), events_(events) {}
  void run(const std::vector<suite::Job>& jobs,
           const std::function<void(size_t job, Answer answer)>& done) override;

 private:
  Answerer& answerer_;
  RunEvents& events_;
};

}  // namespace gauntlet::execution
