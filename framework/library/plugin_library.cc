#include "library/plugin_library.h"

#include <dlfcn.h>

#include <algorithm>
#include <boost/dll/shared_library.hpp>
#include <mutex>
#include <set>

#include "base/bad_input.h"
#include "base/failure.h"
#include "base/invalid_result.h"
#include "base/nearest_name.h"
#include "base/sha256.h"
#include "library/plugin_search.h"
#include "library/running_plugin.h"
#include "library/stamp_reader.h"

namespace gauntlet::library {
namespace fs = std::filesystem;
namespace {

using Key = std::pair<std::string, std::string>;  // kind, name

const Entry& load(const PluginFile& file) {
  const std::string who = file.path.string();
  const Running running(who);
  // Read again: the file may have been rebuilt since the folder was searched.
  const PluginFile now = inspect_plugin(file.path);
  if (!now.refusal.empty()) throw BadInput(now.refusal);
  namespace load_mode = boost::dll::load_mode;
  boost::dll::fs::error_code failed;
  boost::dll::shared_library library(file.path, load_mode::rtld_now | load_mode::rtld_local,
                                     failed);
  const char* const why = failed ? dlerror() : nullptr;  // says more than Boost's error code
  if (failed)
    throw BadInput(file.path.string() + ": its stamp is right, but it cannot be loaded (" +
                   (why ? why : failed.message()) + ").");
  if (!library.has("gauntlet_plugin_entry"))
    throw BadInput(file.path.string() +
                   ": its stamp is right, but it exports no gauntlet_plugin_entry.");
  const Entry& entry = library.get<const Entry>("gauntlet_plugin_entry");
  // The one leak: objects, exceptions and type_infos of the plugin may live as long as the process,
  // so its code must.
  new boost::dll::shared_library(std::move(library));
  return entry;
}

// What a plugin throws on being made is told with its name.
template <class Make>
auto made(const std::string& who, const Make& make) {
  const Running running(who);
  try {
    auto plugin = make();
    if (!plugin) throw PluginFailure(who + " cannot be made: it gave none");
    return plugin;
  } catch (const ParamError&) {
    throw;
  } catch (const PluginFailure&) {
    throw;
  } catch (...) {
    throw PluginFailure(who + " cannot be made: " + current_failure());
  }
}

}  // namespace

struct PluginLibrary::State {
  std::vector<PluginFile> files;
  std::map<Key, size_t> by_name;  // the file that answers to a name, usable or refused
  std::mutex lock;                // of the three caches
  std::map<Key, const Entry*> entries;
  std::map<Key, Schema> schemas;
  std::map<Key, std::string> digests;

