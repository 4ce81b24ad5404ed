// Small models (framework/conformance/toys.h) with the plugins that are built here.
#pragma once
#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "conformance/toys.h"
#include "evaluation/craft.h"
#include "gauntlet/plugin.h"

namespace gauntlet::toys {
using namespace conformance;

/// A plugin's library, opened as the host opens it: symbols of one are hidden from the others.
inline const Entry& entry_of(const std::filesystem::path& file) {
  void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);  // never closed
  if (!library) throw std::runtime_error(dlerror());
  return *static_cast<const Entry*>(dlsym(library, "gauntlet_plugin_entry"));
}
inline std::filesystem::path build_folder() {
  const char* folder = std::getenv("GAUNTLET_BUILD_DIR");
  if (!folder) throw std::runtime_error("GAUNTLET_BUILD_DIR is not set: start tests with ctest");
  return folder;
}
inline std::unique_ptr<Attack> attack(const std::string& name, const ParamMap& params = {},
                                      const std::string& folder = "plugins") {
  return entry_of(build_folder() / folder / "attacks" / (name + ".so")).attack(params);
}
inline std::shared_ptr<Defense> defense(const std::string& name, const ParamMap& params = {},
                                        const std::string& folder = "plugins") {
  return entry_of(build_folder() / folder / "defenses" / (name + ".so")).defense(params);
}

/// Lends attacks the shipped plugins and the models put into it.
struct ToyEnvironment final : evaluation::Environment {
  std::map<std::string, evaluation::DefendedModel*> models = {};
  evaluation::DefendedModel& model(const ModelRef& ref) override { return *models.at(ref.id); }
  std::unique_ptr<Attack> attack(const Use& use) override {
    return toys::attack(use.plugin, use.with);
  }
};

}  // namespace gauntlet::toys
