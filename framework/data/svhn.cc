// MATLAB 5 files as SVHN's are: a header of 128 bytes, then elements (type, size, data), each one
// packed with zlib or plain. A matrix is an element of elements: flags, dimensions, name, values.
#include <zlib.h>

#include <cstring>
#include <fstream>
#include <map>
#include <optional>

#include "base/bad_input.h"
#include "base/sha256.h"
#include "data/dataset.h"
#include "data/labels.h"

namespace gauntlet {
namespace {

constexpr uint64_t kFileHeader = 128;
constexpr uint32_t kMatrix = 14, kPacked = 15, kInt8 = 1, kUint8 = 2, kInt32 = 5, kUint32 = 6,
                   kDouble = 9;
constexpr uint32_t kDoubleClass = 6, kUint8Class = 9;
constexpr uint64_t kMostSmall = 256;  // bytes of flags, dimensions and names

// The bytes of one element, unpacked as they are asked for.
class Bytes {
 public:
  Bytes(std::ifstream& in, uint64_t count, bool packed, std::string file)
      : in_(in), left_(count), file_(std::move(file)) {
    if (!packed) return;
    stream_.emplace();
    if (inflateInit(&*stream_) != Z_OK) throw std::bad_alloc();
  }
  ~Bytes() {
    if (stream_) inflateEnd(&*stream_);
  }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;

  void read(void* to, uint64_t count) {
    if (stream_) {
      inflate_into(static_cast<Bytef*>(to), count);
    } else {
      if (count > left_ || !in_.read(static_cast<char*>(to), std::streamsize(count))) refuse();
      left_ -= count;
    }
  }

 private:
  [[noreturn]] void refuse() const {
    throw BadInput(file_ + ": the MATLAB file is cut short or damaged");
  }
  void inflate_into(Bytef* to, uint64_t count) {
    while (count > 0) {
      if (stream_->avail_in == 0) {
        const uint64_t part = std::min<uint64_t>(left_, buffer_.size());
        if (part == 0 || !in_.read(buffer_.data(), std::streamsize(part))) refuse();
        left_ -= part;
        stream_->next_in = reinterpret_cast<Bytef*>(buffer_.data());
        stream_->avail_in = uInt(part);
      }
      const uInt room = uInt(std::min<uint64_t>(count, 1 << 30));
      stream_->next_out = to, stream_->avail_out = room;
      const int state = inflate(&*stream_, Z_NO_FLUSH);
      const uint64_t made = room - stream_->avail_out;
      to += made, count -= made;
      if ((state != Z_OK && state != Z_STREAM_END) || (state == Z_STREAM_END && count > 0))
        refuse();
    }
  }

