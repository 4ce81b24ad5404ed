#include "suite/board.h"

#include <fmt/format.h>

#include "base/bad_input.h"
#include "base/write_atomically.h"
#include "bundle/verify.h"
#include "cli/board_entries.h"
#include "cli/commands.h"
#include "suite/names.h"
#include "suite/read_suite.h"

namespace gauntlet::cli {
namespace {

struct BoardFlags {
  Common common;
  std::string id, bundle, results, device = "cpu";
  bool overwrite = false;
};

std::filesystem::path results_of(const BoardFlags& flags) {
  return results_folder(flags.results, flags.common.registry);
}

int list(const BoardFlags&) {
  const std::vector<suite::Board> boards = suite::known_boards();
  std::vector<BoardName> names;
  for (const suite::Board& board : boards) names.push_back(board.name);
  for (const suite::Board& board : boards) {
    const bool newest = newest_version(names, board.name.name) == board.name;
    say("{:<36} {:<14} {}{}\n", board.id(), to_string(board.division), board.title,
        newest ? "" : " (there is a newer version)");
  }
  return kOk;
}

int show(const BoardFlags& flags) {
  const suite::Board board = suite::find_board(flags.id);
  const suite::Suite suite =
      suite::board_columns(board, flags.common.plugins(), flags.common.open_registry());
  say("{}: {}\n{}\ndivision: {}\ndata: {}, split {}, {} samples\n", board.id(), board.title,
      Lines{board.description}, to_string(board.division), suite.data.dataset, suite.data.split,
      suite.data.indices.size());
  for (const suite::ThreatSpec& threat : suite.threats)
    say("threat {}: {}\n", threat.name, suite::threat_text(threat.norm, threat.epsilon_text));
  for (const suite::AttackSpec& attack : suite.attacks)
    say("attack {}: {}{}\n", attack.name, attack.plugin,
        attack.host.samples ? fmt::format(", {} samples", attack.host.samples) : "");
  say("definition: {}\nSHA-256: {}\n", board.file.string(), board.sha256);
  return kOk;
}

// What another bundle claimed under the same name is not replaced in passing.
void check_replaced(const BoardFlags& flags, const bundle::BundleFile& bundle) {
  for (const boards::BoardEntry& entry : bundle.entries()) {
    const std::filesystem::path file = results_of(flags) / entry_path(entry);
    if (!flags.overwrite && std::filesystem::exists(file) &&
        boards::read_board_entry(file).bundle_sha256 != bundle.sha256())
      throw BadInput(file.string() + ": is the entry of another bundle; --overwrite replaces it");
  }
}

// A bundle enters when every claim of it holds.
int add(const BoardFlags& flags) {
  flags.common.apply_threads();
  const bundle::BundleFile bundle(flags.bundle);
  check_replaced(flags, bundle);
  bundle::VerifyOptions options;
  options.device = device_of(flags.device);
  options.threads_of_entry = flags.common.may_choose_threads();
  const bundle::Verification found =
      verify(bundle, flags.common.plugins(), flags.common.open_registry(), options);
  const int code = report(bundle, found);
  if (code != kOk) return code;
  const std::filesystem::path folder = results_of(flags);
  for (size_t i = 0; i < bundle.entries().size(); ++i) {
    boards::BoardEntry entry = bundle.entries()[i];
    entry.bundle_sha256 = bundle.sha256();
    entry.verified = found.rows[i].reached;
    entry.verified_when = results::utc_now();
    const std::filesystem::path file = folder / entry_path(entry);
    std::filesystem::create_directories(file.parent_path());
    write_atomically(file, to_json(entry));
    say("{}\n", file.string());
  }
  return kOk;
}
}  // namespace

void add_board(CLI::App& app, Action& action) {
  auto flags = std::make_shared<BoardFlags>();
  CLI::App* command =
      app.add_subcommand("board", "List and describe boards; enter results; make their site");
  command->require_subcommand(1);
  add_board_build(*command, action);
  const auto sub = [&](const char* name, const char* help, int (*what)(const BoardFlags&)) {
    return add_subcommand(*command, name, help, flags, action, what);
  };
  sub("list", "All boards", list);
  sub("show", "One board: data, threats, attacks, digest", show)
      ->add_option("id", flags->id, "Name and version, such as cifar10-linf-deterministic@1")
      ->required();
  CLI::App* adding =
      sub("add", "Verify a bundle and write its entries below registry/results/", add);
  adding->add_option("bundle", flags->bundle, "The .zip file")->required();
  adding->add_option("--results", flags->results,
                     "Folder of the boards' entries; default: results in the registry");
  adding->add_flag("--overwrite", flags->overwrite, "Replace entries of other bundles");
  adding->add_option("--device", flags->device, "Where to compute")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
}

}  // namespace gauntlet::cli
