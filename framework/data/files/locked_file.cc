#include "data/files/locked_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/bad_input.h"

namespace gauntlet::data {
namespace {
// Whether the path still names this file: whoever held the lock may have renamed or removed it.
bool names(const std::filesystem::path& path, int descriptor) {
  struct stat at_path {
  }, opened{};
  return stat(path.c_str(), &at_path) == 0 && fstat(descriptor, &opened) == 0 &&
         at_path.st_ino == opened.st_ino && at_path.st_dev == opened.st_dev;
}
}  // namespace

LockedFile::LockedFile(std::filesystem::path path, const std::string& whose)
    : path_(std::move(path)) {
  for (;;) {
    descriptor_ = open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0) throw BadInput(path_.string() + ": cannot be written");
    const bool locked = flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
    if (locked && names(path_, descriptor_)) return;
    const int error = errno;
    close(descriptor_);
    if (!locked)
      throw BadInput(
          path_.string() + ": " +
          (error == EWOULDBLOCK ? whose : std::string("cannot be locked: ") + strerror(error)));
  }
}

LockedFile::~LockedFile() { close(descriptor_); }

FolderLock::~FolderLock() {
  std::error_code error;
  std::filesystem::remove(file_.path(), error);  // while it is still locked
}

}  // namespace gauntlet::data
