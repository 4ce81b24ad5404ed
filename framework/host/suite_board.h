// Suites that run on a board.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "host/board.h"

namespace gauntlet {

/// The board that a suite's text names; nullopt: none. Throws BadInput for one that is not there.
std::optional<Board> board_of(const Toml& suite);

/// Reports every key of the suite's text, and every --set, that is the board's to say.
void refuse_fixed(const Toml& suite, const std::vector<std::string>& set, const Board& board,
                  Problems& problems);

/// The suite's text with all that the board fixes; the board's attacks come first.
Toml on_board(Toml suite, const Board& board);

}  // namespace gauntlet
