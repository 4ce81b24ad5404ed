// Writing .zip files.
#pragma once
#include <filesystem>
#include <memory>
#include <string>

struct zip;
struct zip_source;

namespace gauntlet {

/// Writes a .zip file whose bytes depend on nothing but its entries and their order: no times, no
/// owners. The file appears under its name, in the place of an older one, when it is closed.
/// Throws BadInput where it cannot be written.
class ZipWriter {
 public:
  explicit ZipWriter(const std::filesystem::path& file);
  void add(const std::string& name, const std::string& content);
  /// A file's content, read when the archive is closed.
  void add_file(const std::string& name, const std::filesystem::path& from);
  void close();

 private:
  void add_source(const std::string& name, zip_source* source);
  [[noreturn]] void fail(const std::string& problem) const;

  const std::filesystem::path file_, draft_;
  std::unique_ptr<zip, void (*)(zip*)> archive_;
};

}  // namespace gauntlet
