// Gradient steps on named tensors.
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gauntlet/types.h"
#include "training/recipe.h"

namespace gauntlet::training {

/// SGD (momentum, Nesterov), Adam or AdamW with the conventions of torch.optim: weight decay is
/// added to the gradient (AdamW: taken off the weights), the first momentum buffer is the gradient
/// itself.
class Optimizer {
 public:
  explicit Optimizer(OptimizerSpec spec) : spec_(std::move(spec)) {}

  /// The tensor is changed in place by step(). weight_decay: unless a group says otherwise.
  void add(const std::string& name, const Tensor& parameter, bool weight_decay);
  /// In order of add().
  std::vector<Tensor> parameters() const;
  /// One gradient a parameter; an undefined one leaves its parameter alone.
  void step(const std::vector<Tensor>& gradients, double learning_rate);

  /// Patterns of groups that match no parameter.
  std::vector<std::string> idle_patterns() const;

  /// Momentum and counters by "<parameter>/<what>".
  std::map<std::string, Tensor> state() const;
  /// Of a parameter that is absent in `state`: none.
  void restore(const std::map<std::string, Tensor>& state);

 private:
  struct Slot {
    std::string name;
    Tensor parameter;
    double weight_decay, learning_rate_factor;
    Tensor first, second;  // momentum; Adam: both moments
    int64_t steps = 0;
  };
  Tensor sgd_direction(Slot& slot, const Tensor& gradient) const;
  Tensor adam_direction(Slot& slot, const Tensor& gradient) const;

  OptimizerSpec spec_;
  std::vector<Slot> slots_;
};

/// Scales gradients in place so that their joint 2-norm is at most `limit`; returns the norm
/// before. One that is not finite leaves them as they are.
double clip_gradients(const std::vector<Tensor>& gradients, double limit);

}  // namespace gauntlet::training
