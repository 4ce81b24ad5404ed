#include "base/zip.h"

#include <sys/stat.h>
#include <zip.h>

#include <algorithm>
#include <fstream>

#include "base/bad_input.h"
#include "base/shown.h"

namespace gauntlet {
namespace {
// A header in the directory of entries takes 46 bytes, libzip some hundred more for each: so many
// entries stay within a few megabytes.
constexpr uint64_t kMostEntries = 10'000, kDirectoryHeader = 46;
// No deflate stream unpacks to more (zlib's technical notes).
constexpr uint64_t kLargestRatio = 1032;

// The end record with its longest comment, and the locator of a 64-bit end record before it.
constexpr uint64_t kEndRecord = 22, kLongestComment = 65535, kLocator = 20, kEndRecord64 = 56;

uint64_t little_endian(std::string_view bytes, size_t at, size_t count) {
  uint64_t value = 0;
  for (size_t i = count; i-- > 0;) value = value << 8 | uint8_t(bytes[at + i]);
  return value;
}

std::string read_range(std::ifstream& in, uint64_t begin, uint64_t size) {
  std::string bytes(size, '\0');
  in.clear();
  in.seekg(std::streamoff(begin));
  in.read(bytes.data(), std::streamsize(size));
  bytes.resize(size_t(in.gcount()));
  return bytes;
}

// The largest number of entries that any end record of the file declares: libzip allocates for the
// number before it looks at an entry, so it is looked at first.
uint64_t declared_entries(std::ifstream& in, uint64_t size) {
  const uint64_t length = std::min(size, kEndRecord + kLongestComment + kLocator);
  const std::string tail = read_range(in, size - length, length);
  uint64_t most = 0;
  for (size_t at = tail.find("PK\5\6"); at != std::string::npos; at = tail.find("PK\5\6", at + 1)) {
    if (tail.size() - at < kEndRecord) break;
    uint64_t count = std::max(little_endian(tail, at + 8, 2), little_endian(tail, at + 10, 2));
    if (at >= kLocator && tail.compare(at - kLocator, 4, "PK\6\7") == 0) {
      const uint64_t record = little_endian(tail, at - kLocator + 8, 8);
      const std::string wide = record < size ? read_range(in, record, kEndRecord64) : "";
      if (wide.size() == kEndRecord64 && wide.starts_with("PK\6\6"))
        count = std::max(
            {count == 0xffff ? 0 : count, little_endian(wide, 24, 8), little_endian(wide, 32, 8)});
    }
    most = std::max(most, count);
  }
  return most;
}

// As Unix writes them; other systems have none.
bool is_link(zip* archive, uint64_t index) {
  zip_uint8_t system = 0;
  zip_uint32_t attributes = 0;
  return zip_file_get_external_attributes(archive, index, 0, &system, &attributes) == 0 &&
         system == ZIP_OPSYS_UNIX && S_ISLNK(attributes >> 16);
}

std::string words_of(zip_error_t* error) {
  const std::string text = zip_error_strerror(error);
  zip_error_fini(error);
  return text;
}
}  // namespace

ZipFile::ZipFile(const std::filesystem::path& file, Checksums checksums)
    : name_(file.string()), archive_(nullptr, [](zip* archive) { zip_discard(archive); }) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) fail("no such file");
  std::ifstream in(file, std::ios::binary);
  const uint64_t bytes = std::filesystem::file_size(file, error);
  if (!in || error) fail("the file cannot be read");
  const uint64_t declared = declared_entries(in, bytes);
  if (declared > kMostEntries || declared > bytes / kDirectoryHeader)
    fail("the zip file is said to have " + std::to_string(declared) +
         " entries, which is more than " +
         (declared > kMostEntries ? std::to_string(kMostEntries) : "its size allows"));

  int code = 0;
  archive_.reset(zip_open(file.c_str(), ZIP_RDONLY, &code));
  if (!archive_) {
    if (code == ZIP_ER_NOZIP) fail("no readable zip file: it is none, or cut short");
    zip_error_t problem;
    zip_error_init_with_code(&problem, code);
    fail("no readable zip file, it is damaged or cut short (" + words_of(&problem) + ")");
  }
  const zip_int64_t count = zip_get_num_entries(archive_.get(), 0);
  unchecked_ = checksums == Checksums::kMayBeAbsent;
  for (zip_int64_t i = 0; i < count; ++i) {
    zip_stat_t stat;
    zip_stat_init(&stat);
    constexpr uint64_t kAll = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE |
                              ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD | ZIP_STAT_CRC;
    if (zip_stat_index(archive_.get(), zip_uint64_t(i), ZIP_FL_ENC_RAW, &stat) != 0 ||
        (stat.valid & kAll) != kAll)
      fail("entry " + std::to_string(i) + " of the zip file cannot be read");
    const std::string entry = "entry " + shown(stat.name) + " ";
    if (stat.encryption_method != ZIP_EM_NONE) fail(entry + "is encrypted");
    if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE)
      fail(entry + "is packed with method " + std::to_string(stat.comp_method) +
           "; known: 0 (stored), 8 (deflate)");
    const bool deflated = stat.comp_method == ZIP_CM_DEFLATE;
    if (stat.comp_size > bytes || stat.size > stat.comp_size * (deflated ? kLargestRatio : 1) ||
        (!deflated && stat.size != stat.comp_size))
      fail(entry + "is said to have " + std::to_string(stat.size) + " bytes in " +
           std::to_string(stat.comp_size) + " of the file, which cannot be");
    unchecked_ &= stat.crc == 0 && !deflated;
    entries_.push_back({stat.name, stat.size, stat.comp_size, zip_uint64_t(i), deflated,
                        is_link(archive_.get(), zip_uint64_t(i))});
  }
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  for (size_t i = 1; i < entries_.size(); ++i)
    if (entries_[i].name == entries_[i - 1].name)
      fail("entry " + shown(entries_[i].name) + " is there twice");
}

