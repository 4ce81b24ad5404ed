// A folder with suites of a test's own beside a small registry.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/bad_input.h"
#include "fixed_catalogue.h"
#include "suite/read_suite.h"
#include "tests/support/process_state.h"

namespace gauntlet {

inline std::filesystem::path golden_suites() {
  return std::filesystem::path(std::getenv("GAUNTLET_SOURCE_DIR")) / "tests/golden/suites";
}

class SuiteTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("gauntlet-suite-" + std::to_string(getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    inside_.emplace(folder_);
  }
  void TearDown() override {
    inside_.reset();
    std::filesystem::remove_all(folder_);
  }

  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
  }
  /// A right suite with these lines for attacks and rows.
  static std::string suite_text(const std::string& attacks, const std::string& rows = kRow) {
    return kHead + std::string("[attack]\n") + attacks + rows;
  }
  suite::Suite read(const std::string& text, const suite::SuiteOptions& options = {}) {
    write("suite.toml", text);
    return suite::read_suite("suite.toml", options, FixedCatalogue(), registry_);
  }
  std::string error(const std::string& text, const suite::SuiteOptions& options = {}) {
    try {
      read(text, options);
    } catch (const BadInput& error) {
      return error.what();
    }
    return "";
  }

  static constexpr const char* kHead =
      "schema = 1\nname = \"example\"\nseeds = [0, 1]\n"
      "data = { dataset = \"tiny\", samples = 4 }\n"
      "threat.linf8 = { norm = \"linf\", epsilon = \"8/255\" }\n";
  static constexpr const char* kRow = "[[defense]]\nname = \"none\"\nmodel = \"tiny/standard\"\n";

  registry::Registry registry_{golden_suites() / "registry", {}};
  std::filesystem::path folder_;
  std::optional<WorkingDirectory> inside_;
  const Variable no_weights_{"GAUNTLET_WEIGHTS", {}};
};

/// The names of columns, rows or threats.
template <class Spec>
std::vector<std::string> names_of(const std::vector<Spec>& specs) {
  std::vector<std::string> names;
  for (const Spec& spec : specs) names.push_back(spec.name);
  return names;
}

}  // namespace gauntlet
