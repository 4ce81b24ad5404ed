// Files beside the store that records name: adversarial inputs, clean images.
#pragma once
#include <filesystem>
#include <string>

namespace gauntlet {

/// What a file held when the record that names it was written. `sha256`: of then; "" in records of
/// older stores, which believe the file. Throws BadInput, one sentence, where it is missing or not
/// as it was written.
std::string read_artifact(const std::filesystem::path& file, const std::string& sha256);

/// That sentence without the folder, or "" where the file is as it was written.
std::string artifact_problem(const std::filesystem::path& file, const std::string& sha256);

}  // namespace gauntlet
