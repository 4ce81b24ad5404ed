#include "library/scaffold.h"

#include <fstream>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bad_input.h"
#include "gauntlet/abi.h"
#include "library/scaffold_files.h"

namespace gauntlet::library {
namespace fs = std::filesystem;
namespace {

bool is_name(const std::string& name) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  if (name.empty() || !letter(name[0])) return false;
  for (const char c : name)
    if (!letter(c) && !(c >= '0' && c <= '9') && c != '_') return false;
  return true;
}

/// "my_attack" -> "MyAttack"
std::string camel_case(const std::string& name) {
  std::string out;
  bool begins = true;
  for (const char c : name) {
    if (c != '_') out += begins && c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c;
    begins = c == '_';
  }
  return out;
}

std::string filled(std::string_view text,
                   const std::vector<std::pair<std::string, std::string>>& words) {
  std::string out(text);
  for (const auto& [word, value] : words)
    for (size_t at = 0; (at = out.find(word, at)) != std::string::npos; at += value.size())
      out.replace(at, word.size(), value);
  return out;
}

void check(const std::string& kind, const std::string& name, const fs::path& folder) {
  if (kind != "attack" && kind != "defense")
    throw BadInput("A plugin is an attack or a defense, not '" + kind + "'.");
  if (!is_name(name))
    throw BadInput(
        "'" + name +
        "' cannot name a plugin: a name is made of a-z, 0-9 and _, and begins with a letter.");
  constexpr size_t kLongest = sizeof(gauntlet_stamp::name) - 1;
  if (name.size() > kLongest)
    throw BadInput("'" + name + "' cannot name a plugin: it has " + std::to_string(name.size()) +
                   " characters, at most " + std::to_string(kLongest) + " fit.");
  if (fs::exists(fs::symlink_status(folder)) && !fs::is_directory(folder))
    throw BadInput(folder.string() + " is no folder: name one that is empty or not there yet.");
  if (fs::is_directory(folder) && !fs::is_empty(folder))
    throw BadInput(folder.string() + " is not empty: name a folder that is, or is not there yet.");
}

}  // namespace

void write_scaffold(const std::string& kind, const std::string& name, const fs::path& folder) {
  check(kind, name, folder);
  const bool attack = kind == "attack";
  // With the kind behind it a plugin's class cannot be one of the SDK's.
  const std::string type = camel_case(name) + (attack ? "Attack" : "Defense");
  namespace text = scaffold_files;
  const std::vector<std::pair<std::string, std::string_view>> files = {
      {"CMakeLists.txt", text::CMakeLists_txt},
      {"README.md", text::README_md},
      {name + ".cc", attack ? text::attack_cc : text::defense_cc},
      {name + "_test.cc", attack ? text::attack_test_cc : text::defense_test_cc},
      {"preset.toml", attack ? text::attack_preset_toml : text::defense_preset_toml},
      {"suite.toml", attack ? text::attack_suite_toml : text::defense_suite_toml},
  };
  std::error_code failed;
  fs::create_directories(folder, failed);
  for (const auto& [file, content] : files) {
    std::ofstream out(folder / file);
    out << filled(content, {{"@name@", name}, {"@kind@", kind}, {"@Class@", type}});
    if (failed || !out.flush())
      throw BadInput((folder / file).string() + " cannot be written: name a folder that can be.");
  }
}

}  // namespace gauntlet::library
