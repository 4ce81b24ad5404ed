// What an attack on one batch is given and what comes of it.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/bad_input.h"
#include "evaluation/interrupted.h"
#include "evaluation/run_memory.h"
#include "evaluation/streams.h"
#include "gauntlet/attack.h"
#include "models/network.h"
#include "results/record.h"

namespace gauntlet::evaluation {

class DefendedModel;

/// Settings of the host, valid for every attack.
struct CraftRules {
  std::string name = "the attack";  ///< for messages: "attack 'pgd'"
  int64_t restarts = 1;
  int64_t draws = 1;
  std::optional<Average> average;  ///< unset: the defense's surrogate, else the loss
  Goal goal = Goal::kUntargeted;
  Access access = Access::kGradient;  ///< granted tier
  int64_t max_queries = 0;            ///< passes per sample; 0: no limit
  bool track = true;     ///< record hits and retire confirmed samples; false: "final", training
  bool retire = true;    ///< spare samples that a restart has won the others
  bool compact = true;   ///< leave inactive rows out of the computation
  bool shuffle = false;  ///< hand rows to the model in another order (conformance tests)
  models::Mode mode = models::Mode::kFolded;
  uint64_t seed = 0;
  int64_t memory_rows = 0;   ///< most rows in one forward; 0: by the model's size
  std::optional<Loss> loss;  ///< replaces the attack's own loss (trainers)
  bool suggested = true;     ///< where the defense suggests a loss, run it beside the plain one
  bool retry = false;        ///< attack samples again whose queries were uninformative
  Stream defense_stream = Stream::kDefense;
  uint64_t defense_run = 0;  ///< sets the noise of a task's sources apart
  /// What queries for fresh noise get (trainers), and the key of a fixed one.
  Draw noise = Draw::kFresh;
  int64_t noise_key = 0;
  /// The defense's noise for the rows of the batch; unset: of the seed and the stream.
  std::optional<Noise> defense_noise = {};
  /// Called for each query with rows, inputs [R, C, H, W] and outputs averaged over draws.
  std::function<void(const Rows&, const Tensor&, const Outputs&)> observe = {};
  const std::atomic<bool>* stop = nullptr;  ///< set: the next query throws Interrupted
  /// Runs and draws that other rows share; null: none do.
  std::shared_ptr<RunMemory> runs = {};
  DrawMemory* draws_known = nullptr;
};

/// A batch and where it comes from.
struct CraftBatch {
  Tensor x, y;          ///< [N, C, H, W] float32, [N] int64
  Tensor index;         ///< [N] int64, in the data set
  Tensor target = {};   ///< [N] int64, or undefined
  Tensor settled = {};  ///< [N] bool: already wrong without an attack, left alone; or undefined
};

struct Crafted {
  Tensor x;               ///< [N, C, H, W]: the confirmed hit, else the attack's answer
  Tensor queries;         ///< [N] int64 requested passes
  Tensor confirmed;       ///< [N] bool: the judge confirmed a hit while the attack ran
  Tensor zero_gradients;  ///< [N] bool: it asked for gradients, and every one was exactly 0
  /// [N] bool: the sample withstood, and some query of it was of no use, for one of the reasons
  /// below or more. With `retry` such samples were attacked again.
  Tensor blind;
  Tensor saturated;         ///< [N] bool: blind, with a loss or gradient of exactly 0, not all 0
  Tensor masked_bounds;     ///< [N] bool: blind, without a gradient on the bounds of the box alone
  Tensor not_finite;        ///< [N] bool: losses or gradients were not finite when last tried
  Tensor source_saturated;  ///< [N] bool: queries of another model gave nothing but 0
  results::Ledger ledger;
  int64_t refuted = 0;  ///< claimed hits that the judge's forward did not confirm
  bool asked = false;   ///< the attack made at least one query, of the target or of a source
  bool uneven = false;  ///< images that share draws were asked about at different times
  int64_t samples = 0;  ///< the most training images that it took at once
  std::set<std::string> changed = {};  ///< process settings that the attack changed; restored
};

/// Gives attacks access to other models, to other attacks and to training images.
struct Environment {
  virtual ~Environment() = default;
  /// Throws BadInput for an unknown model.
  virtual DefendedModel& model(const ModelRef&) = 0;
  /// Throws BadInput or ParamError.
  virtual std::unique_ptr<Attack> attack(const Use&) = 0;
  /// The first n training images of a fixed order, or all. Throws BadInput where none are lent.
  virtual Batch samples(int64_t n) {
    throw BadInput("the attack asks for " + std::to_string(n) +
                   " training images; none are lent to it here");
  }
};

}  // namespace gauntlet::evaluation
