// The files of framework/library/scaffold/, as text inside the program.
#pragma once
#include <string_view>

namespace gauntlet::library::scaffold_files {

extern const std::string_view CMakeLists_txt, README_md, tree_CMakeLists_txt, tree_README_md;
extern const std::string_view attack_parameters_md, defense_parameters_md;
extern const std::string_view attack_cc, attack_test_cc, attack_preset_toml, attack_suite_toml;
extern const std::string_view defense_cc, defense_test_cc, defense_preset_toml, defense_suite_toml;

}  // namespace gauntlet::library::scaffold_files
