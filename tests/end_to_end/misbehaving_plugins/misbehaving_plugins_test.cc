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
  results::Status status;
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

void expect(const results::CellRecord& record, const Case& expected) {
  SCOPED_TRACE(expected.how);
  EXPECT_EQ(record.status, expected.status) << record.reason;
  EXPECT_LT(record.reason.size(), 1000u);
  EXPECT_EQ(record.outcomes.empty(), expected.status != results::Status::kOk);
  const bool ok = expected.status == results::Status::kOk;
  if (ok && expected.said.empty()) {
    for (const std::string& flag : sentences(record.flags))
      EXPECT_EQ(flag.find("misbehaves"), std::string::npos) << flag;
    return;
  }
  bool found = !ok && record.reason.find(expected.said) != std::string::npos;
  for (const std::string& flag : sentences(record.flags))
    found |= ok && flag.find(expected.said) != std::string::npos;
  EXPECT_TRUE(found) << "'" << expected.said << "' is not in: " << record.reason
                     << (record.flags.empty() ? "" : " / " + sentence(record.flags.front()));
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
  hold({{"raises epsilon", results::Status::kInvalid, who + "threat.epsilon"},
        {"lowers epsilon", results::Status::kInvalid, who + "threat.epsilon"},
        {"writes labels", results::Status::kInvalid, who + "y"},
        {"writes images", results::Status::kInvalid, who + "x"},
        {"writes images unseen", results::Status::kInvalid, who + "x"},
        {"shrinks images", results::Status::kInvalid, who + "x"},
        {"images in place", results::Status::kInvalid, who + "x"},
        {"writes noise keys", results::Status::kInvalid, who + "noise.key.id"},
        {"loss writes logits", results::Status::kInvalid, "writes into outputs.logits"},
        {"loss writes rows", results::Status::kOk, ""},    // its own copies
        {"writes into logits", results::Status::kOk, ""},  // likewise
        {"kept", results::Status::kOk, ""},
        {"view", results::Status::kOk, ""},
        {"requires gradients", results::Status::kOk, ""},
        {"not at all", results::Status::kOk, ""}});
}

TEST_F(MisbehavingAttacks, AnswersAndQuestionsThatAreNoneAreToldOfByName) {
  const std::string who = "attack 'misbehaves'";
  hold({{"throws", results::Status::kError, who + ": it gave up"},
        {"throws a number", results::Status::kError, who},
        {"throws megabytes", results::Status::kError, "(8388608 bytes)"},
        {"throws no UTF-8", results::Status::kError, "bad ?? bytes"},
        {"throws with frames", results::Status::kError, "invalid for input of size 2"},
        {"facts throw", results::Status::kError, who},
        {"facts change", results::Status::kInvalid, "facts"},
        {"loss is one number", results::Status::kInvalid, "one number a row"},
        {"asks in double", results::Status::kError, who + ": a query's inputs must be dense"},
        {"double", results::Status::kInvalid, who + " returned dtype Double"},
        {"sparse", results::Status::kInvalid, "not dense"},
        {"undefined", results::Status::kInvalid, who + " returned no tensor"},
        {"not finite", results::Status::kInvalid, "not finite"}});
}

TEST_F(MisbehavingAttacks, WhatTheyChangeOfTheProcessIsRefusedOrPutBack) {
  const std::string who = "attack 'misbehaves' changed ";
  const int threads = at::get_num_threads();
  const auto folder = std::filesystem::current_path();
  hold({{"default dtype", results::Status::kInvalid, who + "LibTorch's default dtype"},
        {"oneDNN off", results::Status::kInvalid, who + "whether LibTorch uses oneDNN"},
        {"reduced precision", results::Status::kInvalid, who + "LibTorch's precision"},
        {"deterministic", results::Status::kInvalid, who + "LibTorch's choice of deterministic"},
        {"rounds up", results::Status::kInvalid, who + "the rounding mode"},
        {"flushes", results::Status::kInvalid, who + "what becomes of numbers near 0"},
        {"inference mode", results::Status::kInvalid, who + "LibTorch's inference mode"},
        {"gradients on", results::Status::kOk, who + "whether LibTorch records gradients"},
        {"threads", results::Status::kOk, who + "the number of threads"},
        {"folder", results::Status::kOk, who + "the current folder"},
        {"locale", results::Status::kOk, who + "the locale"},
        {"limits", results::Status::kOk, "limits of the process"},
        {"signals", results::Status::kOk, who + "what signals do"},
        {"seeds", results::Status::kOk, "drew from LibTorch's own random generator"},
        {"draws", results::Status::kOk, "drew from LibTorch's own random generator"}});
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
       {{"writes weights", results::Status::kInvalid,
         who + " writes into the weights of the network"},
        {"writes weights once", results::Status::kInvalid,
         who + " writes into the weights of the network"},
        {"writes activations", results::Status::kInvalid, who + " writes into the activations"},
        {"writes noise keys", results::Status::kInvalid, who + " writes into noise.key.id"},
        {"weight's shape", results::Status::kInvalid, who + ": weight() gave shape"},
        {"weight is NaN", results::Status::kInvalid,
         who + ": weight() gave values that are not numbers"},
        {"weight throws", results::Status::kError, who + ": weight(): the layer gave up"},
        {"input's shape", results::Status::kInvalid, who + ": input() gave shape"},
        {"no output", results::Status::kInvalid, who + ": output() gave no tensor"},
        {"declare throws", results::Status::kError, who + ": declare(): nothing to declare"},
        {"coupling throws", results::Status::kError, who + ": couples_rows()"},
        {"draws", results::Status::kOk, "drew from LibTorch's own random generator"}});
}

