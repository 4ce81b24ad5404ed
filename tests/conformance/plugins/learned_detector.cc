// A detector that is trained with the network: it refuses answers of little confidence.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct LearnedDetector final : Defense, Refuses, Learns {
  struct Params {
    void fields(auto&&) {}
  } p;

  void declare(const Wrapped&, Parameters& parameters) override {
    parameters.add("threshold", torch::zeros({1}), /*weight_decay=*/false);
    parameters.add("weight", torch::ones({1}));
  }

  Tensor score(const Tensor&, const Outputs& out, View&) override {
    return learned.at("threshold") - learned.at("weight") * out.logits.softmax(1).amax(1);
  }
};
}  // namespace

GAUNTLET_DEFENSE(LearnedDetector, "learned_detector", "1.0.0",
                 "refuses answers below a confidence that is learned");
