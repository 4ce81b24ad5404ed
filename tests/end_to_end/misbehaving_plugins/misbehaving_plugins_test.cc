// Plugins that misbehave in a run: each is refused or flagged by its name, none changes a number of
// its neighbours.
#include <ATen/Parallel.h>

#include <cstdlib>

#include "small_suite.h"
#include "tests/support/text_of.h"

namespace gauntlet::testing {
namespace {

struct Case {
  std::string how;
  Status status;
  std::string said;  // in the reason, or in a flag where the status is ok; empty: nothing is
};

const std::string kHealthy =
    "fgsm = { use = \"fgsm\" }\npgd = { use = \"pgd\", steps = 3, step_size = 0.02 }\n";

const std::string kVote = "{ use = \"smoothing\", sigma = 0.05, mc_samples = 4 }";

std::string misbehaving(const std::vector<Case>& cases) {
  std::string out;
  for (size_t i = 0; i < cases.size(); ++i)
    out += fmt::format("a{} = {{ use = \"misbehaves\", how = \"{}\" }}\n", i, cases[i].how);
  return out;
}

void expect(const CellRecord& record, const Case& expected) {
  SCOPED_TRACE(expected.how);
  EXPECT_EQ(record.status, expected.status) << record.reason;
  EXPECT_LT(record.reason.size(), 1000u);
  EXPECT_EQ(record.outcomes.empty(), expected.status != Status::kOk);
  const bool ok = expected.status == Status::kOk;
  if (ok && expected.said.empty()) {
    for (const std::string& flag : record.flags)
      EXPECT_EQ(flag.find("misbehaves"), std::string::npos) << flag;
    return;
  }
  bool found = !ok && record.reason.find(expected.said) != std::string::npos;
  for (const std::string& flag : record.flags)
    found |= ok && flag.find(expected.said) != std::string::npos;
  EXPECT_TRUE(found) << "'" << expected.said << "' is not in: " << record.reason
                     << (record.flags.empty() ? "" : " / " + record.flags.front());
}

class MisbehavingAttacks : public SmallSuite {
 protected:
  // Healthy columns stand before and after; both rows see the same.
  void hold(const std::vector<Case>& cases) {
    const std::string rows = row("plain") + row("vote", "", kVote);
    const auto clean =
        run_suite_of("clean", kHealthy + "last = { use = \"fgsm\", restarts = 2 }\n", rows);
    const auto mixed = run_suite_of("mixed",
                                    "fgsm = { use = \"fgsm\" }\n" + misbehaving(cases) +
                                        "pgd = { use = \"pgd\", steps = 3, step_size = 0.02 }\n" +
                                        "last = { use = \"fgsm\", restarts = 2 }\n",
                                    rows);
    for (const auto& [name, record] : clean) {
      SCOPED_TRACE(name);
      expect_same(mixed.at(name), record);
    }
    for (size_t i = 0; i < cases.size(); ++i)
      for (const char* defense : {"plain / a", "vote / a"})
        expect(mixed.at(defense + std::to_string(i)), cases[i]);
  }
};

TEST_F(MisbehavingAttacks, WhatTheyAreLentIsACopyAndWritingIntoItIsInvalid) {
  const std::string who = "attack 'misbehaves' writes into task.";
  hold({{"raises epsilon", Status::kInvalid, who + "threat.epsilon"},
        {"lowers epsilon", Status::kInvalid, who + "threat.epsilon"},
        {"writes labels", Status::kInvalid, who + "y"},
        {"writes images", Status::kInvalid, who + "x"},
        {"writes images unseen", Status::kInvalid, who + "x"},
        {"shrinks images", Status::kInvalid, who + "x"},
        {"images in place", Status::kInvalid, who + "x"},
        {"writes noise keys", Status::kInvalid, who + "noise.key.id"},
        {"loss writes logits", Status::kInvalid, "writes into outputs.logits"},
        {"loss writes rows", Status::kOk, ""},    // its own copies
        {"writes into logits", Status::kOk, ""},  // likewise
        {"kept", Status::kOk, ""},
        {"view", Status::kOk, ""},
        {"requires gradients", Status::kOk, ""},
        {"not at all", Status::kOk, ""}});
}

TEST_F(MisbehavingAttacks, AnswersAndQuestionsThatAreNoneAreToldOfByName) {
  const std::string who = "attack 'misbehaves'";
  hold({{"throws", Status::kError, who + ": it gave up"},
        {"throws a number", Status::kError, who},
        {"throws megabytes", Status::kError, "(8388608 bytes)"},
        {"throws no UTF-8", Status::kError, "bad ?? bytes"},
        {"throws with frames", Status::kError, "invalid for input of size 2"},
        {"facts throw", Status::kError, who},
        {"facts change", Status::kInvalid, "facts"},
        {"loss is one number", Status::kInvalid, "one number a row"},
        {"asks in double", Status::kError, who + ": a query's inputs must be dense"},
        {"double", Status::kInvalid, who + " returned dtype Double"},
        {"sparse", Status::kInvalid, "not dense"},
        {"undefined", Status::kInvalid, who + " returned no tensor"},
        {"not finite", Status::kInvalid, "not finite"}});
}

TEST_F(MisbehavingAttacks, WhatTheyChangeOfTheProcessIsRefusedOrPutBack) {
  const std::string who = "attack 'misbehaves' changed ";
  const int threads = at::get_num_threads();
  const auto folder = std::filesystem::current_path();
  hold({{"default dtype", Status::kInvalid, who + "LibTorch's default dtype"},
        {"oneDNN off", Status::kInvalid, who + "whether LibTorch uses oneDNN"},
        {"reduced precision", Status::kInvalid, who + "LibTorch's precision"},
        {"deterministic", Status::kInvalid, who + "LibTorch's choice of deterministic"},
        {"rounds up", Status::kInvalid, who + "the rounding mode"},
        {"flushes", Status::kInvalid, who + "what becomes of numbers near 0"},
        {"inference mode", Status::kInvalid, who + "LibTorch's inference mode"},
        {"gradients on", Status::kOk, who + "whether LibTorch records gradients"},
        {"threads", Status::kOk, who + "the number of threads"},
        {"folder", Status::kOk, who + "the current folder"},
        {"locale", Status::kOk, who + "the locale"},
        {"limits", Status::kOk, "limits of the process"},
        {"signals", Status::kOk, who + "what signals do"},
        {"seeds", Status::kOk, "drew from LibTorch's own random generator"},
        {"draws", Status::kOk, "drew from LibTorch's own random generator"}});
  EXPECT_EQ(at::get_num_threads(), threads);
  EXPECT_EQ(std::filesystem::current_path(), folder);
  EXPECT_EQ(std::locale(), std::locale::classic());
  EXPECT_TRUE(at::globalContext().userEnabledMkldnn());
  EXPECT_EQ(torch::zeros({1}).scalar_type(), torch::kFloat);
}

class MisbehavingDefenses : public SmallSuite {
 protected:
  enum class Where { kLayers, kStack };

