#pragma once
#include <filesystem>

namespace gauntlet::data {

/// Unpacks a .tar.gz into a folder, which is made, leaving out the first `strip` folders of each
/// name. Throws BadInput for a damaged or cut archive and for anything but plain files and folders
/// that lie inside: absolute names, "..", links. What was unpacked until then stays.
void unpack_archive(const std::filesystem::path& archive, const std::filesystem::path& folder,
                    int strip);

}  // namespace gauntlet::data
