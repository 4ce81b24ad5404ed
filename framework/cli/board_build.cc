#include <fmt/format.h>

#include "base/whole_file.h"
#include "boards/entries.h"
#include "cli/board_entries.h"
#include "cli/commands.h"
#include "reports/site/site.h"
#include "reports/text/text.h"
#include "suite/board.h"

namespace gauntlet::cli {
namespace {

struct BuildFlags {
  std::string results, registry, boards, output;
};

reports::site::BoardDefinition definition_of(const suite::Board& board) {
  reports::site::BoardDefinition out{board.name,
                                     board.title,
                                     board.description,
                                     board.division,
                                     board.sha256,
                                     whole_file(board.file),
                                     {}};
  if (const toml::Toml* attacks = board.fixed.find("attack"))
    if (const auto* table = attacks->get<toml::Toml::Table>())
      for (const toml::Toml::Member& attack : *table) out.attacks.push_back(attack.key);
  return out;
}

int build(const BuildFlags& flags) {
  std::vector<reports::site::BoardDefinition> definitions;
  for (const suite::Board& board :
       flags.boards.empty() ? suite::known_boards() : suite::boards_in(flags.boards))
    definitions.push_back(definition_of(board));
  const reports::site::Site site = board_site(
      definitions, boards::read_board_results(results_folder(flags.results, flags.registry)));
  write_site(site, flags.output);
  say("{}: {}, {}, {} {}\n", flags.output, reports::counted(int64_t(site.pages.size()), "page"),
      reports::counted(site.boards, "board"), reports::grouped(site.entries),
      site.entries == 1 ? "entry" : "entries");
  return kOk;
}

}  // namespace

void add_board_build(CLI::App& board, Action& action) {
  auto flags = std::make_shared<BuildFlags>();
  CLI::App* command =
      board.add_subcommand("build", "Make a static site of all boards and their entries");
  command->add_option("--results", flags->results,
                      "Folder of the boards' entries; default: results in the registry");
  command->add_option("--registry", flags->registry, "Folder with data set and model entries");
  command->add_option("--boards", flags->boards,
                      "Folder with definitions of boards; default: those that ship");
  command->add_option("--output", flags->output, "Folder of the site")->required();
  command->callback([&action, flags] { action = [flags] { return build(*flags); }; });
}

}  // namespace gauntlet::cli
