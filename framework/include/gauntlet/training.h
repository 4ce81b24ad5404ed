/// @file
/// The ability to train a network, and what the host lends for it.
#pragma once
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "gauntlet/defense.h"

namespace gauntlet {

/// How a pass of training runs.
struct Pass {
  /// kFixed: all that the defense draws is draw `draw` of this key of the batch, the same in every
  /// pass and in attacks with this key. Of x with m times the rows of the batch, one copy after the
  /// other, copy i has the row noise of draw `draw` + i.
  Draw noise = Draw::kFresh;
  int64_t key = 0;   ///< of Draw::kFixed: 0 to 2^22 - 1
  int64_t draw = 0;  ///< of Draw::kFixed: 0 to 2^20 - 1
  /// Of the network's batch norms, below Training::batch_norm_branches(): kinds of inputs that are
  /// told apart have statistics, and weights, of their own (AdvProp: Xie et al., 2020,
  /// https://arxiv.org/abs/1911.09665). Answers of the trained network are of branch 0.
  int64_t branch = 0;
};

/// How training runs its attack.
struct Inner {
  std::optional<Loss> loss = {};  ///< what it maximises; unset: the attack's own
  Tensor epsilon = {};            ///< [1, 1, 1, 1] or [B, 1, 1, 1]; undefined: the recipe's
  bool training_mode = false;     ///< batch statistics instead of running ones
  /// What its queries for fresh noise get: of a fixed key the draws 0, 1, … of each query, so that
  /// the noise of the attack is the noise of the update (SmoothAdv: Salman et al., 2019,
  /// https://arxiv.org/abs/1906.04584); `draw` stays 0. And the branch that it attacks.
  Pass pass = {};
};

/// The host's side of training: network, optimizers, schedule, noise, state; all of it is
/// checkpointed.
struct GAUNTLET_API Training : Interface {
  /// Training mode, differentiable. Throws std::invalid_argument for a pass that cannot be.
  virtual Outputs forward(const Tensor& x, const Pass& = {}) = 0;
  /// Evaluation mode, no graph.
  virtual Outputs predict(const Tensor& x, const Pass& = {}) = 0;
  /// Adversarial inputs for the batch, with the defense's noise live; detached.
  virtual Tensor attack(const Use&, const Batch&, const Inner& = {}) = 0;
  /// One backward pass and one step of that optimizer, of the loss and the layer plugins'
  /// penalties; returns the gradients in `also` of the same pass.
  virtual std::vector<Tensor> minimise(const Tensor& loss, const std::vector<Tensor>& also = {},
                                       const std::string& optimizer = "main") = 0;
  /// Trained tensors of the method's own, by name; saved with the model. A method that continues
  /// a model of its own (`from` in a recipe) gets them with that model's values. What a method
  /// declares as Learns is trained in the same way, and is its wrapper's in a suite.
  virtual Parameters& parameters() = 0;
  /// A tensor kept between steps and in checkpoints; undefined at first.
  virtual Tensor& state(const std::string& name) = 0;
  /// The network's convolutions and linear layers in forward order, with their weights and what
  /// plugins declared there: to be read, and to be part of a loss. Penalties of layer plugins are
  /// added by minimise() already.
  virtual const std::vector<Layer>& layers() const {
    throw std::logic_error("Training: no layers can be looked at here");
  }
  /// Another model, which a parameter of the method names (a ModelRef), with the stack around it:
  /// for distillation. In evaluation mode, frozen. pass() is one draw, through the stack, with
  /// noise of its own; it is differentiable in x. The same reference gives the same view, as long
  /// as the training lasts. Throws BadInput for a model that no parameter names.
  virtual View& source(const ModelRef&) {
    throw std::logic_error("Training: no other model is lent here");
  }
  /// The recipe's threat.
  virtual const ThreatModel& threat() const = 0;
  virtual Noise noise() = 0;         ///< of this batch
  virtual double epoch() const = 0;  ///< 12.5: half of the 13th
  /// Whether two passes over one input may differ: there is noise in the layers.
  virtual bool stochastic() const { return false; }
  /// Branches of the network's batch norms, as the recipe asks for them (batchnorm_branches).
  virtual int64_t batch_norm_branches() const { return 1; }
  /// To be called in epoch_end(), not of the first epoch: the epoch was a failure. Training ends;
  /// what was selected, or the weights as they were, before it counts.
  virtual void reject_epoch() { throw std::logic_error("Training: no epoch can be rejected here"); }
};

/// A training method: override loss(), or step() for a rhythm of its own.
struct GAUNTLET_API Trains : Interface {
  /// Before the first step: the place for parameters of the method's own.
  virtual void prepare(Training&) {}
  /// Scalar, to be minimised.
  virtual Tensor loss(Training&, const Batch&) {
    throw std::logic_error("Trains: neither loss() nor step() is written");
  }
  /// One batch: a backward pass and a step of the main optimizer, unless a method has its own.
  virtual void step(Training& training, const Batch& batch) {
    training.minimise(loss(training, batch));
  }
  /// False: stop training.
  virtual bool epoch_end(Training&) { return true; }
};

}  // namespace gauntlet
