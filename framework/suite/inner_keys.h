// Host keys of the attacks in a training recipe.
#pragma once
#include <string>

#include "gauntlet/params.h"
#include "gauntlet/types.h"
#include "suite/names.h"

namespace gauntlet::suite {

/// What an attack in a recipe may carry beside its own parameters, with the meaning it has in a
/// suite: { use = "pgd", steps = 7, draws = 8, average = "loss" }. `draws` count where the network
/// has noise.
struct InnerKeys {
  int64_t restarts = 1, draws = 1;
  std::string average = "loss";

  void fields(auto&& visit) {
    visit(restarts, "restarts", "runs of the attack; the best result counts", Range{1, 999'999});
    visit(draws, "draws", "of the noise, in each query", Range{1, 999'999});
    visit(average, "average", "what is averaged over the draws", OneOf(words_of(kAverages)));
  }
  Average averaged() const;
};

/// Takes the keys out of an attack's parameters. Throws ParamError for values that cannot be.
InnerKeys take_inner_keys(Use& attack);

}  // namespace gauntlet::suite
