// What `gauntlet plugins check` says of plugins that do wrong, and that it says nothing against
// those that do not.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "conformance/check_plugin.h"
#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using State = conformance::Answer::State;
using Promises = std::set<std::string>;

const library::PluginLibrary& plugins() {
  static const library::PluginLibrary all(
      {toys::build_folder() / "test_plugins", toys::build_folder() / "plugins"});
  return all;
}

conformance::PluginCheck checked(const std::string& kind, const std::string& name,
                                 const std::string& how = "") {
  return check_plugin(plugins(), kind, name, how.empty() ? ParamMap{} : ParamMap{{"how", how}});
}
Promises broken(const conformance::PluginCheck& check) {
  Promises out;
  for (const conformance::Answer& answer : check.answers) {
    if (answer.state == State::kBroken) out.insert(answer.promise);
    EXPECT_EQ(answer.why.empty(), answer.state == State::kKept) << answer.promise;
  }
  return out;
}

TEST(PluginCheck, NamesWhatBadAttacksBreak) {
  const std::string end = "comes to an end", inside = "gives finite images inside ball and box";
  const auto of = [](const std::string& name) { return broken(checked("attack", name)); };
  EXPECT_EQ(of("leaves_ball"), Promises{inside});
  EXPECT_EQ(of("leaves_box"), Promises{inside});
  EXPECT_EQ(of("returns_nan"), Promises{inside});
  EXPECT_EQ(of("wrong_shape"), Promises{inside});
  EXPECT_EQ(of("throws"), Promises{end});
  EXPECT_EQ(of("oversteps"), Promises{end});
  EXPECT_EQ(of("spends_budget"), Promises{end});
  EXPECT_EQ(of("never_queries"), Promises{"asks the model"});
}

TEST(PluginCheck, NamesWhatAnAttackBreaksThatIsHonestOtherwise) {
  const auto of = [](const std::string& how) {
    return broken(checked("attack", "misbehaves", how));
  };
  EXPECT_EQ(of("facts throw"), Promises{"is made and says what it is"});
  EXPECT_EQ(of("facts change").count("is made and says what it is"), 1u);
  const std::string lent = "leaves network and images as they were",
                    settings = "leaves settings of the process alone";
  for (const char* how : {"raises epsilon", "lowers epsilon", "writes labels", "writes images"})
    EXPECT_EQ(of(how), Promises{lent}) << how;
  EXPECT_EQ(of("rounds up"), Promises{settings});
  EXPECT_EQ(of("not at all"), Promises{});
}

TEST(PluginCheck, NamesWhatBadDefensesBreak) {
  const std::string made = "is made and has an ability",
                    answers = "gives finite answers of the right shape",
                    noise = "draws from the noise it is given and nowhere else",
                    state = "keeps no state between calls",
                    lent = "leaves network and images as they were",
                    settings = "leaves settings of the process alone",
                    gradients = "gives gradients that raise the loss";
  const auto of = [](const std::string& name, const std::string& how = "") {
    return broken(checked("defense", name, how));
  };
  EXPECT_EQ(of("cannot_be_made"), Promises{made});
  EXPECT_EQ(of("false_surrogate"), Promises{gradients});
  EXPECT_EQ(of("false_certificates"), Promises{"certifies what holds"});
  EXPECT_EQ(of("wrong_inputs", "throws"), Promises{answers});
  EXPECT_EQ(of("wrong_inputs", "shape"), Promises{answers});
  EXPECT_EQ(of("wrong_inputs", "NaN"), Promises{answers});
  EXPECT_EQ(of("wrong_inputs", "draws"), Promises{noise});
  EXPECT_EQ(of("wrong_inputs", "counts"), Promises{state});
  EXPECT_EQ(of("wrong_inputs", "oneDNN off"), Promises{settings});
  EXPECT_EQ(of("wrong_inputs", "in place"), Promises{lent});
  EXPECT_EQ(of("wrong_layers", "writes weights"), Promises{lent});
  EXPECT_EQ(of("wrong_layers", "weight's shape"), Promises{answers});
  EXPECT_EQ(of("wrong_layers", "draws").count(noise), 1u);
  EXPECT_EQ(of("wrong_layers", "penalty's shape"),
            Promises{"trains a network, alike from the same seed"});
  EXPECT_EQ(of("wrong_vote", "ballot's shape"), Promises{answers});
  EXPECT_EQ(of("wrong_vote", "negative"), Promises{answers});
  for (const char* how : {"reads what its ballots read", "names what it has not"})
    EXPECT_EQ(of("wrong_vote", how), Promises{"draws alike whatever its ballots alone read"});
  EXPECT_EQ(of("wrong_detector", "shape"), Promises{answers});
  EXPECT_EQ(of("wrong_detector", "fit is NaN"), Promises{answers});
}

