// Suites that run on a board.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "suite/board.h"

namespace gauntlet::suite {

/// The board that a suite's text names; nullopt: none. Throws BadInput for one that is not there.
std::optional<Board> board_of(const toml::Toml& suite);

/// Reports every key of the suite's text, and every --set, that is the board's to say.
void refuse_fixed(const toml::Toml& suite, const std::vector<std::string>& set, const Board& board,
                  toml::Problems& problems);

/// The suite's text with all that the board fixes; the board's attacks come first.
toml::Toml on_board(toml::Toml suite, const Board& board);

}  // namespace gauntlet::suite
