#include "registry/search_path.h"

#include <unistd.h>

#include <cstdlib>
#include <functional>

#include "base/bad_input.h"

namespace gauntlet::registry {
namespace {
namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// A place that several variables name is one place.
void add(std::vector<fs::path>& out, const fs::path& place) {
  std::error_code error;
  for (const fs::path& known : out)
    if (known == place || fs::equivalent(known, place, error)) return;
  out.push_back(place);
}

void add_each(std::vector<fs::path>& out, const std::string& colon_separated) {
  size_t begin = 0;
  while (begin <= colon_separated.size()) {
    const size_t end = std::min(colon_separated.find(':', begin), colon_separated.size());
    if (end > begin) add(out, colon_separated.substr(begin, end - begin));
    begin = end + 1;
  }
}

// The first folder above the running program for which `is_it` holds, or "".
fs::path above_program(const std::function<bool(const fs::path&)>& is_it) {
  std::error_code error;
  fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  while (!folder.empty()) {
    if (is_it(folder)) return folder;
    if (folder == folder.root_path()) break;
    folder = folder.parent_path();
  }
  return {};
}

// The source tree the program was built in, or "" (installed).
fs::path source_tree() {
  if (const std::string given = environment("GAUNTLET_SOURCE_DIR"); !given.empty()) return given;
  return above_program(
      [](const fs::path& folder) { return fs::exists(folder / "framework/include/gauntlet"); });
}

void add_shared(std::vector<fs::path>& out, const char* name) {
  const fs::path tree = source_tree();
  if (tree.empty()) return;
  const fs::path shared = tree.parent_path() / "shared" / name;
  if (fs::is_directory(shared)) add(out, shared);
}

void add_cache(std::vector<fs::path>& out) {
  const std::string cache = environment("XDG_CACHE_HOME"), home = environment("HOME");
  if (!cache.empty()) {
    add(out, fs::path(cache) / "gauntlet/data");
  } else if (!home.empty()) {
    add(out, fs::path(home) / ".cache/gauntlet/data");
  }
}

// A folder of the source tree, or of share/gauntlet where the program is installed.
fs::path shipped(const std::string& folder) {
  if (const fs::path tree = source_tree(); !tree.empty()) return tree / folder;
  const fs::path place = fs::path("share/gauntlet") / folder;
  return above_program([&](const fs::path& above) { return fs::exists(above / place); }) / place;
}
}  // namespace

fs::path writable_data_root(const std::string& flag) {
  std::vector<fs::path> roots;
  add_each(roots, flag);
  add_each(roots, environment("GAUNTLET_DATA"));
  add_cache(roots);
  std::string tried;
  for (const fs::path& root : roots) {
    std::error_code error;
    fs::create_directories(root, error);
    if (access(root.c_str(), W_OK | X_OK) == 0) return root;
    tried += "\n  " + root.string();
  }
  throw BadInput("no folder for data can be written to; tried" + tried +
                 "\nName one with --to, --data or GAUNTLET_DATA.");
}

std::vector<fs::path> data_search_path(const std::string& flag) {
  std::vector<fs::path> out;
  add_each(out, flag);
  add_each(out, environment("GAUNTLET_DATA"));
  add_shared(out, "data");
  add_cache(out);
  add(out, "/usr/share/datasets");
  return out;
}

std::vector<fs::path> weights_search_path() {
  std::vector<fs::path> out;
  const std::string given = environment("GAUNTLET_WEIGHTS");
  add_each(out, given);
  if (given.empty()) add_shared(out, "weights");
  return out;
}

fs::path find_weights(const fs::path& name, const fs::path& beside) {
  if (name.is_absolute() || fs::exists(beside / name)) return (beside / name).lexically_normal();
  for (const fs::path& root : weights_search_path())
    if (fs::exists(root / name)) return (root / name).lexically_normal();
  return (beside / name).lexically_normal();
}

std::string absent_weights(const ModelEntry& model) {
  std::string roots;
  for (const fs::path& root : weights_search_path())
    roots += (roots.empty() ? "" : " and ") + root.string();
  return "the weights are absent: looked for " + model.weights.string() +
         (roots.empty() ? "; put them there or set GAUNTLET_WEIGHTS to the folder they lie in"
                        : " and for the same name below " + roots + " (GAUNTLET_WEIGHTS)");
}

std::vector<fs::path> shipped_search_path(const char* variable, const std::string& folder) {
  std::vector<fs::path> out;
  add_each(out, environment(variable));
  add(out, shipped(folder));
  return out;
}

fs::path default_registry() {
  const std::string given = environment("GAUNTLET_REGISTRY");
  return given.empty() ? shipped("registry") : fs::path(given);
}

}  // namespace gauntlet::registry
