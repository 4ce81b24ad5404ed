/// @file
/// What a defense plugin implements: any mix of these abilities, found by dynamic_cast.
#pragma once
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "gauntlet/attack.h"

namespace gauntlet {

/// Root of defenses. It can do nothing by itself: a plugin adds abilities from below.
struct GAUNTLET_API Defense : Interface {};

/// A convolution or linear layer of the network. Layers belong to the host.
struct Layer {
  /// What the layer computes.
  enum class Kind {
    kConv,                                ///< a convolution in two dimensions
    kLinear                               ///< a matrix
  } kind = Kind::kConv;                   ///< which of them this one is
  std::string name;                       ///< of its tensors in the state dict, without ".weight"
  int64_t index = 0,                      ///< 0 is the first layer, count - 1 the last
      count = 0;                          ///< layers of the network
  std::vector<int64_t> weight_shape;      ///< [out, in, kh, kw] or [out, in]
  std::vector<int64_t> input,             ///< shape of the activations it reads, without the batch
      output;                             ///< and of those it gives
  std::map<std::string, Tensor> learned;  ///< what declare() added, as trained
  /// [weight_shape...], before any plugin's weight(); differentiable in training. To be read only.
  Tensor weight;
};

/// A place where the network activates values.
struct Activation {
  int64_t index = 0,           ///< 0 is the first activation, count - 1 the last
      count = 0;               ///< activations of the network
  std::vector<int64_t> shape;  ///< of the values, without the batch
};

/// Where plugins put tensors that are trained and saved with the model.
struct GAUNTLET_API Parameters : Interface {
  /// A tensor under a name, with the values it starts from. `optimizer` names one of the recipe's;
  /// "main" is the one that trains the network.
  virtual void add(const std::string& name, const Tensor& initial, bool weight_decay = true,
                   const std::string& optimizer = "main") = 0;
};

/// What a wrapper stands in front of.
struct Wrapped {
  std::vector<int64_t> image;  ///< [C, H, W] of its images
  int64_t classes = 0;         ///< K
};

/// A wrapper with tensors of its own: learned denoisers, purifiers, detectors. A recipe that has it
/// in its stack, or as its method, trains them with the network and saves them with the model. In
/// a suite's stack on that model the wrapper has them again. Gradients of training flow through
/// surrogate(), which is forward() unless the wrapper says otherwise.
struct GAUNTLET_API Learns : Interface {
  /// Called once, before the first pass: what is trained. Values are float32.
  virtual void declare(const Wrapped&, Parameters&) = 0;
  /// What declare() added, by name, as trained. The tensors are the host's: to be read only.
  std::map<std::string, Tensor> learned;
};

/// Told how the network normalises its images, before the defense sees any: for noise in
/// normalised space.
struct GAUNTLET_API KnowsNormalisation : Interface {
  /// mean, std: [1, C, 1, 1], in units of the input.
  virtual void normalisation(const Tensor& mean, const Tensor& std) = 0;
};

/// Noise or reparametrisation inside layers (PNI, CNI, RSE). A hook that returns its very argument
/// is taken out. output() comes before batch norm, so a layer that uses it is not folded.
struct GAUNTLET_API PerturbsLayers : Interface {
  /// Called once for each layer, before the first pass: what is trained there beside the weights.
  virtual void declare(const Layer&, Parameters&) {}
  /// The weight to use in this pass: [weight_shape...].
  virtual Tensor weight(const Layer&, const Tensor& w, Noise&) { return w; }
  /// The activations the layer is to read: [R, input...].
  virtual Tensor input(const Layer&, const Tensor& a, Noise&) { return a; }
  /// The activations to go on with: [R, output...], with the bias in them.
  virtual Tensor output(const Layer&, const Tensor& a, Noise&) { return a; }
  /// What stands in the place of an activation (k-WTA, Sparta), from the values [R, shape...] that
  /// would be activated. Returned as they are, they are activated by the network's own. Of several
  /// plugins the first that stands in counts.
  virtual Tensor activation(const Activation&, const Tensor& a, Noise&) { return a; }
  /// What training adds to every loss it minimises: one number, [], differentiable in layer.learned
  /// and layer.weight (the KL divergence of a posterior, an L2 penalty). Undefined: nothing. Not
  /// asked outside of training.
  virtual Tensor penalty(const Layer&) { return {}; }
  /// A row's result depends on the other rows of the batch (PNI-A: scale taken over the batch).
  virtual bool couples_rows() const { return false; }
};

/// Purifiers, denoisers, random transforms of the input.
struct GAUNTLET_API TransformsInput : Interface {
  /// What the network sees instead of x: [R, C, H, W].
  virtual Tensor forward(const Tensor& x, Noise&) = 0;
  /// The backward path where forward() has no useful gradient (BPDA); gets the same noise.
  virtual Tensor surrogate(const Tensor& x, Noise& noise) { return forward(x, noise); }
};

/// Smoothing wrappers: the host draws, adds up ballots, stops early when nothing can change.
struct GAUNTLET_API Votes : Interface {
  /// Draws behind one decision: 1 to 2^20 - 1.
  virtual int64_t mc_samples() const = 0;
  /// The input of one draw: [R, C, H, W].
  virtual Tensor perturb(const Tensor& x, Noise&) { return x; }
  /// [R, K] of one draw.
  virtual Tensor ballot(const Outputs& one_draw) = 0;
  /// The most one ballot puts one class ahead of another; bounds early stops.
  virtual double lead() const { return std::numeric_limits<double>::infinity(); }
  /// What gradient attacks average unless the suite says otherwise.
  virtual Average surrogate() const { return Average::kProbability; }
  /// Parameters of the plugin that perturb() does not read, such as mc_samples. Rows of a suite
  /// that differ in these alone share draws, and the attacks that do not see the vote.
  virtual std::vector<std::string> ballot_only() const { return {}; }
};

/// Read access to the defended model, for scoring, fitting and certifying.
struct GAUNTLET_API View : Interface {
  /// One draw, without the detector that asks; differentiable. `features`: values of the network
  /// that Outputs::heads is to hold, by name. Throws BadInput for one that the network has not.
  virtual Outputs pass(const Tensor& x, const std::vector<std::string>& features = {}) = 0;
  /// [R, K] sum of the ballots of so many fresh draws; without a vote each is 1 for the best class.
  /// Every draw perturbs x anew and passes the wrappers inside the vote; a detector's x has done so
  /// already. No call sees the noise of another. 0 < draws < 2^20.
  virtual Tensor ballots(const Tensor& x, int64_t draws) = 0;
};

/// Asks for values inside the network: they are in Outputs::heads of what score() and ballot() are
/// given, of what View::pass() gives, and of what a suggested loss is given of a single draw.
struct GAUNTLET_API ReadsFeatures : Interface {
  /// Their names, as architectures and NetworkBuilder::feature() give them; asked once.
  virtual std::vector<std::string> features() const = 0;
};

/// Detectors.
struct GAUNTLET_API Refuses : Interface {
  /// [R], > 0 refused.
  virtual Tensor score(const Tensor& x, const Outputs&, View&) = 0;
};

/// What the host lends to a defense that is fitted.
struct GAUNTLET_API Fitting : Interface {
  /// The defended model below this defense.
  virtual View& model() = 0;
  virtual Batch data() = 0;  ///< validation data the defense may see: the last 1,000, or data(n)
  /// The last n images of the training split, [n, C, H, W]: detectors that hold densities or
  /// neighbours of every class need more than 1,000. Throws ParamError for more than there are.
  virtual Batch data(int64_t n);
  /// For defenses that learn from adversarial inputs; the attack sees the defense as it is now.
  virtual Tensor attack(const Use&, const Batch&, const ThreatModel&) = 0;
};

/// Thresholds, SVMs, sigma.
struct GAUNTLET_API Fits : Interface {
  /// False: these parameters leave nothing to fit, and no validation data are needed.
  virtual bool wanted() const { return true; }
  /// Chooses what is left open, and puts it into `state`.
  virtual void fit(Fitting&) = 0;
  /// Called in the place of fit() where `state` holds what an earlier fit() left on the very same:
  /// plugin, parameters, model and data. Takes from it what else this object keeps. True: it then
  /// answers bit for bit as after that fit(). False, where `state` is not all: fit() is called.
  virtual bool restore() { return false; }
  /// Filled by fit() before a run's first cell; reports show what is small.
  std::map<std::string, Tensor> state;
};

/// The defender says how to attack it best; the host runs the plain loss as well. One of the two
/// forms is to be written. Either is asked before each run, after fit(): Fits::state is filled.
struct GAUNTLET_API SuggestsLoss : Interface {
  /// To be maximised by attacks with this goal.
  virtual Loss adaptive_loss(Goal) {
    throw std::logic_error("SuggestsLoss: no adaptive_loss() is written");
  }
  /// The same for a loss that asks the defended model (matching the logits of another image, scores
  /// of a detector by class). The view lives as long as the loss, which may call it whenever it is
  /// called. It passes the whole defense, detector included, and row i of each call sees the same
  /// noise. Such passes count as executed, not among the queries that an attack is granted.
  virtual Loss adaptive_loss(Goal goal, View&) { return adaptive_loss(goal); }
};

/// What is known for certain of N samples.
struct Certificate {
  Tensor answer;  ///< [N] int64 class, -1 where it abstains
  Tensor radius;  ///< [N] L2 ball around the sample in which that is the answer; input units
};

/// Certified answers of what the defense decides. It is not shown the labels: a certificate holds
/// whatever the truth is.
struct GAUNTLET_API Certifies : Interface {
  /// Chance, in [0, 1), that the certificate of one sample does not hold; 0: none.
  virtual double alpha() const = 0;
  /// x: [N, C, H, W]; one certificate for each sample of it.
  virtual Certificate certify(const Tensor& x, View&, Noise&) = 0;
};

}  // namespace gauntlet
