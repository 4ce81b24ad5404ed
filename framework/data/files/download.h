// Files from the network: resumed where they were cut, checked before they are put in place.
#pragma once
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace gauntlet::data {

struct DownloadOptions {
  int attempts = 6;  ///< in a row that brought no new byte, before an address is given up
  std::chrono::milliseconds wait{500};  ///< before the second of them; doubles up to
  std::chrono::milliseconds longest_wait{30'000};
  int stall_seconds = 30;  ///< a connection without a byte for so long is cut
  std::function<void(int64_t done, int64_t of)> progress = {};  ///< bytes; of: 0 if unknown
  const std::atomic<bool>* stop = nullptr;
};

struct Wanted {
  std::vector<std::string> urls;  ///< mirrors, in order of preference
  int64_t bytes = 0;              ///< 0: unknown
  /// What is wrong with a complete file, one sentence ("its SHA-256 is …, expected …"); "" if it is
  /// the right one.
  std::function<std::string(const std::filesystem::path&)> problem;
};

/// Fetches `file`. What has arrived is kept in `file`.part, also for a later call; a complete .part
/// that is not the wanted file is removed, one that is gets renamed. Throws BadInput where no
/// address gives the file: a line for each of them.
void download(const Wanted& wanted, const std::filesystem::path& file,
              const DownloadOptions& options = {});

}  // namespace gauntlet::data
