// What wrappers were fitted to, kept in files by all that it depends on.
#pragma once
#include <filesystem>
#include <functional>
#include <string>

#include "evaluation/laboratory.h"

namespace gauntlet::evaluation {

/// From now on the laboratory takes up what was fitted before from files in this folder, and keeps
/// there what it fits. `remark` is told a sentence for each file that is of no use.
void keep_fits(Laboratory& laboratory, const std::filesystem::path& folder,
               std::function<void(const std::string&)> remark);

}  // namespace gauntlet::evaluation
