#include "base/bad_input.h"
#include "base/sha256.h"
#include "data/formats/labels.h"
#include "data/formats/mat_file.h"
#include "data/formats/readers.h"

namespace gauntlet::data {

Dataset read_svhn(const std::filesystem::path& file, int64_t classes, int64_t most_bytes) {
  const std::map<std::string, Tensor> matrices = read_mat(file, {"X", "y"}, most_bytes);
  const auto images = matrices.find("X"), labels = matrices.find("y");
  if (images == matrices.end() || labels == matrices.end())
    throw BadInput(file.string() + ": holds no " + (images == matrices.end() ? "X" : "y") +
                   ", expected the matrices X (images) and y (labels) of SVHN");
  if (images->second.dim() != 4 || images->second.scalar_type() != torch::kByte)
    throw BadInput(file.string() + ": X is no uint8 matrix of height x width x 3 x N");
  Dataset data;
  data.images = images->second.transpose(2, 3).contiguous();  // [N, C, W, H] in the file
  const Tensor stored = labels->second.flatten();
  data.labels = stored.to(torch::kLong);
  if (!data.labels.eq(stored).all().item<bool>())
    throw BadInput(file.string() + ": y has values that are no whole numbers");
  if (data.labels.size(0) != data.images.size(0))
    throw BadInput(file.string() + ": " + std::to_string(data.labels.size(0)) + " labels for " +
                   std::to_string(data.images.size(0)) + " images");
  // Digits are 1 to 10, and 10 is the digit 0.
  check_labels(data.labels, classes, file.string(), /*first=*/1);
  data.labels.remainder_(classes);
  data.sha256 = sha256_of_file(file);
  return data;
}

}  // namespace gauntlet::data
