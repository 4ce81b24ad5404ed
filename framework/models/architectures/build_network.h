// Networks by the name of their architecture.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gauntlet/params.h"
#include "models/network.h"

namespace gauntlet::models {

/// A network with freshly initialised weights (He-normal convolutions, from `seed`). Throws
/// BadInput naming the nearest architecture or option.
std::unique_ptr<Network> build_network(const NetworkSpec& spec, uint64_t seed = 0);
/// Throws the BadInput that build_network would throw, at a fraction of its cost.
void check_network(const NetworkSpec& spec);
/// Of the options that every architecture has: "ignore", "batchnorm_eps", …
std::vector<std::string> common_option_names();
/// The same with descriptions, for help texts.
Schema common_option_specs();
/// Puts values into the network. Throws BadInput that lists missing, extra and mis-shaped names,
/// the first 30 (`source` says where they come from). Counters such as "num_batches_tracked" are
/// ignored.
void load_state(Network& network, const std::map<std::string, Tensor>& state,
                const std::string& source);

}  // namespace gauntlet::models
