// Data sets as they are evaluated and trained on.
#pragma once
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "gauntlet/types.h"

namespace gauntlet {

/// Images that are decoded when they are asked for: sets that do not fit into memory.
struct ImageSource {
  virtual ~ImageSource() = default;
  /// [C, H, W]
  virtual std::vector<int64_t> shape() const = 0;
  /// [B, C, H, W] uint8 of index [B] int64. Any thread may ask. Throws BadInput, naming the file.
  virtual Tensor read(const Tensor& index) const = 0;
};

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

enum class DataFormat { kIdx, kCifar10, kCifar100, kSvhn, kImages, kNpz };

/// The files of a split and what its entry says about them.
struct SplitFiles {
  DataFormat format = DataFormat::kIdx;
  std::vector<std::filesystem::path> paths;
  int64_t classes = 0;                   ///< 0: as many as there are folders (kImages)
  int64_t samples = 0;                   ///< 0: unknown
  std::vector<int64_t> shape;            ///< [C, H, W]; empty: as the files say
  std::vector<std::string> class_names;  ///< kImages: in label order; empty: not declared
  int64_t resize = 0;  ///< kImages: length of the shorter side before the crop; 0: the crop's
  bool channels_last = false;              ///< kNpz
  std::string images = "x", labels = "y";  ///< kNpz: names of the arrays

  /// No array of images or labels of the split has more bytes; what unpacks to more is refused
  /// before it is unpacked. Where samples or shape are not declared: what the files' sizes allow.
  int64_t most_bytes() const;
};
/// Throws BadInput (what, where, expected) for anything wrong: magic, counts, truncation, labels
/// outside [0, classes), a file listed twice.
Dataset read_split(const SplitFiles& files);

constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

/// IDX images and labels, plain or .gz.
Dataset read_idx(const std::filesystem::path& images, const std::filesystem::path& labels,
                 int64_t classes, int64_t most_bytes = kNoLimit);
/// CIFAR batches of the binary or the Python version, read in the given order. label_bytes: 1 for
/// CIFAR-10; 2 for CIFAR-100, of which the second (fine) is the label.
Dataset read_cifar(const std::vector<std::filesystem::path>& batches, int64_t label_bytes,
                   int64_t classes, int64_t most_bytes = kNoLimit);
/// SVHN's cropped digits: a MATLAB 5 file of X [H, W, 3, N] uint8 and y [N, 1], where 10 is the
/// digit 0.
Dataset read_svhn(const std::filesystem::path& file, int64_t classes,
                  int64_t most_bytes = kNoLimit);
/// Arrays of images (uint8, or floats in [0, 1]) and labels in a .npz file.
Dataset read_npz_split(const SplitFiles& files);
/// PNG, JPEG, BMP and PNM files in a folder for each class, and in the folders in it; classes are
/// the folders in the order of `class_names` or else of their own, samples the files in the order
/// of theirs. Listed, hashed and held to their structure here, decoded on demand. Files that are
/// left out are counted in the remarks.
Dataset read_image_folder(const SplitFiles& files);

/// Writes images and labels as .gz IDX files (how the embedded subset was made).
void write_idx(const Dataset& data, const std::filesystem::path& images,
               const std::filesystem::path& labels);
/// The first `per_class` samples of every class, in the order they have in `data`. sha256 is left
/// empty: it is that of files, once written.
Dataset stratified_subset(const Dataset& data, int64_t per_class);

}  // namespace gauntlet
