// The commands of the program. Each adds itself to the command line and sets what is to be run.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/terminal.h"
#include "library/plugin_library.h"
#include "registry/registry.h"
#include "results/store.h"

namespace gauntlet::cli {

/// Exit codes: all cells ok; some not, or none has a result; bad input.
constexpr int kOk = 0, kSomeFailed = 1, kBadInput = 2;

/// Flags of every command that touches plugins, data or models.
struct Common {
  std::vector<std::string> plugin_path;
  std::string data, registry;
  int threads = 0;

  void add_to(CLI::App& command);
  library::PluginLibrary plugins() const;
  /// `makes_data`: the folder of --data need not be there yet.
  registry::Registry open_registry(bool makes_data = false) const;
  /// As many as were asked for, else as many as there are processors for this process.
  void apply_threads() const;
  /// Nobody has asked for a number: a run may take fewer where more do not help.
  bool may_choose_threads() const;
};

using Action = std::function<int()>;

/// A command of a group, with the flags that all of the group share.
template <class Flags>
CLI::App* add_subcommand(CLI::App& group, const char* name, const char* help,
                         const std::shared_ptr<Flags>& flags, Action& action,
                         int (*what)(const Flags&)) {
  CLI::App* command = group.add_subcommand(name, help);
  // The two words that people try for it.
  if (name == std::string_view("show")) command->alias("info");
  if (name == std::string_view("info")) command->alias("show");
  flags->common.add_to(*command);
  command->callback([&action, flags, what] { action = [flags, what] { return what(*flags); }; });
  return command;
}

void add_run(CLI::App& app, Action& action);
void add_check(CLI::App& app, Action& action);
/// `audit`.
void add_audit(CLI::App& app, Action& action);
void add_train(CLI::App& app, Action& action);
void add_trace(CLI::App& app, Action& action);
void add_report(CLI::App& app, Action& action);
void add_compare(CLI::App& app, Action& action);
void add_bundle(CLI::App& app, Action& action);
void add_verify(CLI::App& app, Action& action);
void add_board(CLI::App& app, Action& action);
/// `board build`.
void add_board_build(CLI::App& board, Action& action);
void add_export(CLI::App& app, Action& action);
void add_plugins(CLI::App& app, Action& action);
void add_data(CLI::App& app, Action& action);
void add_models(CLI::App& app, Action& action);
/// `models import` and `models export`.
void add_model_files(CLI::App& models, Action& action);
/// `models architectures`.
int list_architectures();
void add_version(CLI::App& app, Action& action);

/// The store that a run left in a folder, to be read: it may lie on a disk that cannot be written.
/// Throws BadInput where there is none.
results::Store open_results(const std::string& folder);
/// The run of this build in it. Says on standard error where other builds have newer ones there.
results::Store::Run run_of(const results::Store& store);
/// "cpu", "cuda" or "auto" (cuda where there is one). Throws BadInput.
at::Device device_of(const std::string& name);

}  // namespace gauntlet::cli
