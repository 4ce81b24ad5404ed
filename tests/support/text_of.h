#pragma once
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace gauntlet {

/// A whole file, byte for byte; "" where there is none.
inline std::string text_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace gauntlet
