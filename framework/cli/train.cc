#include "training/train.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>

#include "base/duration.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "registry/registry_entry.h"
#include "training/replicates.h"

namespace gauntlet::cli {
namespace {

struct TrainFlags {
  Common common;
  std::string recipe, output;
  bool resume = false, overwrite = false;
};

std::string percent(const std::optional<double>& share) {
  return share ? fmt::format("{:.2f} %", 100 * *share) : "—";
}

training::TrainCallbacks talk() {
  const bool terminal = isatty(STDERR_FILENO);
  const std::atomic<bool>& stop = stop_on_signals();
  training::TrainCallbacks callbacks;
  callbacks.stop = [&stop] { return stop.load(); };
  callbacks.epoch = [terminal](const training::EpochLog& e) {
    if (terminal) clear_line();
    say(stderr, "epoch {}: loss {:.4f}, trained on {}, validation {}, under attack {}, {}\n",
        e.epoch, e.loss, percent(e.accuracy), percent(e.validation_clean),
        percent(e.validation_robust), duration(e.seconds));
  };
  // A terminal's line is kept up to date; a log gets a line a minute.
  callbacks.progress = [terminal, told = 0.0](const training::TrainingProgress& p) mutable {
    if (p.seconds < told + (terminal ? 0.2 : 60)) return;
    told = p.seconds;
    if (terminal) clear_line();
    say(stderr, "epoch {} of {}, batch {} of {}: loss {:.4f}, {:.1f} %, {} left", p.epoch + 1,
        p.epochs, p.batch, p.batches, p.loss, 100 * p.accuracy, duration(p.seconds_left));
    if (!terminal) say(stderr, "\n");
    std::fflush(stderr);
  };
  return callbacks;
}

void tell(const registry::ModelEntry& entry, const training::TrainingResult& result) {
  for (const registry::DeclaredAccuracy& a : entry.accuracy)
    say("right on {} of {} {} images of {}\n", a.correct, a.samples, a.split, a.dataset);
  say("{}{}\n{}\n", entry.entry_file.string(), result.found ? " (was there)" : "",
      entry.weights.string());
}

void tell_spread(const std::vector<registry::ModelEntry>& trained) {
  const std::vector<training::Spread> all = training::spread_of(trained);
  write_spread(trained, all);
  for (const training::Spread& s : all)
    say("{}: {:.2f} ± {:.2f} % over {} seeds\n", s.what, 100 * s.mean, 100 * s.deviation,
        s.values.size());
}

int run(const TrainFlags& flags) {
  flags.common.apply_threads();
  const library::PluginLibrary plugins = flags.common.plugins();
  const registry::Registry registry = flags.common.open_registry();
  const training::Recipe recipe = training::read_recipe(flags.recipe, plugins, registry);
  training::TrainOptions options;
  options.output = flags.output;
  options.resume = flags.resume;
  options.overwrite = flags.overwrite;
  const std::vector<training::Recipe> all = replicates(recipe);
  for (const training::Recipe& one : all)
    check_output(one, options);  // before the first one trains
  std::vector<registry::ModelEntry> trained;
  for (const training::Recipe& one : all) {
    if (!recipe.seeds.empty()) say(stderr, "seed {}:\n", one.seed);
    const training::TrainingResult result = train(one, plugins, registry, options, talk());
    if (!result.finished) {
      if (result.log.empty())
        say(stderr, "stopped before the end of the first epoch: nothing is kept\n");
      else
        say(stderr, "stopped after {} epochs; go on with --resume\n", result.log.size());
      return kSomeFailed;
    }
    trained.push_back(registry::read_model_entry(result.entry, one.id));
    tell(trained.back(), result);
    if (one.averaging.type != training::AveragingSpec::Type::kNone && !result.averaged &&
        !result.found)
      say("nothing was averaged: training ended before from_epoch\n");
  }
  if (!recipe.seeds.empty()) tell_spread(trained);
  return kOk;
}
}  // namespace

void add_train(CLI::App& app, Action& action) {
  auto flags = std::make_shared<TrainFlags>();
  CLI::App* command =
      app.add_subcommand("train", "Train a network by a recipe and write it as a registry entry");
  command->add_option("recipe", flags->recipe, "The recipe's TOML file")->required();
  command->add_option("--output", flags->output,
                      "Folder of entry and weights; default: the registry");
  command->add_flag("--resume", flags->resume,
                    "Go on from the last checkpoint; leave models that are finished");
  command->add_flag("--overwrite", flags->overwrite, "Replace a model that is there")
      ->excludes("--resume");
  flags->common.add_to(*command);
  command->callback([&action, flags] { action = [flags] { return run(*flags); }; });
}

}  // namespace gauntlet::cli
