// Writes the reports of runs that never were: papers FOLDER
#include <cstdio>
#include <filesystem>

#include "analysis/latest_run.h"
#include "reports/files/write_reports.h"
#include "run_with_outcomes.h"
#include "tests/support/synthetic_store.h"

namespace {
using namespace gauntlet;

void write(const results::RunRecords& records, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  reports::files::write_reports(records, folder);
}

/// Every letter that may stay as it is, and every BibTeX that a stranger may write.
results::Store::Run run_of_letters() {
  results::Store::Run run = synthetic_run();
  std::string letters;
  for (int code = 0xa0; code < 0x180; ++code) {
    letters += char(0xc0 | code >> 6);
    letters += char(0x80 | (code & 0x3f));
  }
  for (int code = 0x391; code < 0x3cf; ++code) {
    letters += char(0xc0 | code >> 6);
    letters += char(0x80 | (code & 0x3f));
  }
  run.suite = letters;
  run.settings = R"({"citations": [
    {"of": "data/x", "bibtex": "@misc{one, title = {One}, author = {Bengio, L{\\'e}on}, year = {1998}}"},
    {"of": "model/y_z", "bibtex": "R&D, 100 % of {it}"}]})";
  return run;
}
}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: papers FOLDER\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  const results::Store::Run letters = run_of_letters(), seeds = run_of_seeds(),
                            certified = certified_run(), compared = compared_run();
  write(without_outcomes(letters), folder / "letters");
  write(without_outcomes(seeds), folder / "seeds");
  write(without_outcomes(certified), folder / "certified");
  write(without_outcomes(compared), folder / "compared");
  const RunWithOutcomes large = large_run();
  write(large.records(), folder / "large");
  RunWithOutcomes failures;
  for (const std::string& name : awkward_names()) {
    failures.add(name, name, right_first(1, 2)).status = results::Status::kError;
    failures.add_worst_case(name);
  }
  write(failures.records(), folder / "failures");
  write_synthetic_store({numbered("defense", 12), numbered("attack[steps=1]", 4), {0.05, 0.1, 0.2}},
                        folder / "curves");
  results::Store store(folder / "curves");
  const results::Store::Run curves = analysis::latest_run(store);
  write({curves, outcomes_in(store)}, folder / "curves");
  return 0;
}
