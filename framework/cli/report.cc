#include <fmt/format.h>

#include "base/bad_input.h"
#include "base/whole_file.h"
#include "cli/commands.h"
#include "reports/files/validate.h"
#include "reports/files/write_reports.h"

namespace gauntlet::cli {
namespace {

int render(const std::string& folder, const std::string& output) {
  const results::Store store = open_results(folder);
  const std::filesystem::path target = output.empty() ? folder : output;
  const results::Store::Run run = run_of(store);
  std::error_code ignored;  // where it cannot be made, writing says so
  std::filesystem::create_directories(target, ignored);
  reports::files::write_reports({run, outcomes_in(store), store.artifacts()}, target);
  say("{}\n", (target / "report.html").string());
  return kOk;
}

int check(const std::string& file) {
  const std::vector<std::string> problems = reports::files::validate_report(whole_file(file));
  for (const std::string& problem : problems) say(stderr, "{}: {}\n", file, problem);
  if (problems.empty()) say("{}: a valid report\n", file);
  return problems.empty() ? kOk : kBadInput;
}
}  // namespace

void add_report(CLI::App& app, Action& action) {
  struct Flags {
    std::string folder, output, check;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand(
      "report", "Write the reports of a run again from its records; runs no model");
  auto* folder = command->add_option("folder", flags->folder, "What 'gauntlet run' wrote to");
  command->add_option("--output", flags->output,
                      "Folder for the reports; default: beside the records");
  auto* file = command->add_option("--check", flags->check,
                                   "Validate a report.json against the published schema");
  file->excludes(folder);
  command->callback([&action, flags] {
    if (flags->folder.empty() && flags->check.empty())
      throw CLI::RequiredError("report: a folder, or --check FILE,");
    action = [flags] {
      return flags->check.empty() ? render(flags->folder, flags->output) : check(flags->check);
    };
  });
}

}  // namespace gauntlet::cli
