// gauntlet: the command line. Results go to stdout, talk to stderr.
#include <cstdio>

#include "base/bad_input.h"
#include "base/failure.h"
#include "base/file_errors.h"
#include "base/keep_memory.h"
#include "base/waiting.h"
#include "cli/commands.h"
#include "cli/sudden_end.h"
#include "cli/words.h"
#include "gauntlet/params.h"

namespace {
using namespace gauntlet;

// Options that take one value each time they are given are not shown with "...".
class HelpText final : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string text = Formatter::make_option_opts(option);
    const std::string more = " ...";
    if (option->nonpositional() && !option->get_allow_extra_args() && text.ends_with(more))
      text.resize(text.size() - more.size());
    return text;
  }
};

int run_command(CLI::App& app, int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  cli::Action action;
  for (const auto add :
       {cli::add_run, cli::add_check, cli::add_audit, cli::add_train, cli::add_trace,
        cli::add_report, cli::add_compare, cli::add_export, cli::add_bundle, cli::add_verify,
        cli::add_board, cli::add_plugins, cli::add_data, cli::add_models, cli::add_version})
    add(app, action);
  cli::check_words(app, words);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {  // --help, --version
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    const std::string command = cli::command_named(app, words);
    throw BadInput(command + ": " + e.what() + "; see '" + command + " --help'");
  }
  return action();
}

int answer(int argc, char** argv) {
  CLI::App app{"Gauntlet measures which defenses of image classifiers withstand attack."};
  app.name("gauntlet");
  app.formatter(std::make_shared<HelpText>());
  app.require_subcommand(1);
  using cli::Lines;
  try {
    return run_command(app, argc, argv);
  } catch (const BadInput& e) {
    cli::say(stderr, "{}\n", Lines{e.what()});
    return cli::kBadInput;
  } catch (const ParamError& e) {
    cli::say(stderr, "{}\n", Lines{e.what()});
    return cli::kBadInput;
  } catch (const std::filesystem::filesystem_error& e) {
    cli::say(stderr, "{}\n", Lines{sentence_of(e)});
    return cli::kBadInput;
  } catch (...) {
    cli::say(stderr, "gauntlet: {}\n", Lines{current_failure()});
    return cli::kSomeFailed;
  }
}
}  // namespace

int main(int argc, char** argv) {
  wait_briefly(argc, argv);
  keep_freed_memory();
  cli::watch_for_sudden_end();
  cli::leave(answer(argc, argv));
}
