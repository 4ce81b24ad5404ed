// Starts the program in a folder of the test's own.
#pragma once
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"
#include "tests/support/text_of.h"
namespace gauntlet::testing {
namespace fs = std::filesystem;

inline fs::path from_environment(const char* name) { return std::getenv(name); }

class CommandLine : public ::testing::Test {
 protected:
  struct Ended {
    int code;
    std::string out, err;
  };
  // Starts the program with its output going to files.
  pid_t start(const std::vector<std::string>& arguments) const {
    const pid_t child = fork();
    if (child != 0) return child;
    if (!std::freopen((folder_ / "out").c_str(), "w", stdout) ||
        !std::freopen((folder_ / "err").c_str(), "w", stderr))
      _exit(99);
    std::vector<char*> argv;
    std::string program = (from_environment("GAUNTLET_BUILD_DIR") / "gauntlet").string();
    argv.push_back(program.data());
    std::vector<std::string> copy = arguments;
    for (std::string& a : copy) argv.push_back(a.data());
    argv.push_back(nullptr);
    execv(program.c_str(), argv.data());
    _exit(98);
  }
  Ended end(pid_t child) const {
    int status = 0;
    waitpid(child, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), text_of(folder_ / "out"),
            text_of(folder_ / "err")};
  }
  Ended gauntlet(const std::vector<std::string>& arguments) const { return end(start(arguments)); }
  std::string quickstart() const {
    return (from_environment("GAUNTLET_SOURCE_DIR") / "suites" / "quickstart.toml").string();
  }
  std::vector<std::string> small_run(const std::string& samples = "60") const {
    return {"run",      quickstart(),
            "--set",    "data.samples=" + samples,
            "--only",   "defense=undefended,attack=*",
            "--output", (folder_ / "run").string()};
  }

  const TemporaryFolder owned_;
  const fs::path folder_ = owned_;
};

}  // namespace gauntlet::testing
