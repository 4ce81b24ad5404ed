// Wrong suites and their messages, each a pair of files in tests/golden/suites/bad. The messages
// are rewritten by GAUNTLET_GOLDEN_UPDATE=1 and reviewed as a diff. Lines "# --set …" and
// "# --only …" of a suite are its command line.
#include <sstream>

#include "evaluation/bounds.h"
#include "suite/read_suite.h"
#include "suite_fixture.h"
#include "tests/support/text_of.h"

namespace gauntlet {
namespace {
namespace fs = std::filesystem;

suite::SuiteOptions options_of(const fs::path& suite) {
  suite::SuiteOptions options;
  std::istringstream lines(text_of(suite));
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("# --set ", 0) == 0) options.set.push_back(line.substr(8));
    if (line.rfind("# --only ", 0) == 0) options.only.push_back(line.substr(9));
  }
  return options;
}

std::vector<std::string> bad_suites() {
  std::vector<std::string> names;
  for (const auto& item : fs::directory_iterator(golden_suites() / "bad"))
    if (item.path().extension() == ".toml") names.push_back(item.path().stem());
  std::sort(names.begin(), names.end());
  return names;
}

std::string refusal_of(const std::string& suite) {
  try {
    suite::read_suite(suite, options_of(suite), FixedCatalogue(),
                      registry::Registry("../registry", {}));
  } catch (const BadInput& error) {
    return error.what();
  }
  return "";
}

TEST(BadSuites, AreRefusedWithTheirMessages) {
  const Variable weights("GAUNTLET_WEIGHTS", "no-such-folder");
  const WorkingDirectory inside(golden_suites() / "bad");  // so that messages name files from here
  for (const std::string& name : bad_suites()) {
    SCOPED_TRACE(name);
    const std::string message = refusal_of(name + ".toml");
    EXPECT_NE(message, "") << "it was accepted";
    if (std::getenv("GAUNTLET_GOLDEN_UPDATE")) std::ofstream(name + ".expected") << message << '\n';
    EXPECT_EQ(message + "\n", text_of(name + ".expected"));
  }
}

TEST(BadSuites, AreAtLeastTwentyFour) { EXPECT_GE(bad_suites().size(), 24u); }

}  // namespace
}  // namespace gauntlet