TEST_F(MisbehavingDefenses, RowsThatFailBeforeTheFirstCellFailByThemselves) {
  const std::string who = "'wrong_inputs'";
  hold("wrong_inputs", Where::kStack,
       {{"throws", results::Status::kError, who + ": forward(): the defense gave up"},
        {"throws a number", results::Status::kError, who + ": forward()"},
        {"throws later", results::Status::kError, ": the defense gave up later"},
        {"normalisation throws", results::Status::kError,
         who + ": normalisation(): no mean, no std"},
        {"shape", results::Status::kInvalid, who + ": forward() gave shape [7, 1, 6, 6]"},
        {"double", results::Status::kInvalid, who + ": forward() gave dtype Double"},
        {"NaN", results::Status::kInvalid, who + ": forward() gave values that are not numbers"},
        {"in place", results::Status::kInvalid, who + " writes into the inputs in forward()"},
        {"oneDNN off", results::Status::kInvalid, who + " changed whether LibTorch uses oneDNN"},
        {"counts", results::Status::kInvalid, "keeps a state between calls"},
        {"draws", results::Status::kOk, "drew from LibTorch's own random generator"}});
}

TEST_F(MisbehavingDefenses, APluginThatCannotBeMadeCostsItsRow) {
  hold("cannot_be_made", Where::kStack,
       {{"", results::Status::kError, "defense 'cannot_be_made' cannot be made: not today"}});
}

TEST_F(MisbehavingDefenses, VotesSayWhatTheyAre) {
  const std::string who = "'wrong_vote'";
  hold("wrong_vote", Where::kStack,
       {{"no draws", results::Status::kInvalid, who + ": mc_samples() is 0, expected 1 to 1048575"},
        {"negative", results::Status::kInvalid, who + ": mc_samples() is -5"},
        {"endless", results::Status::kInvalid, who + ": mc_samples() is 1099511627776"},
        {"draws change", results::Status::kInvalid, who + ": mc_samples() is 1, before it was 4"},
        {"in place", results::Status::kInvalid, who + " writes into the inputs in perturb()"},
        {"shape", results::Status::kInvalid, who + ": perturb() gave shape"},
        {"ballot's shape", results::Status::kInvalid, who + ": ballot() gave shape"},
        {"ballot is NaN", results::Status::kInvalid,
         who + ": ballot() gave values that are not finite"},
        {"ballot throws", results::Status::kError, who + ": ballot(): no ballot"},
        {"ballot of classes", results::Status::kInvalid, who + ": ballot() gave shape"},
        {"writes logits", results::Status::kInvalid,
         who + " writes into outputs.logits in ballot()"},
        {"lead is NaN", results::Status::kInvalid, who + ": lead() is nan"},
        {"lead is negative", results::Status::kInvalid, who + ": lead() is -1"},
        {"lead lies", results::Status::kInvalid, who + ": one ballot() puts a class 1 ahead"},
        {"not at all", results::Status::kOk, ""}});
}

TEST_F(MisbehavingDefenses, DetectorsScoreEveryRow) {
  const std::string who = "'wrong_detector'";
  hold(
      "wrong_detector", Where::kStack,
      {{"shape", results::Status::kInvalid, who + ": score() gave shape [3]"},
       {"NaN", results::Status::kInvalid, who + ": score() gave values that are not numbers"},
       {"writes logits", results::Status::kInvalid, who + " writes into outputs.logits in score()"},
       {"asks much", results::Status::kError, who + ": score(): View::ballots"},
       {"not at all", results::Status::kOk, ""}});
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
