// A file under another name until it is whole, so that a reader sees the old one or the new one.
#pragma once
#include <filesystem>

namespace gauntlet {

/// Where `file` is written to before it is renamed: beside it, named for this process. Drafts of
/// the same file that a killed process left are removed.
std::filesystem::path draft_of(const std::filesystem::path& file);

/// Removes what killed processes of this machine left in a folder, and drafts of any machine that
/// are older than a day. A folder that cannot be read or written is left alone.
void remove_abandoned_drafts(const std::filesystem::path& folder);

}  // namespace gauntlet
