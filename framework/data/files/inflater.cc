#include "data/files/inflater.h"

#include <algorithm>
#include <new>

namespace gauntlet::data {

Inflater::Inflater(int framing) {
  if (inflateInit2(&stream_, framing) != Z_OK) throw std::bad_alloc();
}

size_t Inflater::unpack(std::string_view& packed, char* to, size_t room) {
  if (state_ != Z_OK && state_ != Z_BUF_ERROR) return 0;
  constexpr size_t kMost = 1 << 30;
  const size_t given = std::min(packed.size(), kMost), most = std::min(room, kMost);
  stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream_.avail_in = uInt(given);
  stream_.next_out = reinterpret_cast<Bytef*>(to);
  stream_.avail_out = uInt(most);
  state_ = inflate(&stream_, Z_NO_FLUSH);
  packed.remove_prefix(given - stream_.avail_in);
  return most - stream_.avail_out;
}

std::string Inflater::damage() const {
  if (state_ == Z_OK || state_ == Z_BUF_ERROR || state_ == Z_STREAM_END) return "";
  return stream_.msg ? stream_.msg : "checksum";
}

}  // namespace gauntlet::data
