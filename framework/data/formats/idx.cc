// The IDX format of MNIST and its kin: two zero bytes, 8 for unsigned bytes, the number of
// dimensions, each dimension as a big-endian 32-bit number, then the bytes.
#include <cstring>

#include "base/bad_input.h"
#include "base/sha256.h"
#include "base/shape_text.h"
#include "data/files/gzip.h"
#include "data/formats/labels.h"
#include "data/formats/readers.h"

namespace gauntlet::data {
namespace {
constexpr unsigned char kUnsignedBytes = 8;

uint32_t big_endian(std::string_view content, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | uint8_t(content[at + i]);
  return value;
}
std::string to_big_endian(int64_t value) {
  std::string bytes;
  for (const int shift : {24, 16, 8, 0}) bytes += char(uint8_t(value >> shift));
  return bytes;
}

// The bytes as a tensor of the header's shape; `dimensions` are the allowed numbers of them.
Tensor parse_idx(const std::string& content, const std::string& file,
                 std::initializer_list<int64_t> dimensions, const std::string& kind) {
  const std::string_view all(content);
  if (all.size() < 4)
    throw BadInput(file + ": " + std::to_string(all.size()) +
                   " bytes are too few for an IDX file, which begins with a magic of 4");
  const int64_t rank = uint8_t(all[3]);
  if (all[0] || all[1] || uint8_t(all[2]) != kUnsignedBytes ||
      std::find(dimensions.begin(), dimensions.end(), rank) == dimensions.end())
    throw BadInput(file + ": the magic is " + std::to_string(big_endian(all, 0)) +
                   ", expected that of IDX " + kind + ", " +
                   std::to_string(int64_t{kUnsignedBytes} * 256 + *dimensions.begin()));
  const size_t header = 4 + 4 * size_t(rank);
  if (all.size() < header) throw BadInput(file + ": the file ends inside the IDX header");
  std::vector<int64_t> shape;
  double expected = 1;  // exact for every count a file can have
  for (size_t at = 4; at < header; at += 4) {
    shape.push_back(big_endian(all, at));
    expected *= double(shape.back());
  }
  const size_t found = all.size() - header;
  if (expected < 1)
    throw BadInput(file + ": the IDX header says " + dimensions_text(shape) + ": no data");
  if (expected != double(found))
    throw BadInput(file + ": the IDX header says " + dimensions_text(shape) + " bytes, but " +
                   std::to_string(found) + " follow it: the file is " +
                   (double(found) < expected ? "cut short" : "too long"));
  Tensor tensor = torch::empty(shape, torch::kByte);
  std::memcpy(tensor.mutable_data_ptr(), all.data() + header, found);
  return tensor;
}
}  // namespace

Dataset read_idx(const std::filesystem::path& images, const std::filesystem::path& labels,
                 int64_t classes, int64_t most_bytes) {
  Dataset data;
  const std::string content = read_unpacked(images, most_bytes);
  data.images = parse_idx(content, images.string(), {3, 4}, "images");
  if (data.images.dim() == 3) data.images = data.images.unsqueeze(1);
  const std::string label_content = read_unpacked(labels, most_bytes);
  data.labels = parse_idx(label_content, labels.string(), {1}, "labels").to(torch::kLong);
  if (data.labels.size(0) != data.images.size(0))
    throw BadInput(labels.string() + ": " + std::to_string(data.labels.size(0)) + " labels for " +
                   std::to_string(data.images.size(0)) + " images in " + images.string());
  check_labels(data.labels, classes, labels.string());
  Sha256 digest;
  digest.add(content);
  digest.add(label_content);
  data.sha256 = digest.hex();
  return data;
}

void write_idx(const Dataset& data, const std::filesystem::path& images,
               const std::filesystem::path& labels) {
  const auto packed = [](const Tensor& values, const std::filesystem::path& file) {
    const Tensor bytes = values.to(torch::kCPU, torch::kByte).contiguous();
    std::string content{'\0', '\0', char(kUnsignedBytes), char(bytes.dim())};
    for (const int64_t size : bytes.sizes()) content += to_big_endian(size);
    content.append(reinterpret_cast<const char*>(bytes.const_data_ptr()), size_t(bytes.numel()));
    write_gzip(file, content);
  };
  packed(data.images.size(1) == 1 ? data.images.squeeze(1) : data.images, images);
  packed(data.labels, labels);
}

}  // namespace gauntlet::data
