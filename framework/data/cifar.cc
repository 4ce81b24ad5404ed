// The binary version of CIFAR-10 and CIFAR-100: records of label bytes and 3 planes of 32 x 32.
#include <map>

#include "base/bad_input.h"
#include "base/sha256.h"
#include "data/dataset.h"
#include "data/gzip.h"
#include "data/labels.h"

namespace gauntlet {
namespace {
constexpr int64_t kSide = 32, kPixels = 3 * kSide * kSide;
}

Dataset read_cifar(const std::vector<std::filesystem::path>& batches, int64_t label_bytes,
                   int64_t classes, int64_t most_bytes) {
  if (batches.empty()) throw BadInput("a CIFAR split needs at least one batch file");
  const int64_t record = label_bytes + kPixels;
  Sha256 digest;
  std::map<std::string, std::string> known;  // hash of a batch -> its file
  std::vector<Tensor> images, labels;
  for (const std::filesystem::path& batch : batches) {
    std::string bytes = read_unpacked(batch, most_bytes);
    const int64_t size = int64_t(bytes.size());
    if (size == 0 || size % record != 0)
      throw BadInput(batch.string() + ": " + std::to_string(size) +
                     " bytes are not a whole number of CIFAR records of " + std::to_string(record) +
                     " bytes");
    const auto [same, fresh] = known.emplace(sha256(bytes), batch.string());
    if (!fresh)
      throw BadInput(batch.string() + ": holds the same records as " + same->second +
                     ", its samples would count twice");
    const Tensor records = torch::from_blob(bytes.data(), {size / record, record}, torch::kByte);
    images.push_back(records.narrow(1, label_bytes, kPixels)
                         .clone(at::MemoryFormat::Contiguous)
                         .view({-1, 3, kSide, kSide}));
    labels.push_back(records.select(1, label_bytes - 1).to(torch::kLong));
    check_labels(labels.back(), classes, batch.string());
    digest.add(bytes);
  }
  Dataset data;
  data.images = images.size() == 1 ? images[0] : torch::cat(images);
  data.labels = torch::cat(labels);
  data.sha256 = digest.hex();
  return data;
}

}  // namespace gauntlet
