#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "cli/board_entries.h"
#include "cli/commands.h"
#include "host/board.h"
#include "reports/board_site.h"
#include "reports/text.h"
#include "results/board_results.h"

namespace gauntlet::cli {
namespace {

struct BuildFlags {
  std::string results, registry, boards, output;
};

std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

BoardDefinition definition_of(const Board& board) {
  BoardDefinition out{board.name,
                      board.title,
                      board.description,
                      board.division,
                      board.sha256,
                      content_of(board.file),
                      {}};
  if (const Toml* attacks = board.fixed.find("attack"))
    if (const auto* table = attacks->get<Toml::Table>())
      for (const Toml::Member& attack : *table) out.attacks.push_back(attack.key);
  return out;
}

int build(const BuildFlags& flags) {
  std::vector<BoardDefinition> definitions;
  for (const Board& board : flags.boards.empty() ? known_boards() : boards_in(flags.boards))
    definitions.push_back(definition_of(board));
  const Site site =
      board_site(definitions, read_board_results(results_folder(flags.results, flags.registry)));
  write_site(site, flags.output);
  say("{}: {}, {}, {} {}\n", flags.output, counted(int64_t(site.pages.size()), "page"),
      counted(site.boards, "board"), grouped(site.entries),
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
