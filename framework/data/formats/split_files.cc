#include "data/formats/split_files.h"

#include <algorithm>

#include "base/plausible_size.h"

namespace gauntlet::data {
namespace {
constexpr int64_t kHeaders = 1 << 16, kLargestValue = 8;
constexpr int64_t kBeside = 128;  // of a sample: its label, and its name in CIFAR's pickles

}  // namespace

int64_t SplitFiles::most_bytes() const {
  if (samples == 0 || shape.empty()) {
    uintmax_t largest = 0;
    for (const std::filesystem::path& path : paths)
      if (std::filesystem::is_regular_file(path))
        largest = std::max(largest, std::filesystem::file_size(path));
    return plausible_bytes(largest);
  }
  double bytes = format == DataFormat::kNpz ? kLargestValue : 1;
  for (const int64_t size : shape) bytes *= double(size);
  bytes = kHeaders + double(samples) * (bytes + kBeside);
  return bytes < double(kNoLimit) ? int64_t(bytes) : kNoLimit;
}

}  // namespace gauntlet::data
