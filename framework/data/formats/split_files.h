// The files of a split and what is said about them.
#pragma once
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace gauntlet::data {

constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

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
}  // namespace gauntlet::data
