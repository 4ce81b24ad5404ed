// Architectures that plugins give.
#pragma once
#include "host/plugin_catalogue.h"
#include "models/network.h"

namespace gauntlet {

/// The spec with what builds it, where its architecture is the name of a plugin; others as they
/// are. Throws BadInput: the plugin builds no networks, or its parameters are wrong.
NetworkSpec with_architecture(NetworkSpec spec, const PluginCatalogue& plugins);

}  // namespace gauntlet
