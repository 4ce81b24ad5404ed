// What a plugin file says of itself.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

namespace gauntlet::library {

/// What a plugin file says of itself, read from its bytes: nothing of it has run.
struct Stamp {
  std::string abi, kind, name, version, torch, stdlib, compiler, summary;
};

/// A file found on the plugin path.
struct PluginFile {
  std::filesystem::path path;
  std::optional<Stamp> stamp;  ///< none: not a Gauntlet plugin
  std::string refusal;         ///< why it is not used, one sentence that names it; empty: it is
  bool hidden = false;         ///< only because an earlier file of that name is
};

}  // namespace gauntlet::library
