#include "data/read_ahead.h"

namespace gauntlet::data {

Tensor ReadAhead::read(const Tensor& index) {
  std::future<Tensor> mine;
  {
    const std::lock_guard lock(mutex_);
    if (index_.defined() && index_.equal(index)) {
      mine = std::move(next_);
      index_ = Tensor();
    }
  }
  return mine.valid() ? mine.get() : images_->read(index);
}

void ReadAhead::prefetch(const Tensor& index) {
  const std::lock_guard lock(mutex_);
  if (index_.defined() && index_.equal(index)) return;
  next_ = {};  // waits for one that nobody asked for
  index_ = index.clone();
  next_ = std::async(std::launch::async, [this, wanted = index_] { return images_->read(wanted); });
}

}  // namespace gauntlet::data
