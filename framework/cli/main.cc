// gauntlet: the command line. Results go to stdout, talk to stderr.
#include <cstdio>

#include "base/bad_input.h"
#include "base/file_errors.h"
#include "base/keep_memory.h"
#include "base/waiting.h"
#include "cli/commands.h"
#include "gauntlet/params.h"

int main(int argc, char** argv) {
  using namespace gauntlet;
  wait_briefly(argc, argv);
  keep_freed_memory();
  CLI::App app{"Gauntlet measures which defenses of image classifiers withstand attack."};
  app.name("gauntlet");
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::help);
  cli::Action action;
  for (const auto add :
       {cli::add_run, cli::add_check, cli::add_train, cli::add_trace, cli::add_report,
        cli::add_compare, cli::add_export, cli::add_bundle, cli::add_verify, cli::add_board,
        cli::add_plugins, cli::add_data, cli::add_models, cli::add_version})
    add(app, action);
  try {
    app.parse(argc, argv);
    return action();
  } catch (const CLI::Success& e) {  // --help
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    std::fprintf(stderr, "gauntlet: %s; see 'gauntlet --help'\n", e.what());
    return cli::kBadInput;
  } catch (const BadInput& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return cli::kBadInput;
  } catch (const ParamError& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return cli::kBadInput;
  } catch (const std::filesystem::filesystem_error& e) {
    std::fprintf(stderr, "%s\n", sentence_of(e).c_str());
    return cli::kBadInput;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "gauntlet: %s\n", e.what());
    return cli::kSomeFailed;
  }
}
