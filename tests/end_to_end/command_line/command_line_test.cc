// The program as a person uses it.
#include <signal.h>

#include <chrono>
#include <regex>
#include <thread>

#include "command_line_fixture.h"

namespace gauntlet::testing {
namespace {
TEST_F(CommandLine, TraceShowsEveryStepOfOneAttack) {
  const fs::path picture = folder_ / "trace.svg";
  const std::vector<std::string> all = {"trace", quickstart(), "--images",
                                        "3",     "--output",   picture.string()};
  const Ended vague = gauntlet(all);
  EXPECT_EQ(vague.code, 2);
  EXPECT_NE(vague.err.find("choose with --only defense="), std::string::npos) << vague.err;
  std::vector<std::string> one = all;
  for (const char* more :
       {"--only", "defense=undefended,attack=pgd", "--set", "attack.pgd.steps=7"})
    one.push_back(more);
  const Ended told = gauntlet(one);
  ASSERT_EQ(told.code, 0) << told.err;
  EXPECT_NE(told.out.find("fooled"), std::string::npos) << told.out;
  EXPECT_EQ(text_of(picture).substr(0, 4), "<svg");
  std::istringstream table(text_of(folder_ / "trace.csv"));
  std::string line;
  std::getline(table, line);
  EXPECT_EQ(line, "image,label,query,loss,margin,distance,answer");
  int lines = 0;
  double first_loss = 0, last_loss = 0;
  while (std::getline(table, line)) {
    int image, label, query, answer;
    double loss, margin, distance;
    ASSERT_EQ(std::sscanf(line.c_str(), "%d,%d,%d,%lf,%lf,%lf,%d", &image, &label, &query, &loss,
                          &margin, &distance, &answer),
              7);
    EXPECT_EQ(query, lines % 8 + 1);
    EXPECT_EQ(answer, query == 8);  // what pgd returns, it does not ask for
    EXPECT_LE(distance, 0.1 + 1e-6);
    (query == 1 ? first_loss : last_loss) += query == 1 || query == 8 ? loss : 0;
    ++lines;
  }
  EXPECT_EQ(lines, 3 * 8);  // nothing is retired, although all are fooled
  EXPECT_GT(last_loss, first_loss);
}

TEST_F(CommandLine, TraceEndsWithTheAnswerOfEveryAttack) {
  struct Case {
    const char *attack, *set;
    int points;
  };
  for (const Case& c :
       {Case{"fgsm", "attack.fgsm.samples=1000", 2},
        Case{"transfer", "attack.transfer.samples=1000", 1},  // asks its source only
        Case{"pgd", "attack.pgd.restarts=2", 2 * 21}}) {
    const Ended told = gauntlet({"trace", quickstart(), "--images", "2", "--only",
                                 "defense=PNI,attack=" + std::string(c.attack), "--set", c.set,
                                 "--output", (folder_ / "t.svg").string()});
    ASSERT_EQ(told.code, 0) << told.err;
    std::istringstream table(text_of(folder_ / "t.csv"));
    std::string line, last;
    int lines = -1;
    for (; std::getline(table, line); ++lines) last = line;
    EXPECT_EQ(lines, 2 * c.points) << c.attack;
    EXPECT_TRUE(last.ends_with(",1")) << last;
  }
}

TEST_F(CommandLine, TraceSaysWhereItsPictureCannotGo) {
  for (const char* name : {"t.csv", "absent/t.svg"}) {
    const Ended told = gauntlet({"trace", quickstart(), "--only", "defense=PNI,attack=pgd",
                                 "--output", (folder_ / name).string()});
    EXPECT_EQ(told.code, 2);
    EXPECT_TRUE(told.err.find("--output: ") != std::string::npos) << told.err;
  }
}

TEST_F(CommandLine, ARunLeavesReportsAndASecondComputesNothing) {
  const Ended first = gauntlet(small_run());
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_NE(first.out.find("undefended"), std::string::npos);
  for (const char* file :
       {"report.json", "report.csv", "report.md", "report.html", "results.sqlite"})
    EXPECT_TRUE(fs::exists(folder_ / "run" / file)) << file;
  const Ended valid = gauntlet({"report", "--check", (folder_ / "run" / "report.json").string()});
  EXPECT_EQ(valid.code, 0) << valid.err;
  const Ended second = gauntlet(small_run());
  EXPECT_EQ(second.code, 0);
  EXPECT_NE(second.out.find("5 already known"), std::string::npos) << second.out;
}

TEST_F(CommandLine, CleanAccuracyIsOfAllImages) {
  const auto clean_with = [&](const std::string& samples_of_fgsm) {
    std::vector<std::string> arguments = small_run();
    arguments.insert(arguments.end(), {"--set", "attack.fgsm.samples=" + samples_of_fgsm});
    const Ended ended = gauntlet(arguments);
    std::smatch found;
    const std::regex row("\nundefended +([0-9.]+)");
    return std::regex_search(ended.out, found, row) ? found[1].str() : ended.out + ended.err;
  };
  const std::string clean = clean_with("60");
  EXPECT_NE(clean, "100.0");
  EXPECT_EQ(clean_with("1"), clean);
}

TEST_F(CommandLine, ReportsComeFromRecordsAlone) {
  ASSERT_EQ(gauntlet(small_run("20")).code, 0);
  const std::string before = text_of(folder_ / "run" / "report.json");
  fs::remove(folder_ / "run" / "report.json");
  const Ended again = gauntlet({"report", (folder_ / "run").string()});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(text_of(folder_ / "run" / "report.json"), before);
}

TEST_F(CommandLine, CompareFindsWhatIsLostAndLeavesSeedsInPeace) {
  const auto run = [&](const std::string& name, const std::string& change) {
    std::vector<std::string> arguments = small_run();
    arguments.back() = (folder_ / name).string();
    arguments.insert(arguments.end(), {"--set", change});
    ASSERT_EQ(gauntlet(arguments).code, 0);
  };
  run("weak", "attack.pgd.steps=1");
  run("strong", "seeds=[0]");
  run("other-seed", "seeds=[1]");
  const auto compared = [&](const std::string& a, const std::string& b,
                            std::vector<std::string> more) {
    more.insert(more.begin(), {"compare", (folder_ / a).string(), (folder_ / b).string()});
    return gauntlet(more);
  };
  const Ended quiet = compared("strong", "other-seed", {"--gate", "1"});
  EXPECT_EQ(quiet.code, 0) << quiet.out << quiet.err;
  EXPECT_NE(quiet.out.find("none differs with significance"), std::string::npos) << quiet.out;
  EXPECT_NE(quiet.out.find("seeds: [0] → [1]"), std::string::npos) << quiet.out;
  const Ended loud = compared("weak", "strong", {"--gate", "1"});
  EXPECT_EQ(loud.code, 1) << loud.out;
  EXPECT_NE(loud.out.find("✗ undefended × pgd ("), std::string::npos) << loud.out;
  EXPECT_NE(loud.out.find("attack.params.steps: 1 → 20"), std::string::npos) << loud.out;
  EXPECT_EQ(compared("weak", "strong", {}).code, 0) << "nothing was to be refused";
  for (const std::string points : {"nan", "-nan", "inf", "-1", "101", "1e999", "0x1p9", "one"}) {
    const Ended refused = compared("weak", "strong", {"--gate=" + points});
    EXPECT_EQ(refused.code, 2) << points;
    EXPECT_NE(refused.err.find("in [0, 100]"), std::string::npos) << refused.err;
  }
  const fs::path page = folder_ / "comparison.html";
  EXPECT_EQ(compared("weak", "strong", {"--format", "html", "--output", page.string()}).code, 0);
  EXPECT_NE(text_of(page).find("</html>"), std::string::npos);
  const Ended nothing = compared("weak", "gone", {});
  EXPECT_EQ(nothing.code, 2);
  EXPECT_NE(nothing.err.find("gone: no results there"), std::string::npos) << nothing.err;
}

TEST_F(CommandLine, CtrlCEndsCleanlyAndTheNextRunGoesOn) {
  const auto arguments = [&] {
    auto all = small_run("1000");
    all[5] = "defense=adversarial training,attack=pgd*";
    all.push_back("--set");
    all.push_back("attack.pgd.steps=400");
    return all;
  }();
  const pid_t child = start(arguments);
  // The store is opened after signals are caught.
  for (int i = 0; i < 1200 && !fs::exists(folder_ / "run" / "results.sqlite"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  kill(child, SIGINT);
  const Ended stopped = end(child);
  EXPECT_EQ(stopped.code, 1) << stopped.err;
  EXPECT_NE(stopped.out.find("stopped before the end"), std::string::npos)
      << stopped.out << stopped.err;
  auto shorter = arguments;
  shorter.back() = "attack.pgd.steps=2";
  const Ended next = gauntlet(shorter);
  EXPECT_EQ(next.code, 0) << next.err;
}

TEST_F(CommandLine, BadInputExitsWithTwoBeforeAnyWork) {
  std::ofstream(folder_ / "bad.toml")
      << "schema = 1\nname = \"bad\"\n[attack]\npgd = { use = \"pgdd\" }\n";
  const Ended suite =
      gauntlet({"run", (folder_ / "bad.toml").string(), "--output", (folder_ / "run").string()});
  EXPECT_EQ(suite.code, 2);
  EXPECT_NE(suite.err.find("bad.toml:4:"), std::string::npos) << suite.err;
  EXPECT_NE(suite.err.find("did you mean 'pgd'"), std::string::npos) << suite.err;
  EXPECT_FALSE(fs::exists(folder_ / "run"));
  const Ended repeats =
      gauntlet({"run", quickstart(), "--set", "attack.plus={use=\"ensemble\"}", "--set",
                "attack.plus.repeats=[1]", "--output", (folder_ / "run").string()});
  EXPECT_EQ(repeats.code, 2);
  EXPECT_NE(repeats.err.find("repeats: has 1 number"), std::string::npos) << repeats.err;
  EXPECT_FALSE(fs::exists(folder_ / "run"));
  EXPECT_EQ(gauntlet({"run"}).code, 2);
  EXPECT_EQ(gauntlet({"frobnicate"}).code, 2);
  EXPECT_EQ(
      gauntlet({"run", quickstart(), "--device", "cuda", "--output", (folder_ / "run").string()})
          .code,
      2);
  EXPECT_EQ(gauntlet({"report", folder_.string()}).code, 2);
}

TEST_F(CommandLine, AFailingCellIsShownAndTheRestGoesOn) {
  auto arguments = small_run("10");
  arguments[5] = "defense=undefended,attack=*";
  arguments.insert(arguments.end(), {"--set", "attack.pgd.access=score"});
  const Ended run = gauntlet(arguments);
  EXPECT_EQ(run.code, 0) << run.err;  // skipped is no failure
  EXPECT_NE(run.out.find("1 skipped"), std::string::npos) << run.out;
  const std::string json = text_of(folder_ / "run" / "report.json");
  EXPECT_NE(json.find("pgd needs gradient access, the suite grants score"), std::string::npos);
}

TEST_F(CommandLine, ListsWhatIsThere) {
  const Ended plugins = gauntlet({"plugins", "list"});
  EXPECT_EQ(plugins.code, 0);
  for (const char* name : {"fgsm", "pgd", "multitargeted", "cw", "ddn", "nattack", "transfer",
                           "external", "random_noise", "pni", "cni", "rse", "adversarial_training",
                           "trades", "mart", "fast_adversarial_training",
                           "free_adversarial_training", "smoothing", "randomized_smoothing"})
    EXPECT_NE(plugins.out.find(name), std::string::npos) << name;
  EXPECT_NE(gauntlet({"plugins", "show", "pgd"}).out.find("step_size"), std::string::npos);
  EXPECT_NE(gauntlet({"data", "list"}).out.find("fashion-mnist-1k"), std::string::npos);
  EXPECT_NE(gauntlet({"models", "list"}).out.find("fashion-mnist/standard"), std::string::npos);
  EXPECT_EQ(gauntlet({"models", "show", "fashion-mnist/standard"}).code, 0);
  EXPECT_EQ(gauntlet({"data", "verify", "fashion-mnist-1k"}).code, 0);
  EXPECT_EQ(gauntlet({"version"}).code, 0);
  const Ended plan = gauntlet({"check", quickstart()});
  EXPECT_EQ(plan.code, 0) << plan.err;
  EXPECT_NE(plan.out.find("25 = 5 defenses"), std::string::npos) << plan.out;
}

// Both attacks under both threats; ddn has an L2 form alone.
std::string suite_that_skips(const fs::path& folder) {
  const std::string suite = (folder / "suite.toml").string();
  std::ofstream(suite) << R"(schema = 1
name = "skips"
seeds = [0]
data = { dataset = "fashion-mnist-1k", samples = 8 }
threat.linf = { norm = "linf", epsilon = 0.1 }
threat.l2 = { norm = "l2", epsilon = 1 }
attack.fgsm = { use = "fgsm" }
attack.ddn = { use = "ddn", steps = 50 }
[[defense]]
name = "at"
model = "fashion-mnist/at"
)";
  return suite;
}

TEST_F(CommandLine, APlanCountsNoCellThatItSaysIsSkipped) {
  const std::string suite = suite_that_skips(folder_);
  const Ended plan = gauntlet({"check", suite});
  EXPECT_EQ(plan.code, 0) << plan.err;
  EXPECT_NE(plan.out.find("ddn under linf: skipped"), std::string::npos) << plan.out;
  EXPECT_NE(plan.out.find("passes   attacks about 416, at most 50 a sample and cell; "
                          "scoring about 24\n"),
            std::string::npos)
      << plan.out;
}

TEST_F(CommandLine, ARunSaysWhyCellsWereSkipped) {
  const std::string suite = suite_that_skips(folder_), output = (folder_ / "run").string();
  const std::string why = "skipped, 1 cell: ddn looks for the smallest perturbation in L2 only\n";
  const Ended some = gauntlet({"run", suite, "--output", output, "--quiet"});
  EXPECT_EQ(some.code, 0) << some.err;
  EXPECT_NE(some.out.find("3 ok, 0 invalid, 0 in error, 1 skipped"), std::string::npos) << some.out;
  EXPECT_NE(some.out.find(why), std::string::npos) << some.out;
  const Ended none = gauntlet({"run", suite, "--output", output, "--quiet", "--only", "attack=ddn",
                               "--set", "threat={ linf = { norm = \"linf\", epsilon = 0.1 } }"});
  EXPECT_EQ(none.code, 1) << "nothing was measured: " << none.err;
  EXPECT_NE(none.out.find("0 ok, 0 invalid, 0 in error, 1 skipped"), std::string::npos) << none.out;
  EXPECT_NE(none.out.find(why), std::string::npos) << none.out;
}

}  // namespace
}  // namespace gauntlet::testing
