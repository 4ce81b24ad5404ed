// The plugins of tests/bad_plugins in a folder of their own, and the marker their code would write.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/bad_input.h"
#include "library/plugin_library.h"
#include "tests/support/process_state.h"

namespace gauntlet {
namespace fs = std::filesystem;

inline std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
inline void write_bytes(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

class MarkedPlugins : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder = fs::canonical(fs::temp_directory_path()) /
             (std::string("gauntlet_") + info->name() + "_" + std::to_string(getpid()));
    fs::create_directories(folder);
    marker = folder / "marker";
    told.emplace("GAUNTLET_TEST_MARKER", marker.string());
  }
  void TearDown() override {
    told.reset();
    fs::remove_all(folder);
  }

  /// A built plugin: "good", "other_abi", …
  static fs::path built(const std::string& variant) {
    return fs::path(std::getenv("GAUNTLET_BUILD_DIR")) / "tests" / "bad_plugins" / variant /
           "marked.so";
  }
  /// A copy of it in this test's folder.
  fs::path copy(const std::string& variant, const std::string& to) const {
    fs::create_directories((folder / to).parent_path());
    fs::copy_file(built(variant), folder / to, fs::copy_options::overwrite_existing);
    return folder / to;
  }
  /// The sentence with which the library refuses to make an attack; "" if it makes one.
  static std::string refusal(const library::PluginLibrary& library,
                             const std::string& name = "marked") {
    try {
      library.attack(name, {});
      return "";
    } catch (const BadInput& e) {
      return e.what();
    }
  }
  std::string refusal_in(const fs::path& path) const {
    return refusal(library::PluginLibrary({path}));
  }
  bool ran() const { return fs::exists(marker); }

  fs::path folder, marker;
  std::optional<Variable> told;
};

}  // namespace gauntlet
