// CIFAR-10 and CIFAR-100. The binary version is records of label bytes and 3 planes of 32 x 32.
#include <map>

#include "base/bad_input.h"
#include "base/sha256.h"
#include "data/files/gzip.h"
#include "data/formats/cifar_pickle.h"
#include "data/formats/labels.h"
#include "data/formats/readers.h"

namespace gauntlet::data {
namespace {
constexpr int64_t kSide = 32;

CifarBatch read_records(const std::string& bytes, int64_t label_bytes, const std::string& file) {
  const int64_t record = label_bytes + kCifarValues, size = int64_t(bytes.size());
  if (size == 0 || size % record != 0)
    throw BadInput(file + ": " + std::to_string(size) +
                   " bytes are not a whole number of CIFAR records of " + std::to_string(record) +
                   " bytes");
  const Tensor records =
      torch::from_blob(const_cast<char*>(bytes.data()), {size / record, record}, torch::kByte);
  return {records.narrow(1, label_bytes, kCifarValues)
              .clone(at::MemoryFormat::Contiguous)
              .view({-1, 3, kSide, kSide}),
          records.select(1, label_bytes - 1).to(torch::kLong)};
}
}  // namespace

Dataset read_cifar(const std::vector<std::filesystem::path>& batches, int64_t label_bytes,
                   int64_t classes, int64_t most_bytes) {
  if (batches.empty()) throw BadInput("a CIFAR split needs at least one batch file");
  Sha256 digest;
  std::map<std::string, std::string> known;  // hash of a batch -> its file
  std::vector<Tensor> images, labels;
  for (const std::filesystem::path& path : batches) {
    const std::string file = path.string(), bytes = read_unpacked(path, most_bytes);
    const auto [same, fresh] = known.emplace(sha256(bytes), file);
    if (!fresh)
      throw BadInput(file + ": holds the same records as " + same->second +
                     ", its samples would count twice");
    CifarBatch batch =
        is_cifar_pickle(bytes)
            ? read_cifar_pickle(bytes, label_bytes == 1 ? "labels" : "fine_labels", file)
            : read_records(bytes, label_bytes, file);
    check_labels(batch.labels, classes, file);
    images.push_back(std::move(batch.images));
    labels.push_back(std::move(batch.labels));
    digest.add(bytes);
  }
  Dataset data;
  data.images = images.size() == 1 ? images[0] : torch::cat(images);
  data.labels = torch::cat(labels);
  data.sha256 = digest.hex();
  return data;
}

}  // namespace gauntlet::data
