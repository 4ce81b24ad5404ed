// The task given to an attack. It holds copies: the host keeps its own tensors for judging.
#pragma once
#include <string>

#include "evaluation/rules.h"

namespace gauntlet::evaluation {

class LentTask {
 public:
  LentTask(const CraftBatch& batch, const ThreatModel& threat, Goal goal, Host& host);

  /// For the next run; what is drawn from `noise` is the attack's.
  const Task& lend(int64_t restart, const std::optional<Loss>& loss, const Noise& noise);
  /// Name of the tensor that the attack wrote into, such as "task.x"; empty: none.
  std::string written() const;

 private:
  const CraftBatch& batch_;
  const ThreatModel& own_threat_;
  ThreatModel threat_;
  Task task_;
  Noise noise_;
};

}  // namespace gauntlet::evaluation
