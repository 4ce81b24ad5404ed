#include "data/gzip.h"

#include <zlib.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>

#include "base/bad_input.h"

namespace gauntlet {
namespace {
constexpr int kGzipWindow = 15 + 16;  // the largest window, gzip header and trailer

// One gzip member from the front of `packed`, which is shortened by it.
void inflate_member(std::string_view& packed, std::string& out, int64_t most_bytes,
                    const std::string& file) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_streamp)> close(&stream, inflateEnd);
  int state = Z_OK;
  std::string buffer(1 << 18, '\0');
  while (state == Z_OK) {
    const size_t given = std::min<size_t>(packed.size(), 1 << 30);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = uInt(given);
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = uInt(buffer.size());
    state = inflate(&stream, Z_NO_FLUSH);
    packed.remove_prefix(given - stream.avail_in);
    out.append(buffer, 0, buffer.size() - stream.avail_out);
    if (int64_t(out.size()) > most_bytes)
      throw BadInput(file + ": unpacks to more than the " + std::to_string(most_bytes) +
                     " bytes that the entry allows");
  }
  if (state == Z_BUF_ERROR) throw BadInput(file + ": the gzip stream is cut short");
  if (state != Z_STREAM_END)
    throw BadInput(file + ": the gzip stream is damaged (" +
                   (stream.msg ? stream.msg : "checksum") + ")");
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
  if (!bytes.starts_with("\x1f\x8b")) return bytes;
  std::string out;
  for (std::string_view rest = bytes; !rest.empty();)
    inflate_member(rest, out, most_bytes, file.string());
  return out;
}

void write_gzip(const std::filesystem::path& file, std::string_view content) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindow, 9, Z_DEFAULT_STRATEGY) !=
      Z_OK)
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

}  // namespace gauntlet
