// Small data files, byte by byte.
#pragma once
#include <zlib.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "gauntlet/types.h"
#include "tests/support/zip_bytes.h"

namespace gauntlet::testing {

inline std::string bytes_of(const Tensor& values) {
  const Tensor flat = values.contiguous();
  return {static_cast<const char*>(flat.const_data_ptr()), size_t(flat.nbytes())};
}

inline std::string big_endian(uint64_t value) {
  const std::string low = little_endian(value, 4);
  return {low.rbegin(), low.rend()};
}
inline std::string png_chunk(const std::string& type, const std::string& content) {
  return big_endian(content.size()) + type + content + big_endian(crc32_of(type + content));
}
/// A .npy file. `descr`, "<f4" and so on, is the tensor's own unless said otherwise.
inline std::string npy_bytes(const Tensor& values, std::string descr = "", std::string shape = "") {
  if (descr.empty())
    descr = values.scalar_type() == torch::kFloat    ? "<f4"
            : values.scalar_type() == torch::kDouble ? "<f8"
            : values.scalar_type() == torch::kLong   ? "<i8"
                                                     : "|u1";
  if (shape.empty())
    for (const int64_t size : values.sizes()) shape += std::to_string(size) + ", ";
  std::string head =
      "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  head.append(63 - (head.size() + 10) % 64, ' ').append("\n");
  return "\x93NUMPY" + std::string("\1\0", 2) + little_endian(head.size(), 2) + head +
         bytes_of(values);
}

inline std::string deflated(const std::string& content, int window) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = uInt(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = uInt(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}
inline std::string zlib_bytes(const std::string& content) { return deflated(content, 15); }
inline std::string gzip_bytes(const std::string& content) { return deflated(content, 15 + 16); }

/// A PNG file; depth and colour as its header has them. `pixels`: what is packed.
inline std::string png_file(uint64_t width, uint64_t height, const std::string& pixels,
                            char depth = 8, char colour = 2) {
  return "\x89PNG\r\n\x1a\n" +
         png_chunk("IHDR",
                   big_endian(width) + big_endian(height) + depth + colour + std::string(3, '\0')) +
         png_chunk("IDAT", zlib_bytes(pixels)) + png_chunk("IEND", "");
}

inline ZipPart stored(const std::string& name, const std::string& content) {
  return {name + ".npy", content};
}
inline ZipPart packed(const std::string& name, const std::string& content) {
  ZipPart part{name + ".npy", deflated(content, -15)};
  part.method = 8;
  part.size = int64_t(content.size());
  part.crc = int64_t(crc32_of(content));
  return part;
}

inline std::string mat_element(uint64_t type, const std::string& data, int64_t declared = -1) {
  const std::string tag =
      little_endian(type, 4) + little_endian(declared < 0 ? data.size() : uint64_t(declared), 4);
  return tag + data + std::string((8 - data.size() % 8) % 8, '\0');
}
/// What stands in a MATLAB matrix; sizes are in MATLAB's order. type: 2 bytes, 9 doubles.
inline std::string mat_matrix(const std::string& name, const std::vector<int64_t>& sizes,
                              const std::string& values, uint64_t type = 2,
                              uint64_t matrix_class = 9, int64_t declared = -1) {
  std::string dims;
  for (const int64_t size : sizes) dims += little_endian(uint64_t(size), 4);
  return mat_element(6, little_endian(matrix_class, 8)) + mat_element(5, dims) +
         mat_element(1, name) + mat_element(type, values, declared);
}
inline std::string mat_file(const std::vector<std::string>& matrices, bool pack) {
  std::string file(124, ' ');
  file += std::string("\0\1IM", 4);
  for (const std::string& matrix : matrices) {
    const std::string element = mat_element(14, matrix);
    if (pack) {
      const std::string small = zlib_bytes(element);
      file += little_endian(15, 4) + little_endian(small.size(), 4) + small;
    } else {
      file += element;
    }
  }
  return file;
}

/// One file of a tar archive, ustar. type: '0' a file, '5' a folder, '2' a link to `link`.
inline std::string tar_member(const std::string& name, const std::string& content, char type = '0',
                              const std::string& link = "", int64_t declared = -1) {
  std::string head(512, '\0');
  const auto put = [&](size_t at, const std::string& text) {
    std::memcpy(head.data() + at, text.data(), text.size());
  };
  char size[12];
  std::snprintf(size, sizeof size, "%011llo",
                static_cast<unsigned long long>(declared < 0 ? int64_t(content.size()) : declared));
  put(0, name), put(100, "0000644"), put(108, "0000000"), put(116, "0000000"), put(124, size);
  put(136, "00000000000"), put(148, "        "), put(156, std::string(1, type)), put(157, link);
  put(257, std::string("ustar\00000", 8));
  unsigned sum = 0;
  for (const char c : head) sum += uint8_t(c);
  char check[8];
  std::snprintf(check, sizeof check, "%06o", sum);
  put(148, std::string(check, 7));
  return head + content + std::string((512 - content.size() % 512) % 512, '\0');
}
inline std::string tar_gz(const std::string& members) {
  return gzip_bytes(members + std::string(1024, '\0'));
}

/// uint8 noise of a shape, the same every time.
inline Tensor noise_bytes(std::vector<int64_t> shape, unsigned seed = 1) {
  std::mt19937 random(seed);
  Tensor out = torch::empty(shape, torch::kByte);
  for (int64_t i = 0; i < out.numel(); ++i) out.mutable_data_ptr<uint8_t>()[i] = uint8_t(random());
  return out;
}

}  // namespace gauntlet::testing
