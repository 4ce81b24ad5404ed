// The task an attack is given: of copies, since the host judges by its own.
#pragma once
#include <string>

#include "evaluation/craft.h"

namespace gauntlet {

class LentTask {
 public:
  LentTask(const CraftBatch& batch, const ThreatModel& threat, Goal goal, Host& host);

  /// For the next run; what is drawn from `noise` is the attack's.
  const Task& lend(int64_t restart, const std::optional<Loss>& loss, const Noise& noise);
  /// "task.x" where the attack wrote into it, by whatever means; empty: into nothing.
  std::string written() const;

 private:
  const CraftBatch& batch_;
  const ThreatModel& own_threat_;
  ThreatModel threat_;
  Task task_;
  Noise noise_;
};

}  // namespace gauntlet
