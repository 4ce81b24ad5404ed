#include <fmt/format.h>

#include "base/bad_input.h"
#include "base/nearest_name.h"
#include "cli/commands.h"
#include "library/plugin_search.h"
#include "library/scaffold.h"

namespace gauntlet::cli {
namespace {

struct PluginFlags {
  Common common;
  std::string name, kind, file, into;
};

// Reads stamps; loads nothing.
int list(const PluginFlags& flags) {
  const library::PluginLibrary plugins = flags.common.plugins();
  for (const char* kind : {"attack", "defense"})
    for (const std::string& name : plugins.names(kind)) {
      const library::Stamp& stamp = *plugins.file(kind, name).stamp;
      say("{:<8} {:<24} {:<8} {}\n", kind, name, stamp.version, stamp.summary);
    }
  for (const library::PluginFile& file : plugins.files())
    if (!file.refusal.empty()) say(stderr, "refused: {}\n", file.refusal);
  return kOk;
}

void show_one(const library::PluginLibrary& plugins, const std::string& kind,
              const std::string& name) {
  const library::PluginFile& file = plugins.file(kind, name);
  say("{} {} {}: {}\n{}\n\n", kind, name, file.stamp->version, file.stamp->summary,
      file.path.string());
  for (const ParamSpec& spec : plugins.schema(kind, name)) {
    std::string rule;
    if (spec.range) rule = fmt::format(" in [{}, {}]", spec.range->min, spec.range->max);
    for (const std::string& one : spec.one_of) rule += (rule.empty() ? " one of " : ", ") + one;
    say("  {} = {}{}\n      {}\n", spec.name, to_text(spec.fallback), rule, spec.help);
  }
}

int show(const PluginFlags& flags) {
  const library::PluginLibrary plugins = flags.common.plugins();
  bool found = false;
  std::vector<std::string> names;
  for (const char* kind : {"attack", "defense"}) {
    for (const std::string& name : plugins.names(kind)) names.push_back(name);
    if (!plugins.has(kind, flags.name)) continue;
    show_one(plugins, kind, flags.name);
    found = true;
  }
  if (!found)
    throw BadInput("there is no plugin '" + flags.name + "'" + suggestion(flags.name, names));
  return kOk;
}

// Stamps side by side.
int check(const PluginFlags& flags) {
  const library::PluginFile file = library::inspect_plugin(flags.file);
  if (file.stamp) {
    const library::Stamp &theirs = *file.stamp, ours = library::host_stamp();
    say("{:<12} {:<40} {}\n", "", "plugin", "this host");
    const auto row = [](const char* what, const std::string& a, const std::string& b) {
      say("{:<12} {:<40} {}{}\n", what, a, b, a == b || b.empty() ? "" : "   <- differs");
    };
    row("kind", theirs.kind, ""), row("name", theirs.name, ""), row("version", theirs.version, "");
    row("ABI", theirs.abi, ours.abi), row("LibTorch", theirs.torch, ours.torch);
    row("C++ library", theirs.stdlib, ours.stdlib);
    say("{:<12} {:<40} {}\n", "compiler", theirs.compiler, ours.compiler);
  }
  if (!file.refusal.empty()) throw BadInput(file.refusal);
  say("{} can be loaded\n", flags.file);
  return kOk;
}

int create(const PluginFlags& flags) {
  const std::filesystem::path folder =
      flags.into.empty() ? std::filesystem::path(flags.name) : std::filesystem::path(flags.into);
  library::write_scaffold(flags.kind, flags.name, folder);
  say("{}\n", folder.string());
  return kOk;
}
}  // namespace

void add_plugins(CLI::App& app, Action& action) {
  auto flags = std::make_shared<PluginFlags>();
  CLI::App* command = app.add_subcommand("plugins", "List, show, check and begin plugins");
  command->require_subcommand(1);
  const auto sub = [&](const char* name, const char* help, int (*what)(const PluginFlags&)) {
    return add_subcommand(*command, name, help, flags, action, what);
  };
  sub("list", "All plugins found, and why some are refused; loads none", list);
  sub("show", "A plugin's parameters", show)->add_option("name", flags->name)->required();
  sub("check", "Compare a file's stamp with this host's", check)
      ->add_option("file", flags->file)
      ->required();
  CLI::App* fresh =
      sub("new", "Write the folder of a new plugin that builds and passes its test", create);
  fresh->add_option("kind", flags->kind)->required()->check(CLI::IsMember({"attack", "defense"}));
  fresh->add_option("name", flags->name)->required();
  fresh->add_option("--into", flags->into, "Folder to write; default: the name");
}

}  // namespace gauntlet::cli
