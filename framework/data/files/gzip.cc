#include "data/files/gzip.h"

#include <zlib.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>

#include "base/bad_input.h"
#include "data/files/inflater.h"

namespace gauntlet::data {
namespace {

[[noreturn]] void refuse_more(const std::string& file, int64_t most_bytes) {
  throw BadInput(file + ": has or unpacks to more than the " + std::to_string(most_bytes) +
                 " bytes that there can be");
}

// What the last member says it unpacks to, where that can be: room for it is made at once.
size_t declared_size(std::string_view packed, int64_t most_bytes) {
  uint64_t size = 0;
  if (packed.size() < 4) return 0;
  for (size_t i = 1; i <= 4; ++i) size = size << 8 | uint8_t(packed[packed.size() - i]);
  return size <= uint64_t(most_bytes) && size <= packed.size() * Inflater::kBestRatio ? size : 0;
}

// One gzip member from the front of `packed`, which is shortened by it.
void inflate_member(std::string_view& packed, std::string& out, int64_t most_bytes,
                    const std::string& file) {
  Inflater stream(Inflater::kGzip);
  std::string buffer(1 << 18, '\0');
  while (const size_t made = stream.unpack(packed, buffer.data(), buffer.size())) {
    out.append(buffer, 0, made);
    if (int64_t(out.size()) > most_bytes) refuse_more(file, most_bytes);
  }
  if (!stream.damage().empty())
    throw BadInput(file + ": the gzip stream is damaged (" + stream.damage() + ")");
  if (!stream.ended()) throw BadInput(file + ": the gzip stream is cut short");
}
}  // namespace

std::string read_bytes(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error))
    throw BadInput(file.string() + ": no such file");
  std::ifstream in(file, std::ios::binary);
  std::string bytes(std::filesystem::file_size(file), '\0');
  if (!in.read(bytes.data(), std::streamsize(bytes.size())))
    throw BadInput(file.string() + ": the file cannot be read");
  return bytes;
}

std::string read_unpacked(const std::filesystem::path& file, int64_t most_bytes) {
  std::string bytes = read_bytes(file);
  if (!bytes.starts_with("\x1f\x8b")) {
    if (int64_t(bytes.size()) > most_bytes) refuse_more(file.string(), most_bytes);
    return bytes;
  }
  std::string out;
  out.reserve(declared_size(bytes, most_bytes));
  for (std::string_view rest = bytes; !rest.empty();)
    inflate_member(rest, out, most_bytes, file.string());
  return out;
}

void write_gzip(const std::filesystem::path& file, std::string_view content) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, Inflater::kGzip, 9,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_streamp)> close(&stream, deflateEnd);
  std::string packed(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = uInt(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = uInt(packed.size());
  if (content.size() >= size_t{1} << 31 || deflate(&stream, Z_FINISH) != Z_STREAM_END)
    throw std::runtime_error(file.string() + ": too large to pack");
  std::ofstream out(file, std::ios::binary);
  out.write(packed.data(), std::streamsize(stream.total_out));
  if (!out.flush()) throw std::runtime_error(file.string() + ": the file cannot be written");
}

}  // namespace gauntlet::data
