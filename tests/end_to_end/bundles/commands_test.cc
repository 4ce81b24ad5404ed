// gauntlet bundle, verify and board as a person uses them: exit codes and what is printed.
#include <ATen/Parallel.h>
#include <sys/wait.h>

#include <cstdlib>
#include <sstream>

#include "bundle_fixture.h"

namespace gauntlet::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class Commands : public Bundles {
 protected:
  struct Ended {
    int code;
    std::string out, err;
  };
  Ended gauntlet(const std::string& arguments) const {
    const std::string program = (from_environment("GAUNTLET_BUILD_DIR") / "gauntlet").string();
    const int status = std::system(
        (program + " " + arguments + " > " + path("out") + " 2> " + path("err")).c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text_of("out"), text_of("err")};
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string text_of(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(folder_ / name).rdbuf();
    return text.str();
  }
};

TEST_F(Commands, FromARunToAnEntry) {
  suite("plain@1");  // writes suite.toml
  ASSERT_EQ(gauntlet("run " + path("suite.toml") + " --quiet --output " + path("run")).code, 0);
  std::ofstream(folder_ / "me.toml") << "authors = \"A. Person\"\n";
  const Ended packed = gauntlet("bundle " + path("run") + " --about " + path("me.toml"));
  ASSERT_EQ(packed.code, 0) << packed.err;
  EXPECT_THAT(packed.out, AllOf(HasSubstr("worst case"), HasSubstr("SHA-256: ")));

  const Ended held = gauntlet("verify " + path("run/bundle.zip"));
  EXPECT_EQ(held.code, 0) << held.err;
  EXPECT_THAT(held.out, HasSubstr("at: holds, tables and model\nevery claim holds\n"));
  const Ended tables = gauntlet("verify --tables " + path("run/bundle.zip"));
  EXPECT_EQ(tables.code, 0) << tables.err;
  EXPECT_THAT(tables.out, HasSubstr("at: holds, from the tables\n"));

  const Ended added =
      gauntlet("board add " + path("run/bundle.zip") + " --results " + path("results"));
  EXPECT_EQ(added.code, 0) << added.err;
  const boards::BoardEntry entry = boards::read_board_entry(folder_ / "results/plain@1/at.json");
  EXPECT_EQ(entry.bundle_sha256, sha256_of_file(folder_ / "run/bundle.zip"));
  EXPECT_EQ(entry.verified, boards::Verified::kModel);
  EXPECT_EQ(entry.about.authors, "A. Person");
  Opened opened(folder_ / "run/bundle.zip");
  opened.change("at", [](boards::BoardEntry& other) { other.about.authors = "B. Person"; });
  opened.write(folder_ / "other.zip");
  const std::string again = "board add " + path("other.zip") + " --results " + path("results");
  const Ended refused = gauntlet(again);
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("is the entry of another bundle"));
  EXPECT_EQ(gauntlet(again + " --overwrite").code, 0);
  EXPECT_EQ(gauntlet("bundle " + path("run") + " --output " + path("nowhere/b.zip")).code, 2);
}

// Bits of an answer depend on the number of threads, which a run chooses by itself.
TEST_F(Commands, VerifyOnTheThreadsOfTheRunUnlessToldOthers) {
  const Variable unasked("OMP_NUM_THREADS", std::nullopt);
  suite("plain@1");
  const int threads = at::get_num_threads() + 1;  // no command takes so many by itself
  ASSERT_EQ(gauntlet("run " + path("suite.toml") + " --quiet --output " + path("run") +
                     " --threads " + std::to_string(threads))
                .code,
            0);
  ASSERT_EQ(gauntlet("bundle " + path("run")).code, 0);
  const std::string same = "at: holds, tables and model\n",
                    other = "at: holds, tables and model, as far as another build can tell\n";
  const std::string verify = "verify " + path("run/bundle.zip"),
                    add = "board add " + path("run/bundle.zip") + " --results " + path("results");
  EXPECT_THAT(gauntlet(verify).out, HasSubstr(same));
  EXPECT_THAT(gauntlet(add).out, HasSubstr(same));
  EXPECT_THAT(gauntlet(verify + " --threads " + std::to_string(threads)).out, HasSubstr(same));
  EXPECT_THAT(gauntlet(verify + " --threads " + std::to_string(threads + 1)).out, HasSubstr(other));
}

