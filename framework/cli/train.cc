#include "training/train.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/interrupt.h"

namespace gauntlet::cli {
namespace {

struct Flags {
  Common common;
  std::string recipe, output;
  bool resume = false;
};

std::string percent(const std::optional<double>& share) {
  return share ? fmt::format("{:.2f} %", 100 * *share) : "—";
}

TrainCallbacks talk(bool terminal) {
  const std::atomic<bool>& stop = stop_on_signals();
  TrainCallbacks callbacks;
  callbacks.stop = [&stop] { return stop.load(); };
  callbacks.epoch = [terminal](const EpochLog& e) {
    fmt::print(stderr,
               "{}epoch {}: loss {:.4f}, trained on {}, validation {}, under attack {}, {:.0f} s\n",
               terminal ? "\r\033[K" : "", e.epoch, e.loss, percent(e.accuracy),
               percent(e.validation_clean), percent(e.validation_robust), e.seconds);
  };
  if (!terminal) return callbacks;
  callbacks.progress = [](const TrainingProgress& p) {
    if (p.batch % 10 != 0) return;
    fmt::print(stderr,
               "\r\033[Kepoch {} of {}, batch {} of {}: loss {:.4f}, {:.1f} %, {:.0f} s left",
               p.epoch + 1, p.epochs, p.batch, p.batches, p.loss, 100 * p.accuracy, p.seconds_left);
    std::fflush(stderr);
  };
  return callbacks;
}

int run(const Flags& flags) {
  flags.common.apply_threads();
  const PluginLibrary plugins = flags.common.plugins();
  const Registry registry = flags.common.open_registry();
  const Recipe recipe = read_recipe(flags.recipe, plugins, registry);
  TrainOptions options;
  options.output = flags.output;
  options.resume = flags.resume;
  const TrainingResult result =
      train(recipe, plugins, registry, options, talk(isatty(STDERR_FILENO)));
  if (!result.finished) {
    fmt::print(stderr, "stopped after {} epochs; go on with --resume\n", result.log.size());
    return kSomeFailed;
  }
  for (const DeclaredAccuracy& a : result.accuracy)
    fmt::print("right on {} of {} {} images of {}\n", a.correct, a.samples, a.split, a.dataset);
  fmt::print("{}\n{}\n", result.entry.string(), result.weights.string());
  return kOk;
}
}  // namespace

void add_train(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command =
      app.add_subcommand("train", "Train a network by a recipe and write it as a registry entry");
  command->add_option("recipe", flags->recipe, "The recipe's TOML file")->required();
  command->add_option("--output", flags->output,
                      "Folder of entry and weights; default: the registry");
  command->add_flag("--resume", flags->resume, "Go on from the last checkpoint");
  flags->common.add_to(*command);
  command->callback([&action, flags] { action = [flags] { return run(*flags); }; });
}

}  // namespace gauntlet::cli
