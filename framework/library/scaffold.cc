#include "library/scaffold.h"

#include <fstream>
#include <set>
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

// Gauntlet's own sources that the folder lies in, in its plugins/; empty: it does not.
fs::path tree_of(const fs::path& folder) {
  for (fs::path at = folder; at.has_relative_path(); at = at.parent_path())
    if (at.filename() == "plugins" &&
        fs::exists(at.parent_path() / "framework/include/gauntlet/plugin.h"))
      return at.parent_path();
  return {};
}

ScaffoldPlace place_of(const std::string& kind, const std::string& name, const fs::path& folder) {
  const fs::path whole = fs::weakly_canonical(fs::absolute(folder / "")).parent_path();
  const fs::path tree = tree_of(whole);
  if (tree.empty()) return ScaffoldPlace::kOwn;
  const fs::path group = whole.parent_path(), kinds = tree / "plugins" / (kind + "s");
  if (group.parent_path() == kinds && whole.filename() == name) {
    if (fs::is_directory(kinds))
      for (const auto& other : fs::directory_iterator(kinds))
        if (fs::exists(other.path() / name / "CMakeLists.txt"))
          throw BadInput((other.path() / name).string() + " is the " + kind + " '" + name +
                         "' already: choose another name.");
    return ScaffoldPlace::kTree;
  }
  std::set<std::string> sorted;
  if (fs::is_directory(kinds))
    for (const auto& entry : fs::directory_iterator(kinds))
      if (entry.is_directory()) sorted.insert(entry.path().filename());
  std::string groups;
  for (const std::string& one : sorted) groups += (groups.empty() ? "" : ", ") + one;
  throw BadInput(folder.string() + " is no place for the " + kind + " '" + name +
                 "': among Gauntlet's own plugins it lies in plugins/" + kind + "s/GROUP/" + name +
                 " (groups that are there: " + groups + ").");
}

/// "my" -> "MyAttack". With the kind behind it a plugin's class cannot be one of the SDK's.
std::string class_of(const std::string& name, const std::string& kind) {
  const std::string type = camel_case(name), suffix = camel_case(kind);
  return type.ends_with(suffix) && type != suffix ? type : type + suffix;
}

}  // namespace

ScaffoldPlace write_scaffold(const std::string& kind, const std::string& name,
                             const fs::path& folder) {
  check(kind, name, folder);
  const ScaffoldPlace place = place_of(kind, name, folder);
  const bool attack = kind == "attack", tree = place == ScaffoldPlace::kTree;
  namespace text = scaffold_files;
  std::vector<std::pair<std::string, std::string_view>> files = {
      {"CMakeLists.txt", tree ? text::tree_CMakeLists_txt : text::CMakeLists_txt},
      {"README.md", tree ? text::tree_README_md : text::README_md},
      {name + ".cc", attack ? text::attack_cc : text::defense_cc},
      {name + "_test.cc", attack ? text::attack_test_cc : text::defense_test_cc},
      {"preset.toml", attack ? text::attack_preset_toml : text::defense_preset_toml},
  };
  if (!tree)
    files.emplace_back("suite.toml", attack ? text::attack_suite_toml : text::defense_suite_toml);
  const std::string built = tree ? "plugin_test::built(\"" + kind + "s/" + name + "\")" : "PLUGIN";
  std::error_code failed;
  fs::create_directories(folder, failed);
  for (const auto& [file, content] : files) {
    std::ofstream out(folder / file);
    out << filled(content, {{"@name@", name},
                            {"@kind@", kind},
                            {"@Class@", class_of(name, kind)},
                            {"@built@", built},
                            {"@parameters@", std::string(attack ? text::attack_parameters_md
                                                                : text::defense_parameters_md)}});
    if (failed || !out.flush())
      throw BadInput((folder / file).string() + " cannot be written: name a folder that can be.");
  }
  return place;
}

}  // namespace gauntlet::library
