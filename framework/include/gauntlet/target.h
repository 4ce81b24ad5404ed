/// @file
/// The one door from an attack to the defended model.
#pragma once
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "gauntlet/losses.h"
#include "gauntlet/types.h"

namespace gauntlet {

/// More was asked than the suite grants this attack. The cell is reported as an error.
struct GAUNTLET_API AccessError : std::logic_error {
  using logic_error::logic_error;
  ~AccessError() override;
};
/// Thrown by a query when none of its samples is active any more; plugins do not catch it.
struct GAUNTLET_API TaskOver {};

/// How a target is to be asked.
struct Query {
  Tensor rows = {};                   ///< [R] sample of each row of x; undefined: row i is sample i
  std::optional<int64_t> draws = {};  ///< unset: what the suite says, for every attack alike
  std::optional<Average> average = {};  ///< unset: the suite's, else the defense's, else the loss
  Draw noise = Draw::kFresh;            ///< which noise the defense draws
  int64_t key = 0;                      ///< of Draw::kFixed
  /// Values of the network that losses see in Outputs::heads, by name. They are of single draws:
  /// with several, `average` must be kLoss. Throws std::invalid_argument where it is not, in
  /// queries without a loss, and for a name that the network has not.
  std::vector<std::string> features = {};
};

/// What one loss gives for R rows.
struct Gradient {
  Tensor x;         ///< [R, C, H, W], of the summed loss
  Tensor loss;      ///< [R]
  Outputs outputs;  ///< of the same pass, averaged over the draws
};

/// What an attack may know of its target before it asks.
struct TargetFacts {
  int64_t classes = 0;                     ///< K
  bool stochastic = false;                 ///< derived by the host from the whole stack and probed
  bool surrogate = false;                  ///< gradients are of a differentiable stand-in
  bool refuses = false;                    ///< a detector may answer "adversarial"
  std::vector<std::string> features = {};  ///< names that Query::features may hold
};

/// The defended model as an attack sees it. The host counts and limits passes per sample, tracks
/// the best input, compacts, folds and averages; autograd is off around it. A row of an inactive
/// sample costs nothing and gets its last logits, loss 0 and gradient 0. Every query throws
/// AccessError below its tier, TaskOver when no sample it asks about is active,
/// std::invalid_argument for inputs that are not [R, C, H, W].
struct GAUNTLET_API Target : Interface {
  /// The same during the whole task; free.
  virtual TargetFacts facts() const = 0;
  /// Draws behind one decision of the whole defense; free. What asks neither for it, nor for
  /// decisions, nor for means of ballots attacks every vote over the same draws alike: the host
  /// runs it once for all of them.
  virtual int64_t mc_samples() const = 0;
  /// [R] class, -1 refused: what the real defense answers, with all its votes. Access::kDecision.
  virtual Tensor decisions(const Tensor& x, const Query& = {}) = 0;
  /// Logits averaged over the draws. Access::kScore.
  virtual Outputs scores(const Tensor& x, const Query& = {}) = 0;
  /// [R], forward passes only. Access::kScore.
  virtual Tensor losses(const Tensor& x, const Loss&, const Query& = {}) = 0;
  /// Gradients of several losses of one forward pass. Access::kGradient.
  virtual std::vector<Gradient> gradients(const Tensor& x, const std::vector<Loss>&,
                                          const Query& = {}) = 0;
  /// [N, C, H, W]: the answer if the attack were stopped now. Free, and shows the attack nothing.
  virtual void propose(const Tensor& x) = 0;
  /// [N] bool: neither decided nor out of budget.
  virtual Tensor active() const = 0;
  /// [N] int64 passes.
  virtual Tensor budget_left() const = 0;

  /// Gradient of one loss. Access::kGradient.
  Gradient gradient(const Tensor& x, const Loss& loss, const Query& query = {}) {
    return gradients(x, {loss}, query).front();
  }
  /// Gradient in z where x = map(z), row by row: tanh space, patches, input diversity.
  Gradient gradient_through(const Tensor& z, const std::function<Tensor(const Tensor&)>& map,
                            const Loss& loss, const Query& query = {});
};

}  // namespace gauntlet
