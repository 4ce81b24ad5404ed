// Images that are not packed: BMP and PNM.
#include <charconv>

#include "base/bad_input.h"
#include "data/images/image_structure.h"

namespace gauntlet::data {
namespace {
constexpr uint64_t kLongestSide = 1 << 16;

uint64_t little_endian(std::string_view bytes, size_t at, size_t count) {
  uint64_t value = 0;
  for (size_t i = count; i-- > 0;) value = value << 8 | uint8_t(bytes[at + i]);
  return value;
}

// The next number of a PNM's head, behind white space and comments; `at` moves behind it.
uint64_t next_number(const std::string& file, std::string_view bytes, size_t& at) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  while (true) {
    at = bytes.find_first_not_of(kSpace, at);
    if (at == std::string_view::npos || bytes[at] != '#') break;
    at = bytes.find_first_of("\r\n", at);
  }
  at = std::min(at, bytes.size());
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(bytes.data() + at, bytes.data() + bytes.size(), value);
  if (error != std::errc{} || value == 0 || value > kLongestSide)
    refuse_damaged(file, "its header has no sizes");
  at = size_t(end - bytes.data());
  return value;
}
}  // namespace

// A file header of 14 bytes, a header that begins with its size, a palette, rows of whole words.
void check_bmp(const std::string& file, std::string_view bytes) {
  constexpr size_t kFileHeader = 14, kHeader = 40;
  if (bytes.size() < kFileHeader + kHeader) refuse_damaged(file, "its header is cut");
  const uint64_t offset = little_endian(bytes, 10, 4), header = little_endian(bytes, 14, 4),
                 depth = little_endian(bytes, 28, 2), packing = little_endian(bytes, 30, 4);
  const auto width = int32_t(little_endian(bytes, 18, 4)),
             height = int32_t(little_endian(bytes, 22, 4));
  const bool known = (header == 40 || header == 108 || header == 124) &&
                     (depth == 1 || depth == 4 || depth == 8 || depth == 24 || depth == 32) &&
                     (packing == 0 || (packing == 3 && depth == 32));
  if (!known)
    throw BadInput(file + ": is a BMP image of " + std::to_string(depth) + " bits in packing " +
                   std::to_string(packing) + "; read are 1, 4, 8, 24 and 32 bits, not packed");
  const uint64_t rows = uint64_t(std::abs(int64_t{height})), columns = uint64_t(width);
  if (width < 1 || rows < 1 || columns > kLongestSide || rows > kLongestSide)
    refuse_damaged(file, "its header has no sizes");
  const uint64_t colours = depth <= 8 ? uint64_t{1} << depth : 0,
                 row = (columns * depth + 31) / 32 * 4;
  if (offset < kFileHeader + header + 4 * colours)
    throw BadInput(file + ": its palette has fewer colours than its " + std::to_string(depth) +
                   " bits can name; save it with all of them");
  if (offset > bytes.size() || row * rows > bytes.size() - offset)
    refuse_damaged(file, "its pixels take " + std::to_string(row * rows) + " bytes");
}

// "P5" or "P6", width, height, the largest value, one white space, the pixels.
void check_pnm(const std::string& file, std::string_view bytes) {
  constexpr uint64_t kLargestValue = 255;
  size_t at = 2;
  const uint64_t width = next_number(file, bytes, at), height = next_number(file, bytes, at),
                 largest = next_number(file, bytes, at);
  if (largest != kLargestValue)
    throw BadInput(file + ": its values go up to " + std::to_string(largest) +
                   ", expected 255; save it with 8 bits a channel");
  const uint64_t pixels = width * height * (bytes[1] == '6' ? 3 : 1);
  if (at >= bytes.size() || pixels > bytes.size() - at - 1)
    refuse_damaged(file, "its pixels take " + std::to_string(pixels) + " bytes");
}

}  // namespace gauntlet::data
