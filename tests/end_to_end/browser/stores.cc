// Writes the stores whose reports the browser opens: stores FOLDER
#include <cstdio>

#include "tests/support/synthetic_store.h"

int main(int argc, char** argv) {
  using namespace gauntlet;
  if (argc != 2) {
    std::fprintf(stderr, "usage: stores FOLDER\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  const std::vector<Status> mixed = {Status::kOk,      Status::kOk,     Status::kOk,
                                     Status::kOk,      Status::kOk,     Status::kError,
                                     Status::kSkipped, Status::kInvalid};

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
  failures.statuses = {Status::kError, Status::kInvalid, Status::kSkipped};
  write_synthetic_store(failures, folder / "failures");

  SyntheticSuite big{numbered("defense", 40), numbered("attack", 30), {0.1}, 100, 10, mixed};
  write_synthetic_store(big, folder / "big");
  return 0;
}
