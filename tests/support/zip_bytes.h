// Zip files byte by byte, so that a test can spoil every field.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gauntlet::testing {

/// `count` bytes, the lowest first.
inline std::string little_endian(uint64_t value, size_t count) {
  std::string bytes;
  for (size_t i = 0; i < count; ++i) bytes += char(i < 8 ? value >> 8 * i : 0);
  return bytes;
}

inline uint32_t crc32_of(std::string_view bytes) {
  uint32_t crc = ~0u;
  for (const char byte : bytes) {
    crc ^= uint8_t(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

/// An entry; what the headers declare is taken from the content unless said otherwise.
struct ZipPart {
  std::string name, content;  ///< the content as it lies in the file
  uint16_t method = 0, flags = 0;
  int64_t size = -1, packed = -1, crc = -1, directory_size = -1;
};

/// What the end record declares; negative: the truth. `wide`: a 64-bit end record before it.
struct ZipEnd {
  int64_t entries = -1, directory_at = -1, directory_size = -1;
  bool wide = false;
};

inline std::string zip_bytes(const std::vector<ZipPart>& parts, const ZipEnd& end = {}) {
  const auto or_else = [](int64_t value, uint64_t truth) {
    return value < 0 ? truth : uint64_t(value);
  };
  std::string file, directory;
  for (const ZipPart& part : parts) {
    const auto sizes = [&](uint64_t size) {
      return little_endian(or_else(part.crc, crc32_of(part.content)), 4) +
             little_endian(or_else(part.packed, part.content.size()), 4) + little_endian(size, 4) +
             little_endian(part.name.size(), 2);
    };
    const std::string common = little_endian(20, 2) + little_endian(part.flags, 2) +
                               little_endian(part.method, 2) + little_endian(0x21u << 16, 4);
    const uint64_t size = or_else(part.size, part.content.size()), at = file.size();
    file += "PK\3\4" + common + sizes(size) + little_endian(0, 2) + part.name + part.content;
    directory += "PK\1\2" + little_endian(20, 2) + common +
                 sizes(or_else(part.directory_size, size)) + little_endian(0, 12) +
                 little_endian(at, 4) + part.name;
  }
  const uint64_t at = or_else(end.directory_at, file.size()),
                 size = or_else(end.directory_size, directory.size()),
                 count = or_else(end.entries, parts.size());
  file += directory;
  if (end.wide) {
    const uint64_t record = file.size();
    file += "PK\6\6" + little_endian(44, 8) + little_endian(45, 2) + little_endian(45, 2) +
            little_endian(0, 8) + little_endian(count, 8) + little_endian(count, 8) +
            little_endian(size, 8) + little_endian(at, 8);
    file += "PK\6\7" + little_endian(0, 4) + little_endian(record, 8) + little_endian(1, 4);
  }
  const auto narrow = [&](uint64_t value, size_t bytes) {
    return little_endian(end.wide ? ~uint64_t{0} : value, bytes);
  };
  return file + "PK\5\6" + little_endian(0, 4) + narrow(count, 2) + narrow(count, 2) +
         narrow(size, 4) + narrow(at, 4) + little_endian(0, 2);
}

}  // namespace gauntlet::testing