TEST(PluginCheck, SaysNothingAgainstUnusualPlugins) {
  for (const char* name :
       {"rounding", "squeezing", "two_towers", "couples_rows", "wrong_inputs", "wrong_layers",
        "wrong_vote", "wrong_detector", "attention_net", "winners", "far_features", "far_logits",
        "smooth_training", "two_norms", "denoiser", "learned_detector", "scaled_layers",
        "distillation", "distant"})
    EXPECT_EQ(broken(checked("defense", name)), Promises{}) << name;
  for (const char* name :
       {"fab", "feature_distance", "nearest_other", "worst_of_grid", "flow_steps"})
    EXPECT_EQ(broken(checked("attack", name)), Promises{}) << name;
}

TEST(PluginCheck, SaysWhatWasSeenAndWhyTheRestWasNotAsked) {
  const conformance::PluginCheck check = checked("attack", "leaves_ball");
  ASSERT_EQ(check.answers.size(), 20u);
  EXPECT_NE(check.answers[4].why.find("leave the ball"), std::string::npos) << check.answers[4].why;
  for (size_t i = 2; i < check.answers.size(); ++i)
    if (i != 4) {
      EXPECT_EQ(check.answers[i].why, "its answers cannot be judged");
    }
  const auto json = nlohmann::json::parse(to_json(check));
  EXPECT_EQ(json.at("plugin").at("name"), "leaves_ball");
  EXPECT_EQ(json.at("kept"), 2);
  EXPECT_EQ(json.at("broken"), 1);
  EXPECT_EQ(json.at("not_asked"), 17);
  EXPECT_EQ(json.at("promises").at(4).at("state"), "broken");
  EXPECT_EQ(json.at("promises").at(5).at("state"), "not asked");
}

// What is given decides nothing that a question sets by itself.
TEST(PluginCheck, TakesParametersThatAreGiven) {
  for (const int steps : {2, 3, 10})
    EXPECT_EQ(broken(check_plugin(plugins(), "attack", "pgd", {{"steps", steps}})), Promises{})
        << steps;
  const conformance::PluginCheck check =
      check_plugin(plugins(), "attack", "pgd", {{"steps", 7}, {"loss", "margin"}});
  EXPECT_EQ(check.params.at("steps"), ParamValue(7));
  // A file that does not fit is no fault of the plugin's.
  EXPECT_EQ(broken(check_plugin(plugins(), "attack", "external", {{"file", "/no/such.npz"}})),
            Promises{});
}

// Steps that small numbers keep inside the ball.
TEST(PluginCheck, AsksWithTheDefaultsToo) {
  EXPECT_EQ(broken(checked("attack", "walks_out")),
            Promises{"gives finite images inside ball and box"});
  EXPECT_EQ(broken(checked("attack", "misbehaves", "one epsilon for all")),
            Promises{"takes an epsilon for each sample"});
}

// A parameter that is wrong is the caller's mistake.
TEST(PluginCheck, RefusesParametersBeforeItAsks) {
  try {
    check_plugin(plugins(), "attack", "pgd", {{"stepz", 3}});
    FAIL() << "it was taken";
  } catch (const ParamError& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'steps'"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace gauntlet
