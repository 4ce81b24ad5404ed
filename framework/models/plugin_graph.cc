#include "models/plugin_graph.h"

#include "base/bad_input.h"

namespace gauntlet::models {

int PluginGraph::known(int value) const {
  if (value < 0 || value >= graph_.size())
    throw BadInput("an operation reads the value " + std::to_string(value) +
                   ", expected one of 0 to " + std::to_string(graph_.size() - 1));
  return value;
}

}  // namespace gauntlet::models
