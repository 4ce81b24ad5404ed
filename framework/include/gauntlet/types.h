/// @file
/// The nouns that pass between host and plugins. N samples of a task, R rows of a query (R may be
/// N, fewer, or many times N), K classes. Images are float32 [., C, H, W] with values in [0, 1].
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "gauntlet/abi.h"

namespace gauntlet {

using std::int64_t;
using torch::Tensor;

/// Root of every interface: its destructor is the key function, so that all libraries share one
/// type_info and dynamic_cast works across them.
struct GAUNTLET_API Interface {
  Interface() = default;
  Interface(const Interface&) = default;             ///< a plain copy
  Interface& operator=(const Interface&) = default;  ///< a plain copy
  virtual ~Interface();
};

/// What one pass over R rows gives.
struct Outputs {
  Tensor logits;  ///< [R, K]
  Tensor reject;  ///< [R], > 0 means refused; undefined where the defense never refuses
  std::map<std::string, Tensor> heads = {};  ///< values that were asked for by name, each [R, ...]
};

/// Images with their classes: to train on, to fit on, or what an attacker knows.
struct Batch {
  Tensor x,       ///< [B, C, H, W]
      y;          ///< [B] true classes
  Tensor sample;  ///< [B] index in the data set, unchanged by augmentation
};

/// Which sample each of R rows belongs to, with the labels already gathered.
struct Rows {
  Tensor sample;  ///< [R] int64, index among the task's N samples
  Tensor y;       ///< [R] int64, true classes
  Tensor target;  ///< [R] int64, wanted classes; undefined in untargeted tasks
  /// Per-sample state read for these rows: [N, ...] -> [R, ...].
  Tensor of(const Tensor& per_sample) const { return per_sample.index_select(0, sample); }
};

/// A loss to be maximised, [R]. The host may compact, cut, repeat and reorder rows, so a loss reads
/// labels from `rows`, and whatever it captures is per sample ([N, ...]) and read by rows.of().
using Loss = std::function<Tensor(const Outputs&, const Rows&)>;

/// How much of the target an attack may see; each tier includes the ones before it.
enum class Access {
  kNone,      ///< nothing: random noise, inputs made elsewhere
  kDecision,  ///< classes
  kScore,     ///< logits and losses
  kGradient   ///< gradients
};

/// What an attack is after.
enum class Goal {
  kUntargeted,   ///< any wrong answer
  kTargeted,     ///< the class `target`
  kHypocritical  ///< the true class, for an input that is misclassified (Tao et al., 2022)
};

/// What is averaged over the draws of one query.
enum class Average {
  kLoss,         ///< the loss (EPGD: Nemcovsky et al., 2022)
  kProbability,  ///< class probabilities (SmoothAdv: Salman et al., 2019)
  kLogit,        ///< logits
  /// What the defense itself counts, as shares whose logarithms are the logits (probabilities where
  /// nothing votes). Hard ballots have no gradient.
  kBallot
};

/// The noise of a query.
enum class Draw {
  kFresh,  ///< new noise every query
  kFixed,  ///< equal key, equal noise
  kOff     ///< normals are 0, uniforms 1/2
};

/// One number a row made to broadcast over images: [R] -> [R, 1, 1, 1].
GAUNTLET_API Tensor per_image(const Tensor& per_row);

}  // namespace gauntlet
