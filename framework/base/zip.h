// Reading .zip files whose writers are not trusted.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct zip;

namespace gauntlet {

/// A .zip file opened for reading. Everything that is wrong with the file throws BadInput with one
/// sentence that names it. What is allocated for an entry is bounded before it is allocated: by the
/// caller's limit, by the file's size where the entry is stored, and by what deflate can pack.
class ZipFile {
 public:
  struct Entry {
    std::string name;
    uint64_t size = 0;    ///< bytes of the content
    uint64_t packed = 0;  ///< bytes in the file
    uint64_t index = 0;
    bool deflated = false;
    bool link = false;  ///< a symbolic link, whose content is where it leads
  };

  /// kMayBeAbsent: a file whose every checksum is 0 was written without, and none is verified.
  enum class Checksums { kRequired, kMayBeAbsent };

  /// Lists the entries. Refused: names there twice, encryption, methods other than stored and
  /// deflate, sizes that the file cannot hold, more than 10,000 entries.
  explicit ZipFile(const std::filesystem::path& file, Checksums checksums = Checksums::kRequired);

  const std::vector<Entry>& entries() const { return entries_; }
  bool has_checksums() const { return !unchecked_; }
  /// nullptr: there is none of that name.
  const Entry* find(std::string_view name) const;
  /// The whole content, its checksum verified. More than `limit` bytes are refused unread.
  std::string read(const Entry& entry, uint64_t limit) const;
  /// The same into memory of the caller's: entry.size bytes.
  void read(const Entry& entry, char* to) const;

 private:
  [[noreturn]] void fail(const std::string& problem) const;

  std::string name_;
  std::unique_ptr<zip, void (*)(zip*)> archive_;
  std::vector<Entry> entries_;  // by name
  bool unchecked_ = false;      // written without checksums, and read so
};

/// Whether a file begins as zip files do.
bool looks_like_zip(const std::filesystem::path& file);

}  // namespace gauntlet
