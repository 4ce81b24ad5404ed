// Reads what a plugin file says of itself from its bytes.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "library/stamp.h"

namespace gauntlet::library {

/// What a file's bytes gave: a stamp, or one sentence that says why there is none.
struct StampReading {
  std::optional<Stamp> stamp;
  std::string problem;
};

/// Reads the ELF section ".gauntlet". Nothing of the file is mapped or run, and every offset in it
/// is checked against its length, so any bytes at all may be given.
StampReading read_stamp(const std::filesystem::path& file);

}  // namespace gauntlet::library