  void add(std::vector<PluginFile> found);
  const PluginFile& find(const std::string& kind, const std::string& name) const;
  const Entry& entry(const std::string& kind, const std::string& name);
};

/// Files of one path entry. Two of one name refuse each other; what an earlier entry holds wins.
void PluginLibrary::State::add(std::vector<PluginFile> found) {
  std::map<Key, std::vector<PluginFile*>> same;
  for (PluginFile& file : found)
    if (file.stamp && !file.stamp->name.empty())
      same[{file.stamp->kind, file.stamp->name}].push_back(&file);
  for (auto& [key, group] : same) {
    if (group.size() > 1)
      for (size_t i = 0; i < group.size(); ++i)
        group[i]->refusal = group[i]->path.string() + " and " + group[i ? 0 : 1]->path.string() +
                            " are both the " + key.first + " '" + key.second +
                            "': neither is used, remove one of them.";
    const auto earlier = by_name.find(key);
    if (earlier == by_name.end()) continue;
    for (PluginFile* file : group)
      if (file->refusal.empty()) {
        file->hidden = true;
        file->refusal = file->path.string() + ": hidden by " +
                        files[earlier->second].path.string() + ", the " + key.first + " '" +
                        key.second + "' of an earlier entry of the plugin path.";
      }
  }
  for (PluginFile& file : found) {
    if (file.stamp && !file.stamp->name.empty())
      by_name.emplace(Key{file.stamp->kind, file.stamp->name}, files.size());
    files.push_back(std::move(file));
  }
}

const PluginFile& PluginLibrary::State::find(const std::string& kind,
                                             const std::string& name) const {
  if (const auto known = by_name.find({kind, name}); known != by_name.end()) {
    const PluginFile& file = files[known->second];
    if (!file.refusal.empty()) throw BadInput(file.refusal);
    return file;
  }
  const std::string problem = "there is no " + kind + " plugin '" + name + "'";
  for (const PluginFile& file : files)
    if (!file.stamp && file.path.stem() == name) throw BadInput(problem + ": " + file.refusal);
  const std::string other = kind == "attack" ? "defense" : "attack";
  if (by_name.contains({other, name}))
    throw BadInput(problem + ": '" + name + "' is " +
                   (other == "attack" ? "an attack." : "a defense."));
  std::vector<std::string> names;
  for (const auto& [key, file] : by_name)
    if (key.first == kind) names.push_back(key.second);
  if (names.empty()) throw BadInput(problem + ": no " + kind + " is on the plugin path.");
  throw BadInput(problem + suggestion(name, names));
}

const Entry& PluginLibrary::State::entry(const std::string& kind, const std::string& name) {
  const PluginFile& file = find(kind, name);
  const std::lock_guard guard(lock);
  const Entry*& entry = entries[{kind, name}];
  if (entry) return *entry;
  const Entry& loaded = load(file);
  if (!loaded.schema || !(kind == "attack" ? bool(loaded.attack) : bool(loaded.defense)))
    throw BadInput(file.path.string() + ": its stamp says " + kind + ", its entry makes none.");
  return *(entry = &loaded);
}

PluginLibrary::PluginLibrary(const std::vector<fs::path>& search)
    : state_(std::make_unique<State>()) {
  std::set<fs::path> seen;
  for (const fs::path& entry : search) state_->add(find_plugins(entry, seen));
}
PluginLibrary::~PluginLibrary() = default;

const std::vector<PluginFile>& PluginLibrary::files() const { return state_->files; }

std::vector<std::string> PluginLibrary::names(const std::string& kind) const {
  std::vector<std::string> names;
  for (const auto& [key, file] : state_->by_name)
    if (key.first == kind && state_->files[file].refusal.empty()) names.push_back(key.second);
  return names;
}

bool PluginLibrary::has(const std::string& kind, const std::string& name) const {
  const auto known = state_->by_name.find({kind, name});
  return known != state_->by_name.end() && state_->files[known->second].refusal.empty();
}

const PluginFile& PluginLibrary::file(const std::string& kind, const std::string& name) const {
  return state_->find(kind, name);
}

const Schema& PluginLibrary::schema(const std::string& kind, const std::string& name) const {
  const Entry& entry = state_->entry(kind, name);
  const std::lock_guard guard(state_->lock);
  auto known = state_->schemas.find({kind, name});
  if (known != state_->schemas.end()) return known->second;
  try {
    const std::string who = kind + " '" + name + "'";
    const Running running(who);
    return state_->schemas.emplace(Key{kind, name}, entry.schema()).first->second;
  } catch (...) {  // before any work: nothing can be said of it without
    throw BadInput(state_->find(kind, name).path.string() +
                   ": it cannot tell its parameters: " + current_failure());
  }
}

std::unique_ptr<Attack> PluginLibrary::attack(const std::string& name,
                                              const ParamMap& params) const {
  const Entry& entry = state_->entry("attack", name);
  return made("attack '" + name + "'", [&] { return entry.attack(params); });
}
std::unique_ptr<Defense> PluginLibrary::defense(const std::string& name,
                                                const ParamMap& params) const {
  const Entry& entry = state_->entry("defense", name);
  return made("defense '" + name + "'", [&] { return entry.defense(params); });
}

std::string PluginLibrary::digest(const std::string& kind, const std::string& name) const {
  const PluginFile& file = state_->find(kind, name);
  const std::lock_guard guard(state_->lock);
  std::string& digest = state_->digests[{kind, name}];
  if (digest.empty()) digest = sha256_of_file(file.path);
  return digest;
}

}  // namespace gauntlet::library
