// A bundle as a file, opened for reading. Nothing of it is believed.
#pragma once
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/zip.h"
#include "boards/entry.h"
#include "gauntlet/types.h"
#include "results/artifacts.h"

namespace gauntlet::bundle {

/// Nothing is written to disk: a file is unpacked into memory when it is asked for, after its name
/// and the sizes it declares were found possible.
class BundleFile {
 public:
  /// Throws BadInput, one sentence that names the file: no zip file; names that are absolute, leave
  /// the folder, are there twice or belong to no bundle; links; sizes beyond what a bundle holds or
  /// what the file's own size lets expect; files that the bundle's list lacks, or the reverse; a
  /// list, settings or entries that cannot be read.
  explicit BundleFile(const std::filesystem::path& file);

  const nlohmann::json& settings() const { return settings_; }
  const std::vector<boards::BoardEntry>& entries() const { return entries_; }
  /// Whether there is a file of this name.
  bool has(const std::string& name) const { return zip_.find(name) != nullptr; }
  /// The images of a file. Throws BadInput.
  results::KeptImages images(const std::string& name, results::Kept kept) const;
  /// Files whose content has another SHA-256 than the list says, a sentence each.
  std::vector<std::string> changed_files() const;
  /// Of the whole file.
  const std::string& sha256() const { return sha256_; }

 private:
  void check_names() const;
  void check_sizes(uint64_t bytes) const;
  void read_index();
  nlohmann::json json_of(const std::string& name) const;
  std::string content(const std::string& name) const;
  [[noreturn]] void fail(const std::string& problem) const;

  std::string name_;
  ZipFile zip_;
  std::string sha256_;
  std::map<std::string, std::string> listed_;  // SHA-256 by name
  nlohmann::json settings_;
  std::vector<boards::BoardEntry> entries_;
};

}  // namespace gauntlet::bundle