TEST_F(Commands, SayWhatDoesNotHold) {
  Opened opened(bundle(suite("plain@1")));
  opened.change("at", [](boards::BoardEntry& entry) { entry.threats[0].robust_accuracy += 0.01; });
  opened.write(folder_ / "changed.zip");
  const Ended refused = gauntlet("verify " + path("changed.zip"));
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("at: linf: claims robust accuracy"));
  EXPECT_THAT(refused.out, HasSubstr("at: does not hold"));
  EXPECT_EQ(gauntlet("board add " + path("changed.zip") + " --results " + path("results")).code, 1);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "results"));
  std::ofstream(folder_ / "no.zip") << "no zip file";
  EXPECT_EQ(gauntlet("verify " + path("no.zip")).code, 2);
  EXPECT_EQ(gauntlet("bundle " + path("nowhere")).code, 2);
}

// A stranger's names clear no screen and end no line.
TEST_F(Commands, ShowNamesOfStrangersSafely) {
  suite("plain@1");
  std::string text = text_of("suite.toml");
  text.replace(text.find("\"at\""), 4, R"("a\u001b[2J\u202eb\neach claim holds")");
  std::ofstream(folder_ / "suite.toml") << text;
  const auto expect_safe = [&](const std::string& arguments) {
    const Ended ended = gauntlet(arguments);
    for (const std::string& told : {ended.out, ended.err}) {
      EXPECT_EQ(told.find('\x1b'), std::string::npos) << told;
      EXPECT_EQ(told.find("\u202e"), std::string::npos) << told;
      EXPECT_EQ(told.find("\neach claim holds"), std::string::npos) << told;
    }
    EXPECT_THAT(ended.out, HasSubstr("a\\x1b[2J\\u202eb\\neach claim holds")) << ended.err;
  };
  expect_safe("run " + path("suite.toml") + " --output " + path("run"));
  expect_safe("bundle " + path("run"));
  expect_safe("verify --tables " + path("run/bundle.zip"));
  expect_safe("board add " + path("run/bundle.zip") + " --results " + path("results"));
  Opened opened(path("run/bundle.zip"));
  const auto first = opened.files.lower_bound("entries/");
  const std::string id = std::filesystem::path(first->first).stem();
  opened.change(id, [](boards::BoardEntry& entry) { entry.threats[0].robust_accuracy += 0.01; });
  opened.write(folder_ / "changed.zip");
  expect_safe("verify --tables " + path("changed.zip"));
}

TEST_F(Commands, ListAndShowBoards) {
  const Ended list = gauntlet("board list");
  EXPECT_EQ(list.code, 0);
  EXPECT_THAT(list.out, AllOf(HasSubstr("plain@1"), HasSubstr("cifar10-linf-randomized@1")));
  const Ended shown = gauntlet("board show fashion-mnist-linf-deterministic@1");
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out, AllOf(HasSubstr("division: deterministic"), HasSubstr("attack pgd: pgd"),
                               HasSubstr("SHA-256: ")));
  const Ended unknown = gauntlet("board show fashion-mnist-linf@1");
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("there is no board 'fashion-mnist-linf@1'"));
  write_board("plain", "deterministic", "");
  std::filesystem::rename(folder_ / "boards/plain.toml", folder_ / "boards/plain@1.toml");
  write_board("plain", "deterministic", "", 2);
  for (const char* id : {"plain", "plain@9"})
    EXPECT_THAT(gauntlet(std::string("board show ") + id).err,
                HasSubstr("there is no board '" + std::string(id) + "', did you mean 'plain@2'?"));
}

}  // namespace
}  // namespace gauntlet::testing
