// Where the square attack starts, and what it tries next, in each norm.
#pragma once
#include "gauntlet/plugin.h"

namespace gauntlet::square {

/// Perturbations of one batch. A row depends on itself and on its noise alone.
struct Search {
  virtual ~Search() = default;
  /// [N, C, H, W]: the first images that are asked.
  virtual Tensor start(Noise noise) const = 0;
  /// [N, C, H, W]: the best images, changed in a square window of each.
  virtual Tensor next(const Tensor& best, int64_t side, Noise noise) = 0;
  /// Pixels along the side of a window that is to take this share of the image.
  virtual int64_t side(double share) const = 0;
};

/// Keeps the task. Linf or L2.
std::unique_ptr<Search> search_of(const Task& task);

}  // namespace gauntlet::square
