// Data sets as they are evaluated and trained on.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "gauntlet/types.h"

namespace gauntlet {

/// A loaded split. Images stay uint8; batches are made float32 / 255 when they are needed.
struct Dataset {
  std::string id;      ///< "cifar10"
  std::string split;   ///< "test" or "train"
  std::string sha256;  ///< of the files' contents, in order of reading
  Tensor images;       ///< [N, C, H, W] uint8
  Tensor labels;       ///< [N] int64
  std::vector<std::string> class_names;

  int64_t size() const { return labels.size(0); }
  /// float32 in [0, 1], [B, C, H, W]; index: [B] int64.
  Tensor x(const Tensor& index) const;
  /// [B] int64.
  Tensor y(const Tensor& index) const { return labels.index_select(0, index); }
};

enum class DataFormat { kIdx, kCifar10, kCifar100 };

/// IDX images and labels, plain or .gz. Throws BadInput (what, where, expected) for anything wrong:
/// magic, counts, truncation, labels outside [0, classes).
Dataset read_idx(const std::filesystem::path& images, const std::filesystem::path& labels,
                 int64_t classes);
/// CIFAR binary batches, read in the given order. label_bytes: 1 for CIFAR-10; 2 for CIFAR-100, of
/// which the second (fine) is the label.
Dataset read_cifar(const std::vector<std::filesystem::path>& batches, int64_t label_bytes,
                   int64_t classes);
/// Writes images and labels as .gz IDX files (how the embedded subset was made).
void write_idx(const Dataset& data, const std::filesystem::path& images,
               const std::filesystem::path& labels);
/// The first `per_class` samples of every class, in the order they have in `data`. sha256 is left
/// empty: it is that of files, once written.
Dataset stratified_subset(const Dataset& data, int64_t per_class);

}  // namespace gauntlet
