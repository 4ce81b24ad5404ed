#include "evaluation/run_memory.h"

namespace gauntlet::evaluation {

void Progress::take(const Progress& from, const Tensor& samples) {
  const auto rows = [&](Tensor& mine, const Tensor& theirs) {
    mine = torch::where(mine.dim() > 1 ? samples.unsqueeze(1) : samples, theirs, mine);
  };
  rows(taken, from.taken), rows(requested, from.requested), rows(pulled, from.pulled);
  rows(notes, from.notes);
}

int64_t RunMemory::bytes() const {
  int64_t sum = 0;
  for (const KnownRun& run : runs)
    sum += int64_t(run.answer.nbytes()) + int64_t(run.after.notes.nbytes());
  return sum;
}

int64_t SharedPasses::spared() const {
  int64_t sum = spared_ + draws_.spared();
  for (const auto& [_, memory] : runs_) sum += memory->spared;
  return sum;
}

std::shared_ptr<RunMemory> SharedPasses::runs(const std::string& key) {
  if (const auto known = runs_.find(key); known != runs_.end()) return known->second;
  int64_t held = 0;
  for (const auto& [_, memory] : runs_) held += memory->bytes();
  while (held > kMostBytes && !order_.empty()) {
    const auto oldest = runs_.find(order_.front());
    held -= oldest->second->bytes(), spared_ += oldest->second->spared;
    runs_.erase(oldest), order_.pop_front();
  }
  order_.push_back(key);
  return runs_[key] = std::make_shared<RunMemory>();
}

}  // namespace gauntlet::evaluation
