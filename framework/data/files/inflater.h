#pragma once
#include <zlib.h>

#include <string>
#include <string_view>

namespace gauntlet::data {

/// One zlib or gzip stream, unpacked piece by piece.
class Inflater {
 public:
  static constexpr int kZlib = 15, kGzip = 15 + 16;  ///< the largest window, and what frames it
  /// No deflate stream unpacks to more for each of its bytes (zlib's technical notes).
  static constexpr uint64_t kBestRatio = 1032;

  explicit Inflater(int framing);
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Unpacks from the front of `packed`, which is shortened by what was used. How many bytes came:
  /// 0 where the stream has ended, needs more of `packed` or is damaged.
  size_t unpack(std::string_view& packed, char* to, size_t room);
  /// The stream is complete and its checksum right.
  bool ended() const { return state_ == Z_STREAM_END; }
  /// "" or why nothing more can be unpacked.
  std::string damage() const;

 private:
  z_stream stream_{};
  int state_ = Z_OK;
};

}  // namespace gauntlet::data
