// Files that one process at a time works on.
#pragma once
#include <filesystem>
#include <string>

namespace gauntlet::data {

/// A file opened for appending, made if need be, and locked against other processes. Throws
/// BadInput if it cannot be opened, or `whose` ("another process is downloading this file") if it
/// is locked already.
class LockedFile {
 public:
  LockedFile(std::filesystem::path path, const std::string& whose);
  ~LockedFile();
  LockedFile(const LockedFile&) = delete;
  LockedFile& operator=(const LockedFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  int descriptor() const { return descriptor_; }

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// Holds a folder's ".lock", which goes away with it.
class FolderLock {
 public:
  FolderLock(const std::filesystem::path& folder, const std::string& whose)
      : file_(folder / ".lock", whose) {}
  ~FolderLock();

 private:
  LockedFile file_;
};

}  // namespace gauntlet::data
