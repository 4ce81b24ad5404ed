#include "data/files/archive.h"

#include <archive.h>
#include <archive_entry.h>

#include <fstream>
#include <memory>

#include "base/bad_input.h"
#include "base/file_errors.h"
#include "base/plausible_size.h"

namespace gauntlet::data {
namespace {
namespace fs = std::filesystem;

constexpr size_t kBlock = 1 << 16;

using Handle = std::unique_ptr<struct archive, int (*)(struct archive*)>;

[[noreturn]] void refuse(const fs::path& file, const std::string& why) {
  throw BadInput(file.string() + ": " + why);
}

std::string reason(struct archive* in) {
  const char* text = archive_error_string(in);
  return text ? text : "unknown error";
}

// A warning, such as a name in another alphabet, does not touch the content.
bool is_well(int state) { return state == ARCHIVE_OK || state == ARCHIVE_WARN; }

// The name inside the folder; empty: nothing is left of it.
fs::path safe_name(const fs::path& file, const std::string& name, int strip) {
  const fs::path path(name);
  if (path.is_absolute()) refuse(file, "the archive holds an absolute name, '" + name + "'");
  fs::path out;
  for (const fs::path& part : path) {
    if (part == "..")
      refuse(file, "the archive holds a name that leaves its folder, '" + name + "'");
    if (part == "." || part.empty()) continue;
    if (strip-- > 0) continue;
    out /= part;
  }
  return out;
}

void write_file(struct archive* in, const fs::path& archive, const fs::path& to, int64_t& left) {
  fs::create_directories(to.parent_path());
  std::ofstream out(to, std::ios::binary | std::ios::trunc);
  if (!out) refuse(to, "cannot be written");
  const void* data = nullptr;
  size_t size = 0;
  la_int64_t offset = 0;
  for (;;) {
    const int state = archive_read_data_block(in, &data, &size, &offset);
    if (state == ARCHIVE_EOF) break;
    if (!is_well(state))
      refuse(archive, "the archive is damaged or cut short (" + reason(in) + ")");
    left -= int64_t(size);
    if (left < 0) refuse(archive, "the archive unpacks to more than its size lets expect");
    out.seekp(offset);
    out.write(static_cast<const char*>(data), std::streamsize(size));
  }
  if (!out.flush()) refuse(to, "cannot be written: is the disk full?");
}

void unpack_entry(struct archive* in, struct archive_entry* entry, const fs::path& archive,
                  const fs::path& folder, int strip, int64_t& left) {
  const char* name = archive_entry_pathname(entry);
  if (!name) refuse(archive, "the archive holds a file without a name");
  const fs::path inside = safe_name(archive, name, strip);
  const auto type = archive_entry_filetype(entry);
  if (archive_entry_hardlink(entry) || (type != AE_IFREG && type != AE_IFDIR))
    refuse(archive,
           std::string("the archive holds '") + name + "', which is neither a file nor a folder");
  if (inside.empty()) return;
  if (type == AE_IFDIR) {
    fs::create_directories(folder / inside);
  } else {
    write_file(in, archive, folder / inside, left);
  }
}

void unpack(const fs::path& archive, const fs::path& folder, int strip) {
  const Handle in(archive_read_new(), archive_read_free);
  archive_read_support_filter_gzip(in.get());
  archive_read_support_format_tar(in.get());
  if (archive_read_open_filename(in.get(), archive.c_str(), kBlock) != ARCHIVE_OK)
    refuse(archive, "is no .tar.gz archive (" + reason(in.get()) + ")");
  int64_t left = plausible_bytes(fs::file_size(archive));
  fs::create_directories(folder);
  struct archive_entry* entry = nullptr;
  for (;;) {
    const int state = archive_read_next_header(in.get(), &entry);
    if (state == ARCHIVE_EOF) return;
    if (!is_well(state))
      refuse(archive, "the archive is damaged or cut short (" + reason(in.get()) + ")");
    unpack_entry(in.get(), entry, archive, folder, strip, left);
  }
}
}  // namespace

void unpack_archive(const fs::path& archive, const fs::path& folder, int strip) {
  naming_files([&] { unpack(archive, folder, strip); });
}

}  // namespace gauntlet::data
