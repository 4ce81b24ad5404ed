// Architectures that plugins give.
#pragma once
#include "library/plugin_catalogue.h"
#include "models/network.h"

namespace gauntlet::library {

/// The spec with what builds it, where its architecture is the name of a plugin; others as they
/// are. Throws BadInput: the plugin builds no networks, or its parameters are wrong.
models::NetworkSpec with_architecture(models::NetworkSpec spec, const PluginCatalogue& plugins);

}  // namespace gauntlet::library
