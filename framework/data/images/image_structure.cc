#include "data/images/image_structure.h"

#include <algorithm>
#include <optional>

#include "base/bad_input.h"
#include "data/files/inflater.h"

namespace gauntlet::data {
namespace {

constexpr std::string_view kPng = "\x89PNG\r\n\x1a\n", kJpeg = "\xff\xd8";

[[noreturn]] void refuse(const std::string& file, const std::string& why) {
  refuse_damaged(file, why);
}

uint64_t big_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | uint8_t(byte);
  return value;
}

// Bytes of a PNG's pixels before they are packed: of each row a filter and the pixels.
uint64_t unpacked_size(const std::string& file, std::string_view header) {
  constexpr size_t kHeader = 13;
  constexpr uint64_t kLongestSide = 1 << 24, kChannels[] = {1, 0, 3, 1, 2, 0, 4};
  struct Pass {
    uint64_t x, y, step_x, step_y;
  };
  constexpr Pass kWhole[] = {{0, 0, 1, 1}};
  constexpr Pass kInterlaced[] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                  {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
  if (header.size() != kHeader) refuse(file, "its header has not 13 bytes");
  const uint64_t width = big_endian(header.substr(0, 4)), height = big_endian(header.substr(4, 4)),
                 depth = uint8_t(header[8]), colour = uint8_t(header[9]);
  if (width > kLongestSide || height > kLongestSide || depth > 16 || colour >= std::size(kChannels))
    refuse(file, "its header says what no PNG can be");
  uint64_t size = 0;
  const auto add = [&](const Pass& pass) {
    if (width <= pass.x || height <= pass.y) return;
    const uint64_t columns = (width - pass.x + pass.step_x - 1) / pass.step_x,
                   rows = (height - pass.y + pass.step_y - 1) / pass.step_y;
    size += rows * (1 + (columns * depth * kChannels[colour] + 7) / 8);
  };
  if (header[12]) {
    for (const Pass& pass : kInterlaced) add(pass);
  } else {
    add(kWhole[0]);
  }
  return size;
}

// The pixels of a PNG, counted instead of kept: stb unpacks whatever is there.
class Pixels {
 public:
  Pixels(const std::string& file, uint64_t expected) : file_(file), left_(expected) {}

  void add(std::string_view packed) {
    char buffer[1 << 14];
    while (const size_t made = stream_.unpack(packed, buffer, sizeof buffer)) {
      if (made > left_) refuse(file_, "it unpacks to more than its size says");
      left_ -= made;
    }
    if (!stream_.damage().empty()) refuse(file_, "its pixels cannot be unpacked");
  }
  void finish() const {
    if (left_ > 0 || !stream_.ended()) refuse(file_, "it unpacks to less than its size says");
  }

 private:
  const std::string& file_;
  uint64_t left_;
  Inflater stream_{Inflater::kZlib};
};

void check_png(const std::string& file, std::string_view bytes) {
  constexpr size_t kFrame = 12;  // length, type, checksum
  std::optional<Pixels> pixels;
  for (bytes.remove_prefix(kPng.size()); bytes.size() >= kFrame;) {
    const uint64_t length = big_endian(bytes.substr(0, 4));
    if (length > bytes.size() - kFrame)
      refuse(file, "a chunk of " + std::to_string(length) + " bytes lies beyond its end");
    const std::string_view type = bytes.substr(4, 4), content = bytes.substr(8, length),
                           checked = bytes.substr(4, 4 + length);
    if (crc32(0, reinterpret_cast<const Bytef*>(checked.data()), uInt(checked.size())) !=
        big_endian(bytes.substr(8 + length, 4)))
      refuse(file, "the checksum of a chunk is wrong");
    if (pixels.has_value() == (type == "IHDR")) refuse(file, "its header is not its first chunk");
    if (type == "IHDR") pixels.emplace(file, unpacked_size(file, content));
    if (type == "IDAT") pixels->add(content);
    if (type == "IEND") return pixels->finish();
    bytes.remove_prefix(kFrame + length);
  }
  refuse(file, "it has no end");
}

// stb writes as many codes as a table declares where there is room for 256.
void check_huffman_tables(const std::string& file, std::string_view segment) {
  constexpr size_t kHead = 17, kMostCodes = 256;  // class and number, then 16 counts
  while (!segment.empty()) {
    size_t codes = 0;
    for (const char count : segment.substr(1, kHead - 1)) codes += uint8_t(count);
    if (segment.size() < kHead || codes > kMostCodes || codes > segment.size() - kHead)
      refuse(file, "a table has more codes than there can be");
    segment.remove_prefix(kHead + codes);
  }
}

// What a JPEG says of itself before its pixels.
struct JpegHead {
  uint8_t frame = 0;  // its marker
  uint64_t width = 0, height = 0, components = 0, units_across = 0, units_down = 0;
  uint64_t restart_interval = 0, restarts = 0;
  int adobe = -1;  // how Adobe's marker says that colours are stored

  void add(uint8_t marker, std::string_view segment) {
    constexpr uint8_t kInterval = 0xdd, kAdobe = 0xee;
    constexpr size_t kFrameHead = 6, kAdobeSize = 12;
    if (marker == kInterval) restart_interval = big_endian(segment.substr(0, 2));
    if (marker == kAdobe && segment.size() >= kAdobeSize && segment.starts_with("Adobe"))
      adobe = uint8_t(segment[kAdobeSize - 1]);
    if (marker < 0xc0 || marker > 0xc2 || segment.size() < kFrameHead) return;
    frame = marker;
    height = big_endian(segment.substr(1, 2)), width = big_endian(segment.substr(3, 2));
    components = uint8_t(segment[5]);
    uint64_t across = 1, down = 1;
    for (size_t at = kFrameHead + 1; at < segment.size(); at += 3) {
      across = std::max<uint64_t>(across, uint8_t(segment[at]) >> 4);
      down = std::max<uint64_t>(down, uint8_t(segment[at]) & 15);
    }
    constexpr uint64_t kBlock = 8;
    if (components == 1) across = down = 1;
    units_across = (width + kBlock * across - 1) / (kBlock * across);
    units_down = (height + kBlock * down - 1) / (kBlock * down);
  }
};

// Four inks without a word about how they are stored: decoders differ.
void check_colours(const std::string& file, const JpegHead& head) {
  if (head.components == 4 && head.adobe != 0 && head.adobe != 2)
    throw BadInput(file +
                   ": is a CMYK image without Adobe's marker, whose colours no two programs see "
                   "alike; convert it to RGB");
}

// The parts that a scan of all components is cut into, so that one that is not there is missed.
void check_restarts(const std::string& file, const JpegHead& head, uint64_t scans) {
  constexpr uint8_t kProgressive = 0xc2;
  if (head.restart_interval == 0 || scans != 1 || head.frame == kProgressive) return;
  const uint64_t units = head.units_across * head.units_down;
  if (units > 0 && head.restarts < (units - 1) / head.restart_interval)
    refuse(file, "parts of its pixels are not there");
}

// Returns where its end stands.
size_t check_jpeg(const std::string& file, std::string_view bytes) {
  constexpr uint8_t kStuffed = 0, kTemporary = 1, kFirstRestart = 0xd0, kStart = 0xd8, kEnd = 0xd9,
                    kHuffmanTables = 0xc4, kScan = 0xda;
  JpegHead head;
  uint64_t scans = 0;
  size_t at = kJpeg.size();
  while (true) {
    at = bytes.find_first_not_of('\xff', bytes.find('\xff', at));
    if (at == std::string_view::npos) refuse(file, "it has no end");
    const uint8_t marker = uint8_t(bytes[at++]);
    if (marker == kEnd) break;
    if (marker == kStuffed || marker == kTemporary ||
        (marker >= kFirstRestart && marker <= kStart)) {
      head.restarts += marker >= kFirstRestart && marker < kStart;
      continue;  // has no length
    }
    const uint64_t length = big_endian(bytes.substr(at, 2));
    if (length < 2 || length > bytes.size() - at)
      refuse(file, "a segment of " + std::to_string(length) + " bytes lies beyond its end");
    const std::string_view segment = bytes.substr(at + 2, length - 2);
    if (marker == kHuffmanTables) check_huffman_tables(file, segment);
    head.add(marker, segment);
    scans += marker == kScan;
    at += length;
  }
  check_colours(file, head);
  check_restarts(file, head, scans);
  return at - 2;
}
}  // namespace

void check_image_structure(const std::string& file, std::string_view bytes) {
  if (bytes.starts_with(kPng)) return check_png(file, bytes);
  if (bytes.starts_with(kJpeg)) return void(check_jpeg(file, bytes));
  if (bytes.starts_with("BM")) return check_bmp(file, bytes);
  if (bytes.starts_with("P5") || bytes.starts_with("P6")) return check_pnm(file, bytes);
  throw BadInput(file + ": is no PNG, JPEG, BMP or binary PNM image");
}

bool has_sixteen_bits(std::string_view bytes) {
  constexpr size_t kDepth = 24;  // in the header, which is the first chunk
  return bytes.starts_with(kPng) && bytes.size() > kDepth && bytes[kDepth] == 16;
}

std::string with_noise_at_end(const std::string& file, std::string_view bytes) {
  constexpr size_t kNoise = 64;
  if (!bytes.starts_with(kJpeg)) return "";
  const size_t end = check_jpeg(file, bytes);
  std::string out(bytes.substr(0, end));
  for (size_t i = 0; i < kNoise; ++i) out += char(0x5a + 73 * i % 101);  // never 0xff
  return out.append(bytes.substr(end));
}

void refuse_damaged(const std::string& file, const std::string& why) {
  throw BadInput(file + ": the image is damaged or cut short (" + why + ")");
}

}  // namespace gauntlet::data
