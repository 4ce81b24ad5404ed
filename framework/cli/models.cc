#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/bad_input.h"
#include "cli/commands.h"
#include "evaluation/cell.h"
#include "library/plugin_architecture.h"
#include "models/architectures/build_network.h"
#include "registry/learned_tensors.h"

namespace gauntlet::cli {
namespace {

struct ModelFlags {
  Common common;
  std::string id;
};

std::string percent(const registry::DeclaredAccuracy& a) {
  return fmt::format("{:.2f} % of {} {} images of {}",
                     100.0 * double(a.correct) / double(a.samples), a.samples, a.split, a.dataset);
}

int list(const ModelFlags& flags) {
  const registry::Registry registry = flags.common.open_registry();
  for (const std::string& id : registry.model_ids()) {
    const registry::ModelEntry entry = registry.model(id);
    say("{:<28} {:<12} {}\n", id, entry.network.architecture, entry.summary);
  }
  return kOk;
}

int show(const ModelFlags& flags) {
  const registry::Registry registry = flags.common.open_registry();
  const registry::ModelEntry entry = registry.model(flags.id);
  const library::PluginLibrary plugins = flags.common.plugins();
  const auto network =
      build_network(with_architecture(entry.network, library::LibraryCatalogue(plugins)));
  const std::string cost =  // unknown of a TorchScript program
      network->layers().empty() ? ""
                                : fmt::format(", {:.1f} million multiply-adds an image",
                                              double(multiply_adds(*network)) / 1e6);
  say("{}: {}\narchitecture: {}, input {}, {} classes{}\ntrained for: {}\nweights: {}\n", entry.id,
      entry.summary, entry.network.architecture, fmt::join(entry.network.input, " x "),
      entry.network.classes, cost, entry.dataset, entry.weights.string());
  for (const Use& use : entry.layer_plugins) say("in its layers: {}\n", use.plugin);
  for (const Use& use : entry.learned.plugins) say("trained with it: {}\n", use.plugin);
  for (const registry::DeclaredAccuracy& a : entry.accuracy) say("right on {}\n", percent(a));
  if (!entry.training.empty()) say("training: {}\n", to_text(entry.training));
  if (!entry.licence.empty()) say("licence: {}\n", entry.licence);
  if (!entry.citation.empty()) say("{}\n", Lines{entry.citation});
  return kOk;
}

// Loads the weights and measures what the entry declares.
int check(const ModelFlags& flags) {
  flags.common.apply_threads();
  const library::PluginLibrary plugins = flags.common.plugins();
  const registry::Registry registry = flags.common.open_registry();
  evaluation::Laboratory lab(plugins, registry, at::kCPU);
  suite::DefenseSpec spec{flags.id, registry.model(flags.id), {}};
  registry::verify_learned(spec.model);
  const std::vector<registry::DeclaredAccuracy> all = spec.model.accuracy;
  if (all.empty()) throw BadInput("model '" + flags.id + "': its entry declares no accuracy");
  int exit_code = kOk;
  for (const registry::DeclaredAccuracy& declared : all) {
    const data::Dataset data = registry.load(declared.dataset, declared.split);
    std::vector<int64_t> indices(static_cast<size_t>(declared.samples));
    for (size_t i = 0; i < indices.size(); ++i) indices[i] = int64_t(i);
    spec.model.accuracy = {declared};
    const std::string problem = accuracy_problem(spec, lab.defended(spec, data), data, indices);
    if (problem.empty())
      say("{}: right on {}, as declared\n", flags.id, percent(declared));
    else
      say(stderr, "{}: {}\n", flags.id, problem), exit_code = kBadInput;
  }
  return exit_code;
}
}  // namespace

void add_models(CLI::App& app, Action& action) {
  auto flags = std::make_shared<ModelFlags>();
  CLI::App* command = app.add_subcommand("models", "List, show, check, import and export models");
  command->require_subcommand(1);
  const auto sub = [&](const char* name, const char* help, int (*what)(const ModelFlags&)) {
    return add_subcommand(*command, name, help, flags, action, what);
  };
  sub("list", "All models", list);
  command->add_subcommand("architectures", "All architectures, with their options")
      ->callback([&action] { action = list_architectures; });
  sub("show", "One model: architecture, accuracy, training, citation", show)
      ->add_option("id", flags->id)
      ->required();
  sub("check", "Load a model and measure the accuracy its entry declares", check)
      ->add_option("id", flags->id)
      ->required();
  add_model_files(*command, action);
}

}  // namespace gauntlet::cli
