#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <cstdio>
#include <map>

#include "analysis/latest_run.h"
#include "cli/audit_plan.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/sudden_end.h"
#include "cli/words.h"
#include "evaluation/cell.h"
#include "evaluation/identity.h"
#include "evaluation/remarks.h"
#include "evaluation/timing.h"
#include "reports/audits.h"
#include "reports/files/write_reports.h"
#include "reports/terminal.h"
#include "reports/text/text.h"
#include "suite/plan.h"
#include "suite/read_suite.h"
#include "suite/remarks.h"

namespace gauntlet::cli {
namespace {

struct RunFlags {
  Common common;
  std::string suite, output, device = "auto";
  suite::SuiteOptions options;
  int64_t batch_size = 250;
  bool quiet = false;
};

void add_suite_flags(CLI::App& command, RunFlags& flags) {
  command.add_option("suite", flags.suite, "The suite's TOML file")->required();
  command
      .add_option("--set", flags.options.set,
                  "Change a value: path=value, such as attack.pgd.steps=50")
      ->allow_extra_args(false);
  command.add_option("--only", flags.options.only, "Run a part: defense=PATTERN,attack=PATTERN")
      ->allow_extra_args(false);
  command.add_option("--batch-size", flags.batch_size, "Samples attacked together")
      ->transform(whole(1, 1'000'000));
  flags.common.add_to(command);
}

// A line for each reason, with the number of cells that were skipped for it.
std::string skipped_text(const std::vector<results::CellRecord>& cells) {
  std::map<std::string, int64_t> counts;
  for (const results::CellRecord& cell : cells)
    if (cell.status == results::Status::kSkipped) ++counts[cell.reason];
  std::string out;
  for (const auto& [reason, count] : counts)
    out += fmt::format("skipped, {} {}: {}\n", count, count == 1 ? "cell" : "cells",
                       printable(reason));
  return out;
}

int run(const RunFlags& flags) {
  flags.common.apply_threads();
  const library::PluginLibrary plugins = flags.common.plugins();
  const registry::Registry registry = flags.common.open_registry();
  const suite::Suite suite = suite::read_suite(flags.suite, flags.options, plugins, registry);
  execution::RunOptions options;
  options.device = device_of(flags.device);
  options.batch_size = flags.batch_size;
  options.stop = &stop_on_signals();
  options.measure_threads = flags.common.may_choose_threads();
  results::Store store(flags.output.empty() ? std::filesystem::path("runs") / suite.name
                                            : std::filesystem::path(flags.output),
                       results::Store::Access::kWrite, evaluation::engine_digest());
  Progress progress(expected_passes(suite), flags.quiet);
  for (const std::string& note : suite.notes) progress.remark(note);
  const ReportsOnSuddenEnd reports(store.folder());
  const execution::RunSummary summary =
      run_suite(suite, plugins, registry, store, options, progress);
  const results::Store::Run records = analysis::latest_run(store);
  reports::files::write_reports({records, outcomes_in(store), store.artifacts()}, store.folder());
  say("{}{}{}", Lines{reports::summary_table(records)}, Lines{reports::findings_text(records)},
      Lines{reports::alarms_text(records.audits)});
  say("\n{} ok, {} invalid, {} in error, {} skipped; {} already known{}\n{}report: {}\n",
      summary.ok, summary.invalid, summary.error, summary.skipped, summary.cached,
      summary.complete ? "" : "; stopped before the end", Lines{skipped_text(records.cells)},
      (store.folder() / "report.html").string());
  if (summary.shared_forwards > 0)
    say("{} forward passes were shared by rows that differ in their vote alone\n",
        reports::grouped(summary.shared_forwards));
  // Where all is skipped, nothing was measured.
  const bool all_ok = summary.complete && summary.ok > 0 && summary.invalid == 0 &&
                      summary.error == 0 && !fails(summary.audit, suite.audit.fail_on);
  return all_ok ? kOk : kSomeFailed;
}

int check(const RunFlags& flags) {
  flags.common.apply_threads();
  const library::PluginLibrary plugins = flags.common.plugins();
  const registry::Registry registry = flags.common.open_registry();
  const suite::Suite suite = suite::read_suite(flags.suite, flags.options, plugins, registry);
  const data::Dataset data = registry.load(suite.data.entry, suite.data.split);
  evaluation::Laboratory lab(plugins, registry, at::kCPU);
  lab.probe_with(data);
  lab.lend_samples_of(suite.data.entry, suite.data.split);
  const auto seconds = [&](const suite::DefenseSpec& defense) {
    return time_gradients(lab.defended(defense, data), data, lab, flags.batch_size,
                          at::get_num_threads())
        .seconds;
  };
  const auto is_for = [&](const suite::AttackSpec& attack, const suite::DefenseSpec& row,
                          const suite::ThreatSpec& threat) {
    return reason_to_skip(suite, row, attack, threat, data, lab).empty();
  };
  const std::string plan = describe_plan(suite, plugins, seconds, probing_of(suite), is_for);
  suite::Remarks units;
  remark_on_units(suite, units);
  std::vector<std::string> remarks = units.lines();
  remarks.insert(remarks.end(), data.remarks.begin(), data.remarks.end());
  for (std::string& remark : remarks_on(suite, data, lab)) remarks.push_back(std::move(remark));
  say("{}{}", Lines{plan}, Lines{suite::listed("remarks", remarks)});
  return kOk;
}
}  // namespace

void add_run(CLI::App& app, Action& action) {
  auto flags = std::make_shared<RunFlags>();
  CLI::App* command = app.add_subcommand(
      "run", "Run every defense of a suite against every attack and write reports");
  add_suite_flags(*command, *flags);
  command->add_option("--output", flags->output,
                      "Folder of store and reports; default: runs/<suite name>");
  command->add_option("--device", flags->device, "Where to compute")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  command->add_flag("--quiet", flags->quiet, "No progress");
  command->callback([&action, flags] { action = [flags] { return run(*flags); }; });
}

void add_check(CLI::App& app, Action& action) {
  auto flags = std::make_shared<RunFlags>();
  CLI::App* command =
      app.add_subcommand("check", "Check a suite and print its plan: cells, passes, expected time");
  add_suite_flags(*command, *flags);
  command->callback([&action, flags] { action = [flags] { return check(*flags); }; });
}

}  // namespace gauntlet::cli
