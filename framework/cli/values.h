// Values on the command line.
#pragma once
#include <string>
#include <vector>

#include "gauntlet/params.h"

namespace gauntlet::cli {

/// From texts "KEY=VALUE", where a value is as in TOML or a bare word. `flag`: for messages. Throws
/// BadInput.
ParamMap values_of(const std::string& flag, const std::vector<std::string>& texts);

}  // namespace gauntlet::cli
