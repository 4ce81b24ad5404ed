#pragma once
#include <filesystem>

#include "base/bad_input.h"

namespace gauntlet {

/// One sentence: the file and what the system says of it.
inline std::string sentence_of(const std::filesystem::filesystem_error& error) {
  return error.path1().string() + ": " + error.code().message();
}

/// What `action` returns. An error of the file system becomes a BadInput that names the file.
template <class Action>
auto naming_files(const Action& action) {
  try {
    return action();
  } catch (const std::filesystem::filesystem_error& error) {
    throw BadInput(sentence_of(error));
  }
}

}  // namespace gauntlet
