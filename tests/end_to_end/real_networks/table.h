#pragma once
#include <ostream>
#include <string>
#include <vector>

#include "models/network.h"

namespace gauntlet::testing {

struct RealNetwork {
  std::string file;  ///< below the folder of weights; without an ending it is .safetensors
  std::string dataset;
  int64_t correct;  ///< of the 10,000 test images
  models::NetworkSpec network;
};

/// How GoogleTest names a parameter; without it, the bytes of the object.
inline void PrintTo(const RealNetwork& real, std::ostream* out) { *out << real.file; }

const std::vector<RealNetwork>& real_networks();

}  // namespace gauntlet::testing
