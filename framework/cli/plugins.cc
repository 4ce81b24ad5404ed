#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <optional>

#include "base/bad_input.h"
#include "base/nearest_name.h"
#include "cli/commands.h"
#include "cli/values.h"
#include "conformance/check_plugin.h"
#include "library/plugin_search.h"
#include "library/scaffold.h"

namespace gauntlet::cli {
namespace {

struct PluginFlags {
  Common common;
  std::string name, kind, file, into;
  std::vector<std::string> set;
  bool json = false;
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

const char* name_of(ParamType type) {
  switch (type) {
    case ParamType::kBool:
      return "true or false";
    case ParamType::kInt:
      return "whole number";
    case ParamType::kFloat:
      return "number";
    case ParamType::kString:
      return "text";
    case ParamType::kIntList:
      return "whole numbers";
    case ParamType::kFloatList:
      return "numbers";
    case ParamType::kStringList:
      return "texts";
    case ParamType::kFile:
      return "file";
    case ParamType::kModel:
      return "model";
    case ParamType::kModelList:
      return "models";
    case ParamType::kUse:
      return "plugin";
    case ParamType::kUseList:
      return "plugins";
  }
  return "";
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
    say("  {}: {} = {}{}\n      {}\n", spec.name, name_of(spec.type), to_text(spec.fallback), rule,
        spec.help);
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
void show_stamp(const library::Stamp& theirs) {
  const library::Stamp ours = library::host_stamp();
  say("{:<12} {:<40} {}\n", "", "plugin", "this host");
  const auto row = [](const char* what, const std::string& a, const std::string& b) {
    say("{:<12} {:<40} {}{}\n", what, a, b, a == b || b.empty() ? "" : "   <- differs");
  };
  row("kind", theirs.kind, ""), row("name", theirs.name, ""), row("version", theirs.version, "");
  row("ABI", theirs.abi, ours.abi), row("LibTorch", theirs.torch, ours.torch);
  row("C++ library", theirs.stdlib, ours.stdlib);
  say("{:<12} {:<40} {}\n", "compiler", theirs.compiler, ours.compiler);
}

// What a plugin prints meanwhile goes to standard error.
class OutputAside {
 public:
  OutputAside() : kept_(::dup(STDOUT_FILENO)) {
    std::fflush(stdout);
    if (kept_ >= 0) ::dup2(STDERR_FILENO, STDOUT_FILENO);
  }
  ~OutputAside() {
    std::fflush(stdout);
    if (kept_ >= 0) ::dup2(kept_, STDOUT_FILENO), ::close(kept_);
  }
  OutputAside(const OutputAside&) = delete;
  OutputAside& operator=(const OutputAside&) = delete;

 private:
  const int kept_;
};

// A line a promise: its name before it is asked, so that it is known which one the plugin did not
// survive.
conformance::Listener lines_of_answers() {
  conformance::Listener out;
  out.asking = [](const std::string& promise) {
    say("  {:<64}", promise);
    std::fflush(stdout);
  };
  out.answered = [](const conformance::Answer& answer) {
    say("{}{}{}\n", name_of(answer.state), answer.why.empty() ? "" : ": ", answer.why);
    std::fflush(stdout);
  };
  return out;
}

int check(const PluginFlags& flags) {
  const library::PluginFile file = library::inspect_plugin(flags.file);
  if (!file.stamp || !file.refusal.empty()) {
    if (file.stamp && !flags.json) show_stamp(*file.stamp);
    throw BadInput(file.refusal);
  }
  const ParamMap params = values_of("--set", flags.set);
  std::vector<std::filesystem::path> search = library::plugin_search_path(flags.common.plugin_path);
  search.insert(search.begin(), flags.file);  // before others of its name
  const library::PluginLibrary plugins(search);
  const std::string &kind = file.stamp->kind, &name = file.stamp->name;
  resolve(plugins.schema(kind, name), params);
  if (flags.json) {
    std::optional<conformance::PluginCheck> done;
    {
      const OutputAside aside;
      done = conformance::check_plugin(plugins, kind, name, params);
    }
    say("{}\n", Lines{to_json(*done)});
    return done->count(conformance::Answer::State::kBroken) ? kSomeFailed : kOk;
  }
  show_stamp(*file.stamp);
  say("\nEvery {} promises that it\n", kind);
  const conformance::PluginCheck done =
      conformance::check_plugin(plugins, kind, name, params, lines_of_answers());
  using State = conformance::Answer::State;
  say("\n{}: {} kept, {} broken, {} not asked\nasked with {}\n", flags.file,
      done.count(State::kKept), done.count(State::kBroken), done.count(State::kNotAsked),
      done.params.empty() ? "its defaults" : to_text(ParamValue(done.params)));
  return done.count(State::kBroken) ? kSomeFailed : kOk;
}

int create(const PluginFlags& flags) {
  const std::filesystem::path folder =
      flags.into.empty() ? std::filesystem::path(flags.name) : std::filesystem::path(flags.into);
  const library::ScaffoldPlace place = library::write_scaffold(flags.kind, flags.name, folder);
  say("{}\n", folder.string());
  if (place == library::ScaffoldPlace::kTree)
    say(stderr, "next: ./gauntlet build, then ./gauntlet test -R Conformance\n");
  else
    say(stderr, "next: {} says how it is built and tested\n", (folder / "README.md").string());
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
  CLI::App* checking =
      sub("check",
          "Hold a plugin's file against this host and all that plugins of its kind promise", check);
  checking->add_option("file", flags->file, "The plugin's .so")->required();
  checking
      ->add_option(
          "--set", flags->set,
          "A parameter to ask it with, KEY=VALUE; costly ones (steps, rounds, …) are small unless "
          "given")
      ->allow_extra_args(false);
  checking->add_flag("--json", flags->json, "Print the answers as JSON");
  CLI::App* fresh =
      sub("new", "Write the folder of a new plugin that builds and passes its test", create);
  fresh->add_option("kind", flags->kind)->required()->check(CLI::IsMember({"attack", "defense"}));
  fresh->add_option("name", flags->name)->required();
  fresh->add_option("--into", flags->into, "Folder to write; default: the name");
}

}  // namespace gauntlet::cli