  std::ifstream& in_;
  uint64_t left_;
  std::string file_;
  std::optional<z_stream> stream_;
  std::string buffer_ = std::string(1 << 16, '\0');
};

struct Tag {
  uint32_t type = 0, size = 0;
  bool small = false;  // the value lies in the tag
  char value[4] = {};
};

Tag read_tag(Bytes& in) {
  uint32_t words[2];
  in.read(words, 8);
  Tag tag{words[0], words[1]};
  if (words[0] >> 16) {
    tag = {words[0] & 0xffff, words[0] >> 16, true};
    std::memcpy(tag.value, &words[1], 4);
  }
  return tag;
}

// A small element's bytes.
std::string read_small(Bytes& in, uint32_t type, const std::string& file) {
  const Tag tag = read_tag(in);
  if (tag.type != type || tag.size > (tag.small ? 4 : kMostSmall))
    throw BadInput(file + ": an element of the MATLAB file is not what is expected there");
  if (tag.small) return std::string(tag.value, tag.size);
  std::string bytes((tag.size + 7) / 8 * 8, '\0');
  in.read(bytes.data(), bytes.size());
  bytes.resize(tag.size);
  return bytes;
}

// The matrix of an element, with its first dimension last in memory; uint8 or double.
std::pair<std::string, Tensor> read_matrix(Bytes& in, const std::string& file, int64_t most_bytes,
                                           uint64_t could_hold) {
  const std::string flags = read_small(in, kUint32, file), sizes = read_small(in, kInt32, file),
                    name = read_small(in, kInt8, file);
  const uint32_t matrix_class = flags.empty() ? 0 : uint8_t(flags[0]);
  const std::string what = file + ": the matrix '" + name + "' ";
  if (matrix_class != kUint8Class && matrix_class != kDoubleClass)
    throw BadInput(what + "is of class " + std::to_string(matrix_class) +
                   ", expected uint8 or double");
  std::vector<int64_t> shape;
  double values = 1;
  for (size_t at = 0; at + 4 <= sizes.size(); at += 4) {
    int32_t size;
    std::memcpy(&size, sizes.data() + at, 4);
    shape.insert(shape.begin(), size);
    values *= size;
    if (size < 1) throw BadInput(what + "has a dimension of " + std::to_string(size));
  }
  const Tag tag = read_tag(in);
  const int64_t width = tag.type == kUint8 ? 1 : tag.type == kDouble ? 8 : 0;
  if (width == 0)
    throw BadInput(what + "stores values of type " + std::to_string(tag.type) +
                   ", expected unsigned bytes or doubles");
  if (values * double(width) != tag.size)
    throw BadInput(what + "declares " + std::to_string(values) + " values, but has " +
                   std::to_string(tag.size) + " bytes");
  if (tag.size > could_hold || int64_t(tag.size) > most_bytes)
    throw BadInput(what + "has " + std::to_string(tag.size) + " bytes, more than " +
                   (tag.size > could_hold ? "the file can hold" : "the entry declares"));
  Tensor out = torch::empty(shape, width == 1 ? torch::kByte : torch::kDouble);
  if (tag.small) {
    std::memcpy(out.mutable_data_ptr(), tag.value, tag.size);
  } else {
    in.read(out.mutable_data_ptr(), tag.size);
  }
  return {name, out};
}

std::map<std::string, Tensor> read_mat(const std::filesystem::path& path, int64_t most_bytes) {
  const std::string file = path.string();
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) throw BadInput(file + ": no such file");
  const uint64_t size = std::filesystem::file_size(path);
  std::ifstream in(path, std::ios::binary);
  char header[kFileHeader] = {};
  if (!in.read(header, sizeof header) || std::string_view(header + 126, 2) != "IM" ||
      header[125] != 1)
    throw BadInput(file + ": is no MATLAB 5 file (little-endian), as SVHN's are");
  std::map<std::string, Tensor> out;
  for (uint64_t at = kFileHeader; at < size;) {
    uint32_t tag[2];
    in.clear();
    in.seekg(std::streamoff(at));
    if (size - at < 8 || !in.read(reinterpret_cast<char*>(tag), 8) || tag[1] > size - at - 8)
      throw BadInput(file + ": the MATLAB file is cut short");
    if (tag[0] != kMatrix && tag[0] != kPacked)
      throw BadInput(file + ": an element of type " + std::to_string(tag[0]) +
                     " where a matrix is expected");
    const bool packed = tag[0] == kPacked;
    Bytes bytes(in, tag[1], packed, file);
    if (packed && read_tag(bytes).type != kMatrix)
      throw BadInput(file + ": a packed element is no matrix");
    constexpr uint64_t kBestDeflate = 1032;
    out.insert(read_matrix(bytes, file, most_bytes, packed ? tag[1] * kBestDeflate : tag[1]));
    at += 8 + tag[1];
  }
  return out;
}
}  // namespace

Dataset read_svhn(const std::filesystem::path& file, int64_t classes, int64_t most_bytes) {
  const std::map<std::string, Tensor> matrices = read_mat(file, most_bytes);
  const auto images = matrices.find("X"), labels = matrices.find("y");
  if (images == matrices.end() || labels == matrices.end())
    throw BadInput(file.string() + ": holds no " + (images == matrices.end() ? "X" : "y") +
                   ", expected the matrices X (images) and y (labels) of SVHN");
  if (images->second.dim() != 4 || images->second.scalar_type() != torch::kByte)
    throw BadInput(file.string() + ": X is no uint8 matrix of height x width x 3 x N");
  Dataset data;
  data.images = images->second.transpose(2, 3).contiguous();  // [N, C, W, H] in the file
  data.labels = labels->second.flatten().to(torch::kLong);
  if (data.labels.size(0) != data.images.size(0))
    throw BadInput(file.string() + ": " + std::to_string(data.labels.size(0)) + " labels for " +
                   std::to_string(data.images.size(0)) + " images");
  // Digits are 1 to 10, and 10 is the digit 0; a 0 in the file is as wrong as an 11.
  check_labels(data.labels - 1, classes, file.string());
  data.labels = data.labels.remainder(classes);
  data.sha256 = sha256_of_file(file);
  return data;
}

}  // namespace gauntlet
