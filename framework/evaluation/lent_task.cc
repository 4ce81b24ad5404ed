#include "evaluation/lent_task.h"

namespace gauntlet::evaluation {
namespace {
Tensor copy(const Tensor& tensor) { return tensor.defined() ? tensor.clone() : tensor; }

Noise copy(Noise noise) {
  noise.key.id = copy(noise.key.id), noise.key.place = copy(noise.key.place);
  return noise;
}

// Not through resize_() or set_(), either.
bool still_same(const Tensor& lent, const Tensor& own) {
  return !own.defined() || (lent.sizes() == own.sizes() && lent.equal(own));
}
}  // namespace

LentTask::LentTask(const CraftBatch& batch, const ThreatModel& threat, Goal goal, Host& host)
    : batch_(batch),
      own_threat_(threat),
      threat_(threat),
      task_{copy(batch.x), copy(batch.y), copy(batch.target), goal, threat_, {}, {}, host} {
  threat_.epsilon = copy(threat.epsilon);
}

const Task& LentTask::lend(int64_t restart, const std::optional<Loss>& loss, const Noise& noise) {
  task_.restart = restart, task_.loss = loss;
  noise_ = noise, task_.noise = copy(noise);
  return task_;
}

std::string LentTask::written() const {
  if (!still_same(task_.x, batch_.x)) return "task.x";
  if (!still_same(task_.y, batch_.y)) return "task.y";
  if (!still_same(task_.target, batch_.target)) return "task.target";
  if (!still_same(threat_.epsilon, own_threat_.epsilon)) return "task.threat.epsilon";
  if (!still_same(task_.noise.key.id, noise_.key.id)) return "task.noise.key.id";
  if (!still_same(task_.noise.key.place, noise_.key.place)) return "task.noise.key.place";
  return "";
}

}  // namespace gauntlet::evaluation
