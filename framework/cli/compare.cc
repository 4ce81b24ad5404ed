#include <fmt/format.h>

#include "base/write_atomically.h"
#include "cli/commands.h"
#include "cli/words.h"
#include "reports/page/comparison.h"

namespace gauntlet::cli {
namespace {

struct CompareFlags {
  std::string a, b, output, format = "text";
  std::optional<double> gate;
  bool all = false;
};

int run(const CompareFlags& flags) {
  const results::Store a = open_results(flags.a), b = open_results(flags.b);
  const results::Store::Run run_a = run_of(a), run_b = run_of(b);
  const analysis::Comparison comparison =
      analysis::compare({run_a, outcomes_in(a)}, {run_b, outcomes_in(b)});
  const reports::page::ComparisonPage page{comparison, run_a, run_b, flags.a, flags.b, flags.gate};
  const std::string text = flags.format == "html"       ? comparison_html(page)
                           : flags.format == "markdown" ? comparison_markdown(page)
                                                        : comparison_text(page, flags.all);
  if (flags.output.empty())
    say("{}", Lines{text});
  else
    write_atomically(flags.output, text);
  return flags.gate && !comparison.beyond(*flags.gate).empty() ? kSomeFailed : kOk;
}
}  // namespace

void add_compare(CLI::App& app, Action& action) {
  auto flags = std::make_shared<CompareFlags>();
  CLI::App* command = app.add_subcommand(
      "compare", "Hold two runs against each other, cell by cell and image by image");
  command->add_option("run_a", flags->a, "Folder of the run before")->required();
  command->add_option("run_b", flags->b, "Folder of the run after")->required();
  command
      ->add_option("--gate", flags->gate,
                   "Exit with 1 where a cell loses more than this many points with significance, "
                   "or has no result any more")
      ->transform(real(0, 100));
  command->add_option("--format", flags->format, "How to write it")
      ->check(CLI::IsMember({"text", "markdown", "html"}));
  command->add_option("--output", flags->output, "File; default: standard output");
  command->add_flag("--all", flags->all, "text: every cell, not only what differs");
  command->callback([&action, flags] { action = [flags] { return run(*flags); }; });
}

}  // namespace gauntlet::cli
