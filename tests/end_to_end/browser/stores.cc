// Writes the stores and the boards' entries whose pages the browser opens: stores FOLDER
#include <cstdio>

#include "base/sha256.h"
#include "tests/support/synthetic_store.h"
#include "tests/unit/boards/board_examples.h"

namespace gauntlet {
namespace {

namespace fs = std::filesystem;

void write_boards(const fs::path& folder) {
  fs::create_directories(folder / "boards");
  const std::string definition = example_definition("A board of <i>examples</i>");
  std::ofstream(folder / "boards" / "fashion-linf.toml") << definition;
  BoardExamples make(100);
  std::vector<boards::BoardEntry> entries;
  for (int i = 0; i < 12; ++i)
    entries.push_back(make.entry("defense " + std::to_string(i + 1), 0.85, 0.05 + 0.06 * i));
  entries.push_back(make.entry("<script>document.title = 'owned'</script>", 0.85, 0.3));
  entries.push_back(make.entry(std::string(300, 'W'), 0.85, 0.35));
  make.overturn(entries[3], "their x_adv", 0.1);
  for (boards::BoardEntry& entry : entries) {
    entry.board_sha256 = sha256(definition);
    put_entry(folder / "results", entry);
  }
}

}  // namespace
}  // namespace gauntlet

int main(int argc, char** argv) {
  using namespace gauntlet;
  if (argc != 2) {
    std::fprintf(stderr, "usage: stores FOLDER\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  const std::vector<results::Status> mixed = {results::Status::kOk,      results::Status::kOk,
                                              results::Status::kOk,      results::Status::kOk,
                                              results::Status::kOk,      results::Status::kError,
                                              results::Status::kSkipped, results::Status::kInvalid};

  SyntheticSuite plain{numbered("defense", 6), numbered("attack", 5), {0.05, 0.1, 0.2}};
  write_synthetic_store(plain, folder / "plain");
  plain.shift = 0.1;
  write_synthetic_store(plain, folder / "shifted");

  SyntheticSuite evil{{"<script>document.title = 'owned'</script>", std::string(300, 'W'),
                       "\"><img src=x onerror=document.title='owned'>", "{{suite}} & {{{script}}}",
                       "</script><b>", "' onmouseover='document.title=1"},
                      {"<i>fgsm</i>", std::string(300, 'x'), "a\nb", "ε \\u003c ${x}"},
                      {0.1},
                      60,
                      10,
                      mixed};
  write_synthetic_store(evil, folder / "evil");

  SyntheticSuite failures{numbered("defense", 4), numbered("attack", 3)};
  failures.statuses = {results::Status::kError, results::Status::kInvalid,
                       results::Status::kSkipped};
  write_synthetic_store(failures, folder / "failures");

  SyntheticSuite words{{"undefended", "adversarial training", "TRADES", "PNI",
                        "AT + soft vote, σ = 0.125", "smoothing[sigma=0.25,mc_samples=32]"},
                       {"random_noise", "fgsm", "pgd", "pgd-4-draws", "transfer", "square",
                        "pgd[steps=100,step_size=0.0078125]", "nattack"}};
  write_synthetic_store(words, folder / "words");

  SyntheticSuite big{numbered("defense", 40), numbered("attack", 30), {0.1}, 100, 10, mixed};
  write_synthetic_store(big, folder / "big");
  write_boards(folder);
  return 0;
}
