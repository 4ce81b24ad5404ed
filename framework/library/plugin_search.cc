#include "library/plugin_search.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "base/bad_input.h"
#include "gauntlet/version.h"
#include "library/stamp_reader.h"

namespace gauntlet::library {
namespace fs = std::filesystem;
namespace {

const gauntlet_stamp kHost = GAUNTLET_STAMP_("host", "gauntlet", GAUNTLET_VERSION, "");

class Search {
 public:
  explicit Search(std::set<fs::path>& seen) : seen_(seen) {}

  void file(const fs::path& path) {
    std::error_code failed;
    const fs::path real = fs::canonical(path, failed);
    if (failed && fs::is_symlink(fs::symlink_status(path)))
      refuse(path, "it is a symbolic link that leads nowhere (" + failed.message() + ")");
    else if (failed || seen_.insert(real).second)
      found_.push_back(inspect_plugin(path));
  }

  void folder(const fs::path& path) {
    std::error_code failed;
    const fs::path real = fs::canonical(path, failed);
    if (failed) return refuse(path, "the folder cannot be entered (" + failed.message() + ")");
    if (std::find(inside_.begin(), inside_.end(), real) != inside_.end())
      return refuse(path,
                    "it is a symbolic link back to " + real.string() + ", not followed again");
    if (!seen_.insert(real).second) return;
    inside_.push_back(real);
    std::vector<fs::path> children;
    fs::directory_iterator at(path, failed);
    for (; !failed && at != fs::directory_iterator(); at.increment(failed))
      children.push_back(at->path());
    if (failed) refuse(path, "the folder cannot be read (" + failed.message() + ")");
    std::sort(children.begin(), children.end());
    for (const fs::path& child : children) {
      if (fs::is_directory(child, failed))
        folder(child);
      else if (child.extension() == ".so")
        file(child);
    }
    inside_.pop_back();
  }

  std::vector<PluginFile> found() { return std::move(found_); }

 private:
  void refuse(const fs::path& path, const std::string& why) {
    found_.push_back({path, std::nullopt, path.string() + ": " + why + "."});
  }

  std::set<fs::path>& seen_;
  std::vector<fs::path> inside_;  // real paths of the folders around the current one
  std::vector<PluginFile> found_;
};

/// What differs, each a sentence of its own; empty: the plugin fits this host.
std::string mismatches(const Stamp& plugin, const Stamp& host) {
  const auto sentence = [](const std::string& what, const std::string& built,
                           const std::string& here) {
    return " It is built " + what + " " + built + ", this host " + what + " " + here + ".";
  };
  // Behind another ABI nothing of the stamp can be trusted, so nothing more is said.
  if (plugin.abi != host.abi) return sentence("for ABI", plugin.abi, host.abi);
  std::string text;
  if (plugin.torch != host.torch) text += sentence("with LibTorch", plugin.torch, host.torch);
  if (plugin.stdlib != host.stdlib)
    text += sentence("with the C++ library", plugin.stdlib, host.stdlib);
  return text;
}

fs::path folder_of_program() {
  std::error_code failed;
  return fs::read_symlink("/proc/self/exe", failed).parent_path();
}

}  // namespace

Stamp host_stamp() {
  return {kHost.abi,   kHost.kind,   kHost.name,     kHost.version,
          kHost.torch, kHost.stdlib, kHost.compiler, kHost.summary};
}

PluginFile inspect_plugin(const fs::path& file) {
  StampReading reading = read_stamp(file);
  PluginFile plugin{file, std::move(reading.stamp), ""};
  if (!plugin.stamp)
    plugin.refusal = file.string() + ": " + reading.problem + ".";
  else if (const std::string differs = mismatches(*plugin.stamp, host_stamp()); !differs.empty())
    plugin.refusal = file.string() + ":" + differs;
  return plugin;
}

std::vector<PluginFile> find_plugins(const fs::path& entry, std::set<fs::path>& seen) {
  std::error_code failed;
  const fs::path path = fs::absolute(entry, failed).lexically_normal();
  Search search(seen);
  if (fs::is_directory(path, failed))
    search.folder(path);
  else if (fs::exists(fs::symlink_status(path, failed)))
    search.file(path);
  else
    throw BadInput(entry.string() + ": no such file or folder; the plugin path names it.");
  return search.found();
}

std::vector<fs::path> plugin_search_path(const std::vector<std::string>& flags) {
  std::vector<fs::path> search(flags.begin(), flags.end());
  if (const char* listed = std::getenv("GAUNTLET_PLUGIN_PATH")) {
    std::istringstream parts(listed);
    for (std::string part; std::getline(parts, part, ':');)
      if (!part.empty()) search.emplace_back(part);
  }
  const fs::path program = folder_of_program();
  for (const fs::path& folder :
       {program / "plugins", program.parent_path() / "lib" / "gauntlet" / "plugins"})
    if (fs::is_directory(folder)) search.push_back(folder);
  return search;
}

}  // namespace gauntlet::library