const ZipFile::Entry* ZipFile::find(std::string_view name) const {
  const auto it = std::lower_bound(
      entries_.begin(), entries_.end(), name,
      [](const Entry& entry, std::string_view wanted) { return entry.name < wanted; });
  return it != entries_.end() && it->name == name ? &*it : nullptr;
}

std::string ZipFile::read(const Entry& entry, uint64_t limit) const {
  if (entry.size > limit)
    fail("entry " + shown(entry.name) + " has " + std::to_string(entry.size) +
         " bytes, more than the " + std::to_string(limit) + " that can be used");
  std::string content(entry.size, '\0');
  read(entry, content.data());
  return content;
}

void ZipFile::read(const Entry& entry, char* to) const {
  const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> in(
      zip_fopen_index(archive_.get(), entry.index, 0), zip_fclose);
  const std::string what = "entry " + shown(entry.name) + " cannot be read (";
  if (!in) fail(what + zip_error_strerror(zip_get_error(archive_.get())) + ")");
  for (uint64_t done = 0; done < entry.size;) {
    const zip_int64_t got = zip_fread(in.get(), to + done, entry.size - done);
    if (got < 0) fail(what + zip_error_strerror(zip_file_get_error(in.get())) + ")");
    if (got == 0) fail(what + "it is cut short)");
    done += uint64_t(got);
  }
  if (unchecked_) return;
  char beyond;  // reading the end is what verifies the checksum
  const zip_int64_t left = zip_fread(in.get(), &beyond, 1);
  if (left < 0) fail(what + zip_error_strerror(zip_file_get_error(in.get())) + ")");
  if (left > 0) fail(what + "it is longer than declared)");
}

void ZipFile::fail(const std::string& problem) const { throw BadInput(name_ + ": " + problem); }

bool looks_like_zip(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) return false;
  std::ifstream in(file, std::ios::binary);
  char magic[4] = {};
  in.read(magic, sizeof magic);
  const std::string_view begin(magic, sizeof magic);
  return begin == std::string_view("PK\3\4") || begin == std::string_view("PK\5\6");
}

}  // namespace gauntlet
