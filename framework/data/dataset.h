// Data sets as they are evaluated and trained on.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "data/image_source.h"
#include "gauntlet/types.h"

namespace gauntlet::data {

class ReadAhead;

/// A loaded split. Images stay as they are stored, or in their files; batches are made float32 in
/// [0, 1] when they are needed.
struct Dataset {
  std::string id;      ///< "cifar10"
  std::string split;   ///< "test" or "train"
  std::string sha256;  ///< of the files' contents, in order of reading
  Tensor images;  ///< [N, C, H, W] uint8, or float32 in [0, 1]; undefined where there is a source
  Tensor labels;  ///< [N] int64
  std::vector<std::string> class_names;
  std::vector<std::string> remarks;  ///< what a person should know of the reading, a sentence each
  std::shared_ptr<ReadAhead> source = nullptr;  ///< set by decode_on_demand()

  int64_t size() const { return labels.size(0); }
  /// [C, H, W]
  std::vector<int64_t> image_shape() const;
  /// [B, C, H, W] as they are stored: uint8, or float32 in [0, 1]; index: [B] int64.
  Tensor stored(const Tensor& index) const;
  /// float32 in [0, 1], [B, C, H, W]; index: [B] int64.
  Tensor x(const Tensor& index) const;
  /// [B] int64.
  Tensor y(const Tensor& index) const { return labels.index_select(0, index); }
  /// Begins to decode these images on another thread: the next x() of an equal index finds them
  /// ready. Changes no result; nothing happens where images lie in memory.
  void prefetch(const Tensor& index) const;
};

/// Has a data set's images read from `source`.
void decode_on_demand(Dataset& data, std::unique_ptr<ImageSource> source);

/// The first `per_class` samples of every class, in the order they have in `data`. sha256 is left
/// empty: it is that of files, once written.
Dataset stratified_subset(const Dataset& data, int64_t per_class);

}  // namespace gauntlet::data
