#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace gauntlet::testing {

/// A folder of its own for every test.
class FilesTest : public ::testing::Test {
 protected:
  FilesTest()
      : folder(std::filesystem::temp_directory_path() /
               ("gauntlet-test-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder);
  }
  ~FilesTest() override { std::filesystem::remove_all(folder); }

  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    // A new file: some file systems wait for the disk where one is written over.
    std::filesystem::remove(folder / name);
    std::ofstream(folder / name, std::ios::binary) << bytes;
    return folder / name;
  }
  static std::string read(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// what() of the error, or "" if there is none.
  template <class Error, class Action>
  static std::string error(const Action& action) {
    try {
      action();
    } catch (const Error& problem) {
      return problem.what();
    }
    return "";
  }

  std::filesystem::path folder;
};

}  // namespace gauntlet::testing
