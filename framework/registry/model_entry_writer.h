// The TOML of registry entries, written.
#pragma once
#include <string>

#include "registry/registry.h"

namespace gauntlet::registry {

/// TOML of a value on one line; of a table, `use` and `type` come first.
std::string to_toml(const ParamValue& value);
/// The entry of a model as read_model_entry reads it, provenance ([training]) left out; the weights
/// lie beside it.
std::string model_entry_text(const ModelEntry& entry);

}  // namespace gauntlet::registry
