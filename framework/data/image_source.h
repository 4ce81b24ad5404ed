#pragma once
#include <vector>

#include "gauntlet/types.h"

namespace gauntlet::data {

/// Images that are decoded when they are asked for: sets that do not fit into memory.
struct ImageSource {
  virtual ~ImageSource() = default;
  /// [C, H, W]
  virtual std::vector<int64_t> shape() const = 0;
  /// [B, C, H, W] uint8 of index [B] int64. Any thread may ask. Throws BadInput, naming the file.
  virtual Tensor read(const Tensor& index) const = 0;
};

}  // namespace gauntlet::data
