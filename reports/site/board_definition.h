#pragma once
#include <string>
#include <vector>

#include "boards/entry.h"

namespace gauntlet::reports::site {

/// A board as its definition has it.
struct BoardDefinition {
  BoardName name;
  std::string title, description;
  Division division = Division::kDeterministic;
  std::string sha256, text;          ///< of the definition's file
  std::vector<std::string> attacks;  ///< that every entry must have, as the file names them
};
}  // namespace gauntlet::reports::site
