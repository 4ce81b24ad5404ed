#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "audit/probes.h"
#include "base/bad_input.h"
#include "base/duration.h"
#include "cli/audit_plan.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/words.h"
#include "evaluation/identity.h"
#include "evaluation/timing.h"
#include "execution/audit_suite.h"
#include "execution/prepare_rows.h"
#include "reports/audits.h"
#include "suite/names.h"
#include "suite/read_suite.h"

namespace gauntlet::cli {

suite::ProbingOf probing_of(const suite::Suite& suite) {
  return [&suite](const suite::DefenseSpec& defense, int64_t samples) -> suite::Probing {
    const audit::ProbeCost cost = audit::probing_cost(defense, suite.attacks, samples);
    return {cost.forwards, cost.gradients};
  };
}

bool fails(results::Level found, suite::FailOn on) {
  switch (on) {
    case suite::FailOn::kNothing:
      return false;
    case suite::FailOn::kWarn:
      return found >= results::Level::kWarn;
    case suite::FailOn::kFail:
      return found >= results::Level::kFail;
  }
  return false;
}

namespace {

struct AuditFlags {
  Common common;
  std::string suite, output, device = "auto", fail_on;  // "": as the suite says
  suite::SuiteOptions options;
  int64_t samples = 0, batch_size = 250;  // 0 samples: as the suite says
  bool json = false, quiet = false;
};

// Where neither the command line nor the suite says it; fewer if the suite has fewer.
constexpr int64_t kSamples = 200;

int64_t samples_of(const AuditFlags& flags, const suite::Suite& suite) {
  const auto all = int64_t(suite.data.indices.size());
  if (flags.samples > all)
    throw BadInput(
        fmt::format("--samples: {} is more than the suite's {} samples", flags.samples, all));
  if (flags.samples > 0) return flags.samples;
  return suite.audit.samples > 0 ? suite.audit.samples : std::min(kSamples, all);
}

suite::FailOn fail_on_of(const AuditFlags& flags, const suite::Suite& suite) {
  if (!flags.fail_on.empty()) return *value_for(suite::kFailOns, flags.fail_on);
  return suite.audit.fail_on == suite::FailOn::kNothing ? suite::FailOn::kFail
                                                        : suite.audit.fail_on;
}

// To standard error: results alone are on standard output.
void tell_cost(const AuditFlags& flags, const suite::Suite& suite, int64_t samples,
               const library::PluginLibrary& plugins, const registry::Registry& registry) {
  const data::Dataset data = registry.load(suite.data.entry, suite.data.split);
  evaluation::Laboratory lab(plugins, registry, at::kCPU);
  execution::prepare_rows(suite, data, lab);  // a row that the board does not take costs nothing
  double time = 0;
  const std::string text = describe_probing(
      suite, samples, probing_of(suite),
      [&](const suite::DefenseSpec& defense) {
        return time_gradients(lab.defended(defense, data), data, lab, flags.batch_size,
                              at::get_num_threads())
            .seconds;
      },
      time);
  say(stderr, "{}time     about {} here; less where results are known\n", Lines{text},
      duration(time));
}

void tell(const execution::SuiteAudit& found, const AuditFlags& flags,
          const std::filesystem::path& folder) {
  const auto rows = int64_t(found.rows.size());
  if (found.recorded < rows)
    say(stderr,
        "note: of {} of {} rows {} has no records of this build: checks that need them are left "
        "out\n",
        rows - found.recorded, rows, folder.string());
  if (flags.json)
    say("{}\n", Lines{reports::audits_json(found.rows).dump(2)});
  else
    say("{}", Lines{reports::audits_text(found.rows)});
  if (!found.complete) say(stderr, "stopped before the end; the next call goes on from there\n");
}

// Probes climb in balls; under other threats none is due.
bool probes_are_due(const results::RowAudit& row) {
  const std::optional<Norm> norm = value_for(suite::kNorms, row.threat.norm);
  return !norm || is_ball(*norm);
}

// Not where a probe could not be made.
bool all_well(const execution::SuiteAudit& found, suite::FailOn fail_on) {
  return found.complete &&
         std::all_of(found.rows.begin(), found.rows.end(), [&](const results::RowAudit& row) {
           return (row.samples > 0 || !probes_are_due(row)) && !fails(worst(row.checks), fail_on);
         });
}

int audit(const AuditFlags& flags) {
  flags.common.apply_threads();
  const library::PluginLibrary plugins = flags.common.plugins();
  const registry::Registry registry = flags.common.open_registry();
  const suite::Suite suite = suite::read_suite(flags.suite, flags.options, plugins, registry);
  const int64_t samples = samples_of(flags, suite);
  execution::RunOptions options;
  options.device = device_of(flags.device);
  options.batch_size = flags.batch_size;
  options.stop = &stop_on_signals();
  results::Store store(flags.output.empty() ? std::filesystem::path("runs") / suite.name
                                            : std::filesystem::path(flags.output),
                       results::Store::Access::kWrite, evaluation::engine_digest());
  if (!flags.quiet) tell_cost(flags, suite, samples, plugins, registry);
  Progress progress({}, flags.quiet);
  const execution::SuiteAudit found =
      audit_suite(suite, samples, plugins, registry, store, options, progress);
  tell(found, flags, store.folder());
  return all_well(found, fail_on_of(flags, suite)) ? kOk : kSomeFailed;
}
}  // namespace

void add_audit(CLI::App& app, Action& action) {
  auto flags = std::make_shared<AuditFlags>();
  CLI::App* command = app.add_subcommand(
      "audit", "Ask every defense of a suite whether its numbers can be believed");
  command->add_option("suite", flags->suite, "The suite's TOML file")->required();
  command
      ->add_option("--samples", flags->samples,
                   "Images that each row is probed on; default: the suite's audit.samples, or 200")
      ->transform(whole(1, 1'000'000));
  command
      ->add_option("--fail-on", flags->fail_on,
                   "What makes the exit code 1: fail, or warn too; default: the suite's "
                   "audit.fail_on, or fail")
      ->check(CLI::IsMember(words_of(suite::kFailOns)));
  command->add_flag("--json", flags->json, "Print JSON");
  command
      ->add_option("--set", flags->options.set,
                   "Change a value: path=value, such as attack.pgd.steps=50")
      ->allow_extra_args(false);
  command->add_option("--only", flags->options.only, "Audit a part: defense=PATTERN,threat=PATTERN")
      ->allow_extra_args(false);
  command->add_option("--output", flags->output,
                      "Folder of the suite's store; default: runs/<suite name>");
  command->add_option("--batch-size", flags->batch_size, "Samples attacked together")
      ->transform(whole(1, 1'000'000));
  command->add_option("--device", flags->device, "Where to compute")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  command->add_flag("--quiet", flags->quiet, "No progress");
  flags->common.add_to(*command);
  command->callback([&action, flags] { action = [flags] { return audit(*flags); }; });
}

}  // namespace gauntlet::cli
