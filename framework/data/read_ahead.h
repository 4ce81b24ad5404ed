#pragma once
#include <future>
#include <memory>
#include <mutex>

#include "data/image_source.h"

namespace gauntlet::data {

/// One batch decoded ahead of the one in use.
class ReadAhead {
 public:
  explicit ReadAhead(std::unique_ptr<ImageSource> images) : images_(std::move(images)) {}

  const ImageSource& images() const { return *images_; }
  /// What prefetch() began, if it was for an equal index; else read now.
  Tensor read(const Tensor& index);
  void prefetch(const Tensor& index);

 private:
  std::unique_ptr<ImageSource> images_;
  std::mutex mutex_;
  Tensor index_;  // of what is under way
  std::future<Tensor> next_;
};

}  // namespace gauntlet::data
