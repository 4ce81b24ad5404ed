// A file is a header of 128 bytes, then elements (type, size, data), each one packed with zlib or
// plain. A matrix is an element of elements: flags, dimensions, name, values.
#include "data/formats/mat_file.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <optional>

#include "base/bad_input.h"
#include "base/shape_text.h"
#include "base/shown.h"
#include "data/files/inflater.h"
#include "sdk/numpy_values.h"

namespace gauntlet::data {
namespace {

constexpr uint64_t kFileHeader = 128;
constexpr uint32_t kMatrix = 14, kPacked = 15, kInt8 = 1, kInt32 = 5, kUint32 = 6;
// Types of stored values; a class of numbers may be stored in a smaller one.
constexpr std::pair<uint32_t, at::ScalarType> kTypes[] = {
    {1, at::kChar},   {2, at::kByte},  {3, at::kShort},  {4, at::kUInt16}, {5, at::kInt},
    {6, at::kUInt32}, {7, at::kFloat}, {9, at::kDouble}, {12, at::kLong},  {13, at::kUInt64}};
// Classes of matrices: 6 double, 7 single, 8 to 15 whole numbers.
constexpr uint32_t kFirstNumbers = 6, kLastNumbers = 15;
constexpr uint64_t kMostSmall = 256;  // bytes of flags, dimensions and names

// The bytes of one element, unpacked as they are asked for.
class Bytes {
 public:
  Bytes(std::ifstream& in, uint64_t count, bool packed, std::string file)
      : in_(in), left_(count), file_(std::move(file)) {
    if (packed) stream_.emplace(Inflater::kZlib);
  }

  void read(void* to, uint64_t count) {
    if (stream_) {
      if (unpack(static_cast<char*>(to), count) < count) refuse();
    } else {
      if (count > left_ || !in_.read(static_cast<char*>(to), std::streamsize(count))) refuse();
      left_ -= count;
    }
  }
  // Only a packed element's end proves that its bytes are right.
  void finish() {
    char padding[kMostSmall];
    if (stream_ && (unpack(padding, sizeof padding) == sizeof padding || !stream_->ended()))
      refuse();
  }

 private:
  [[noreturn]] void refuse() const {
    throw BadInput(file_ + ": the MATLAB file is cut short or damaged");
  }
  // At most so many bytes; fewer at the end.
  uint64_t unpack(char* to, uint64_t count) {
    uint64_t done = 0;
    while (done < count && !stream_->ended()) {
      if (waiting_.empty()) refill();
      const bool last = waiting_.empty();
      done += stream_->unpack(waiting_, to + done, count - done);
      if (!stream_->damage().empty() || (last && !stream_->ended() && done < count)) refuse();
    }
    return done;
  }
  void refill() {
    const uint64_t part = std::min<uint64_t>(left_, buffer_.size());
    if (!in_.read(buffer_.data(), std::streamsize(part))) refuse();
    left_ -= part;
    waiting_ = std::string_view(buffer_.data(), part);
  }

  std::ifstream& in_;
  uint64_t left_;
  std::string file_;
  std::optional<Inflater> stream_;
  std::string buffer_ = std::string(1 << 16, '\0');
  std::string_view waiting_;
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
  std::string bytes((size_t{tag.size} + 7) / 8 * 8, '\0');
  in.read(bytes.data(), bytes.size());
  bytes.resize(tag.size);
  return bytes;
}

struct Matrix {
  std::string name;
  std::vector<int64_t> shape;  // the first dimension last
  uint32_t matrix_class = 0;
};

Matrix read_head(Bytes& in, const std::string& file) {
  const std::string flags = read_small(in, kUint32, file), sizes = read_small(in, kInt32, file);
  Matrix matrix{read_small(in, kInt8, file), {}, flags.empty() ? 0u : uint8_t(flags[0])};
  for (size_t at = 0; at + 4 <= sizes.size(); at += 4) {
    int32_t size;
    std::memcpy(&size, sizes.data() + at, 4);
    matrix.shape.insert(matrix.shape.begin(), size);
  }
  return matrix;
}

Tensor read_values(Bytes& in, const Matrix& matrix, const std::string& file, uint64_t most_bytes) {
  const std::string what = file + ": the matrix " + shown(matrix.name) + " ";
  for (const int64_t size : matrix.shape)
    if (size < 1) throw BadInput(what + "has a dimension of " + std::to_string(size));
  if (matrix.matrix_class < kFirstNumbers || matrix.matrix_class > kLastNumbers)
    throw BadInput(what + "is of class " + std::to_string(matrix.matrix_class) +
                   ", expected numbers");
  const Tag tag = read_tag(in);
  const auto type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                 [&](const auto& known) { return known.first == tag.type; });
  if (type == std::end(kTypes))
    throw BadInput(what + "stores values of type " + std::to_string(tag.type) +
                   ", expected numbers");
  const auto width = int64_t(at::elementSize(type->second));
  double bytes = double(width);
  for (const int64_t size : matrix.shape) bytes *= double(size);
  if (bytes != tag.size)
    throw BadInput(what + "declares " + dimensions_text(matrix.shape) + " values of " +
                   std::to_string(width) + " bytes, but has " + std::to_string(tag.size) +
                   " bytes");
  if (tag.size > most_bytes)
    throw BadInput(what + "has " + std::to_string(tag.size) +
                   " bytes, more than the file can hold or the entry declares");
  Tensor out = torch::empty(matrix.shape, type->second);
  if (tag.small) {
    std::memcpy(out.mutable_data_ptr(), tag.value, std::min<size_t>(tag.size, sizeof tag.value));
  } else {
    in.read(out.mutable_data_ptr(), tag.size);
  }
  return computable(out, what);
}

std::ifstream open_mat(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  char header[kFileHeader] = {};
  if (!in.read(header, sizeof header) || std::string_view(header + 126, 2) != "IM" ||
      header[125] != 1)
    throw BadInput(file + ": is no MATLAB 5 file (little-endian), as SVHN's are");
  return in;
}
}  // namespace

std::map<std::string, Tensor> read_mat(const std::filesystem::path& path,
                                       const std::vector<std::string>& wanted, int64_t most_bytes) {
  const std::string file = path.string();
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) throw BadInput(file + ": no such file");
  const uint64_t size = std::filesystem::file_size(path);
  std::ifstream in = open_mat(file);
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
    const Matrix matrix = read_head(bytes, file);
    if (std::find(wanted.begin(), wanted.end(), matrix.name) != wanted.end()) {
      if (out.contains(matrix.name))
        throw BadInput(file + ": the matrix " + shown(matrix.name) + " is there twice");
      const uint64_t could_hold = packed ? tag[1] * Inflater::kBestRatio : tag[1];
      out[matrix.name] =
          read_values(bytes, matrix, file, std::min(could_hold, uint64_t(most_bytes)));
      bytes.finish();
    }
    at += 8 + tag[1];
  }
  return out;
}

}  // namespace gauntlet::data
