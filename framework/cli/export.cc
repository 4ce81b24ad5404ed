#include "reports/files/export.h"

#include <fmt/format.h>

#include "cli/commands.h"
#include "suite/only.h"

namespace gauntlet::cli {
namespace {

struct ExportFlags {
  std::string folder, output, x_adv = "float32";
  std::vector<std::string> only;
  bool quantise = false;
};

// What --only keeps of a run's cells, by the names that are in it.
std::function<bool(const results::CellRecord&)> filter_of(const std::vector<std::string>& only,
                                                          const results::Store::Run& run) {
  toml::Problems problems;
  const suite::OnlyFilter filter(only, problems);
  const auto check = [&](const std::string& kind, const auto& name_of) {
    std::vector<std::string> names;
    for (const results::CellRecord& cell : run.cells) names.push_back(name_of(cell));
    filter.check(kind, names, problems);
  };
  check("defense", std::mem_fn(&results::CellRecord::defense));
  check("attack", std::mem_fn(&results::CellRecord::attack));
  check("threat", [](const results::CellRecord& cell) { return cell.threat.name; });
  problems.throw_if_any();
  return [filter](const results::CellRecord& cell) {
    return filter.keeps("defense", cell.defense) && filter.keeps("attack", cell.attack) &&
           filter.keeps("threat", cell.threat.name);
  };
}

int run(const ExportFlags& flags) {
  const results::Store store = open_results(flags.folder);
  const results::Store::Run run = run_of(store);
  reports::files::ExportOptions options;
  options.inputs = value_for(reports::files::kExportedInputs, flags.x_adv).value();
  options.quantise = flags.quantise;
  options.keeps = filter_of(flags.only, run);
  const std::filesystem::path target = flags.output.empty()
                                           ? std::filesystem::path(flags.folder) / "export"
                                           : std::filesystem::path(flags.output);
  const reports::files::ExportSummary summary =
      export_run({run, outcomes_in(store), store.artifacts()}, target, options);
  say("{} cells, {} with a result: {}\n", summary.cells, summary.files,
      (target / "index.json").string());
  return kOk;
}
}  // namespace

void add_export(CLI::App& app, Action& action) {
  auto flags = std::make_shared<ExportFlags>();
  CLI::App* command = app.add_subcommand(
      "export", "Write outcomes and adversarial inputs of every image as NPZ and CSV");
  command->add_option("folder", flags->folder, "What 'gauntlet run' wrote to")->required();
  command->add_option("--output", flags->output, "New folder; default: export/ beside the records");
  command
      ->add_option("--only", flags->only,
                   "Export a part: defense=PATTERN,attack=PATTERN,threat=PATTERN")
      ->allow_extra_args(false);
  auto* x_adv = command
                    ->add_option("--x-adv", flags->x_adv,
                                 "Adversarial inputs: float32 as judged, uint8 where they are "
                                 "multiples of 1/255, or none")
                    ->check(CLI::IsMember(words_of(reports::files::kExportedInputs)));
  command
      ->add_flag("--quantise", flags->quantise,
                 "uint8: round inputs between the multiples towards their clean image")
      ->needs(x_adv);
  command->callback([&action, flags] {
    if (flags->quantise && flags->x_adv != "uint8")
      throw CLI::ValidationError("--quantise: goes with --x-adv uint8");
    action = [flags] { return run(*flags); };
  });
}

}  // namespace gauntlet::cli
