// Sums of what an archive unpacked to, kept beside it: the proof of files whose own sums are not
// published.
#pragma once
#include <filesystem>
#include <string>

namespace gauntlet::registry {

/// Writes the manifest of everything that lies in `folder`, unpacked from an archive of this sum.
void write_manifest(const std::filesystem::path& folder, const std::string& archive_sha256);

/// Whether `root`/`name`, a file or a folder with all that is in it, is what that archive unpacked
/// to. False: there is no manifest of that archive. Throws BadInput: the first file that differs,
/// is absent or is there in excess.
bool matches_manifest(const std::filesystem::path& root, const std::filesystem::path& name,
                      const std::string& archive_sha256);

}  // namespace gauntlet::registry
