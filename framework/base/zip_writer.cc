#include "base/zip_writer.h"

#include <zip.h>

#include <cstdlib>
#include <cstring>
#include <new>

#include "base/bad_input.h"
#include "base/draft.h"

namespace gauntlet {

ZipWriter::ZipWriter(const std::filesystem::path& file)
    : file_(file),
      draft_(draft_of(file)),
      archive_(nullptr, [](zip* archive) { zip_discard(archive); }) {
  int code = 0;
  archive_.reset(zip_open(draft_.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code));
  if (archive_) return;
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  fail(text);
}

void ZipWriter::add(const std::string& name, const std::string& content) {
  // libzip frees it, when the archive is closed.
  void* copy = std::malloc(content.size() + 1);
  if (!copy) throw std::bad_alloc();
  std::memcpy(copy, content.data(), content.size());
  zip_source_t* source = zip_source_buffer(archive_.get(), copy, content.size(), 1);
  if (!source) std::free(copy);
  add_source(name, source);
}

void ZipWriter::add_file(const std::string& name, const std::filesystem::path& from) {
  add_source(name, zip_source_file(archive_.get(), from.c_str(), 0, -1));
}

void ZipWriter::add_source(const std::string& name, zip_source_t* source) {
  if (!source) fail(zip_strerror(archive_.get()));
  const zip_int64_t index = zip_file_add(archive_.get(), name.c_str(), source, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(source);
    fail(zip_strerror(archive_.get()));
  }
  constexpr zip_uint16_t kMidnight = 0, kFirstDay = 0x21;  // of 1980, where the format begins
  if (zip_file_set_dostime(archive_.get(), zip_uint64_t(index), kMidnight, kFirstDay, 0) != 0)
    fail(zip_strerror(archive_.get()));
}

void ZipWriter::close() {
  if (zip_close(archive_.get()) != 0) fail(zip_strerror(archive_.get()));
  static_cast<void>(archive_.release());  // closed and freed
  std::error_code error;
  std::filesystem::rename(draft_, file_, error);
  if (!error) return;
  std::error_code ignored;
  std::filesystem::remove(draft_, ignored);
  fail(error.message());
}

void ZipWriter::fail(const std::string& problem) const {
  throw BadInput(file_.string() + ": the file cannot be written (" + problem + ")");
}

}  // namespace gauntlet
