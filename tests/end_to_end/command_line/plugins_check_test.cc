// `plugins check` as a script sees it: exit codes, one answer a line, JSON and nothing but JSON.
#include <nlohmann/json.hpp>

#include "command_line_fixture.h"

namespace gauntlet::testing {
namespace {

class PluginsCheck : public CommandLine {
 protected:
  Ended check(const std::string& plugin, const std::vector<std::string>& flags = {}) const {
    std::vector<std::string> arguments = {
        "plugins", "check", (from_environment("GAUNTLET_BUILD_DIR") / plugin).string()};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return gauntlet(arguments);
  }
  const std::string misbehaves_ = "test_plugins/attacks/misbehaves.so";
};

TEST_F(PluginsCheck, EndsWithZeroWhereNothingIsBrokenAndWithOneWhereSomethingIs) {
  const Ended good = check("plugins/attacks/fgsm.so");
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_NE(good.out.find(" 0 broken,"), std::string::npos) << good.out;
  const Ended bad = check("test_plugins/attacks/leaves_ball.so");
  EXPECT_EQ(bad.code, 1) << bad.err;
  EXPECT_NE(bad.out.find("broken: linf, epsilon 0.03: "), std::string::npos) << bad.out;
}

TEST_F(PluginsCheck, PrintsJsonAndNothingElse) {
  const Ended done = check("test_plugins/attacks/never_queries.so", {"--json"});
  EXPECT_EQ(done.code, 1);
  const auto json = nlohmann::json::parse(done.out);
  EXPECT_EQ(json.at("plugin").at("name"), "never_queries");
  EXPECT_EQ(json.at("broken"), 1);
}

TEST_F(PluginsCheck, RefusesParametersBeforeItPrintsAnything) {
  const Ended done = check("plugins/attacks/pgd.so", {"--set", "stepz=3"});
  EXPECT_EQ(done.code, 2);
  EXPECT_EQ(done.out, "");
  EXPECT_NE(done.err.find("did you mean 'steps'"), std::string::npos) << done.err;
  EXPECT_EQ(check("plugins/attacks/pgd.so", {"--set", "steps"}).code, 2);
}

// The list ends after the promise that the plugin did not survive.
TEST_F(PluginsCheck, ShowsWhatThePluginDidNotSurvive) {
  const Ended done = check(misbehaves_, {"--set", "how=exit"});
  EXPECT_EQ(done.code, 1);
  EXPECT_NE(done.out.find("is made and says what it is"), std::string::npos) << done.out;
  const size_t last = done.out.rfind("comes to an end");
  ASSERT_NE(last, std::string::npos) << done.out;
  EXPECT_EQ(done.out.find_first_not_of(' ', last + std::string("comes to an end").size()),
            std::string::npos)
      << done.out;
  EXPECT_NE(done.err.find("attack 'misbehaves' ended the process"), std::string::npos) << done.err;
}

}  // namespace
}  // namespace gauntlet::testing