  // A row each, with healthy rows around; every cell of a row says the same.
  void hold(const std::string& plugin, Where where, const std::vector<Case>& cases) {
    const std::string healthy = row("first") + row("vote", "", kVote);
    const auto clean = run_suite_of("clean", kHealthy, healthy + row("last"));
    std::string rows = healthy;
    for (size_t i = 0; i < cases.size(); ++i) {
      const std::string use = cases[i].how.empty() ? fmt::format("{{ use = \"{}\" }}", plugin)
                                                   : fmt::format("{{ use = \"{}\", how = \"{}\" }}",
                                                                 plugin, cases[i].how);
      rows += row("d" + std::to_string(i), where == Where::kLayers ? use : "",
                  where == Where::kStack ? use : "");
    }
    const auto mixed = run_suite_of("mixed", kHealthy, rows + row("last"));
    for (const auto& [name, record] : clean) {
      SCOPED_TRACE(name);
      expect_same(mixed.at(name), record);
    }
    for (size_t i = 0; i < cases.size(); ++i)
      for (const char* attack : {"fgsm", "pgd"})
        expect(mixed.at(fmt::format("d{} / {}", i, attack)), cases[i]);
  }
};

TEST_F(MisbehavingDefenses, LayersAreLentTheNetworksTensorsAndMustLeaveThem) {
  const std::string who = "'wrong_layers'";
  hold("wrong_layers", Where::kLayers,
       {{"writes weights", Status::kInvalid, who + " writes into the weights of the network"},
        {"writes weights once", Status::kInvalid, who + " writes into the weights of the network"},
        {"writes activations", Status::kInvalid, who + " writes into the activations"},
        {"writes noise keys", Status::kInvalid, who + " writes into noise.key.id"},
        {"weight's shape", Status::kInvalid, who + ": weight() gave shape"},
        {"weight is NaN", Status::kInvalid, who + ": weight() gave values that are not numbers"},
        {"weight throws", Status::kError, who + ": weight(): the layer gave up"},
        {"input's shape", Status::kInvalid, who + ": input() gave shape"},
        {"no output", Status::kInvalid, who + ": output() gave no tensor"},
        {"declare throws", Status::kError, who + ": declare(): nothing to declare"},
        {"coupling throws", Status::kError, who + ": couples_rows()"},
        {"draws", Status::kOk, "drew from LibTorch's own random generator"}});
}

TEST_F(MisbehavingDefenses, RowsThatFailBeforeTheFirstCellFailByThemselves) {
  const std::string who = "'wrong_inputs'";
  hold("wrong_inputs", Where::kStack,
       {{"throws", Status::kError, who + ": forward(): the defense gave up"},
        {"throws a number", Status::kError, who + ": forward()"},
        {"throws later", Status::kError, ": the defense gave up later"},
        {"normalisation throws", Status::kError, who + ": normalisation(): no mean, no std"},
        {"shape", Status::kInvalid, who + ": forward() gave shape [7, 1, 6, 6]"},
        {"double", Status::kInvalid, who + ": forward() gave dtype Double"},
        {"NaN", Status::kInvalid, who + ": forward() gave values that are not numbers"},
        {"in place", Status::kInvalid, who + " writes into the inputs in forward()"},
        {"oneDNN off", Status::kInvalid, who + " changed whether LibTorch uses oneDNN"},
        {"counts", Status::kInvalid, "keeps a state between calls"},
        {"draws", Status::kOk, "drew from LibTorch's own random generator"}});
}

TEST_F(MisbehavingDefenses, APluginThatCannotBeMadeCostsItsRow) {
  hold("cannot_be_made", Where::kStack,
       {{"", Status::kError, "defense 'cannot_be_made' cannot be made: not today"}});
}

TEST_F(MisbehavingDefenses, VotesSayWhatTheyAre) {
  const std::string who = "'wrong_vote'";
  hold("wrong_vote", Where::kStack,
       {{"no draws", Status::kInvalid, who + ": mc_samples() is 0, expected 1 to 1048575"},
        {"negative", Status::kInvalid, who + ": mc_samples() is -5"},
        {"endless", Status::kInvalid, who + ": mc_samples() is 1099511627776"},
        {"draws change", Status::kInvalid, who + ": mc_samples() is 1, before it was 4"},
        {"in place", Status::kInvalid, who + " writes into the inputs in perturb()"},
        {"shape", Status::kInvalid, who + ": perturb() gave shape"},
        {"ballot's shape", Status::kInvalid, who + ": ballot() gave shape"},
        {"ballot is NaN", Status::kInvalid, who + ": ballot() gave values that are not finite"},
        {"ballot throws", Status::kError, who + ": ballot(): no ballot"},
        {"ballot of classes", Status::kInvalid, who + ": ballot() gave shape"},
        {"writes logits", Status::kInvalid, who + " writes into outputs.logits in ballot()"},
        {"lead is NaN", Status::kInvalid, who + ": lead() is nan"},
        {"lead is negative", Status::kInvalid, who + ": lead() is -1"},
        {"lead lies", Status::kInvalid, who + ": one ballot() puts a class 1 ahead"},
        {"not at all", Status::kOk, ""}});
}

TEST_F(MisbehavingDefenses, DetectorsScoreEveryRow) {
  const std::string who = "'wrong_detector'";
  hold("wrong_detector", Where::kStack,
       {{"shape", Status::kInvalid, who + ": score() gave shape [3]"},
        {"NaN", Status::kInvalid, who + ": score() gave values that are not numbers"},
        {"writes logits", Status::kInvalid, who + " writes into outputs.logits in score()"},
        {"asks much", Status::kError, who + ": score(): View::ballots"},
        {"not at all", Status::kOk, ""}});
}

// The program runs a suite in which one attack ends, or spoils the end of, its process.
class Ends : public SmallSuite {
 protected:
  void run_with(const std::string& how) {
    const auto suite = write_suite(
        "ends",
        fmt::format("fgsm = {{ use = \"fgsm\" }}\nx = {{ use = \"misbehaves\", how = \"{}\" }}\n",
                    how),
        row("plain"));
    const std::filesystem::path build = from_environment("GAUNTLET_BUILD_DIR");
    if (!std::filesystem::exists(build / "gauntlet")) GTEST_SKIP() << "the program is not built";
    status_ = std::system(
        fmt::format("'{}' run '{}' --plugin-path '{}' --output '{}' --quiet > '{}' 2>&1",
                    (build / "gauntlet").string(), suite.string(),
                    (build / "test_plugins").string(), (folder_ / "ends").string(),
                    (folder_ / "said").string())
            .c_str());
    said_ = text_of(folder_ / "said");
    report_ = text_of(folder_ / "ends" / "report.json");
  }
  int status_ = -1;
  std::string said_, report_;
};

class SuddenEnds : public Ends, public ::testing::WithParamInterface<const char*> {};

// A run that a plugin ends is no run that went well: it is told whose fault it was, and what was
// complete is reported.
TEST_P(SuddenEnds, AreToldOfAndNeverExitCodeZero) {
  run_with(GetParam());
  if (IsSkipped()) return;
  EXPECT_NE(status_, 0);
  EXPECT_NE(said_.find("attack 'misbehaves' ended the process: "), std::string::npos) << said_;
  EXPECT_NE(report_.find("\"fgsm\""), std::string::npos) << said_;
}

TEST_F(Ends, WhatPluginsLeaveForTheExitDoesNotRun) {
  run_with("crashes at the exit");
  if (IsSkipped()) return;
  EXPECT_EQ(status_, 0) << said_;
  EXPECT_NE(report_.find("\"misbehaves\""), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(All, SuddenEnds,
                         ::testing::Values("exit", "_exit", "quick_exit", "abort", "segfault",
                                           "closes files"));

}  // namespace
}  // namespace gauntlet::testing
