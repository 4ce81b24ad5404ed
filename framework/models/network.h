// Networks whose layers the host owns, so that plugins can perturb them, batch norm can be folded
// under weight noise, and draws can be frozen.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gauntlet/defense.h"
#include "gauntlet/network_builder.h"

namespace gauntlet::models {

/// What a registry entry or a suite says about a network.
struct NetworkSpec {
  std::string architecture;    ///< "sequential", "resnet20", …
  std::vector<int64_t> input;  ///< [C, H, W]
  int64_t classes = 0;
  std::vector<double> mean, std;  ///< per channel, in [0, 1] units; empty: none
  ParamMap options;               ///< the architecture's own: layers = […], shortcut = "A", …
  /// Set for an architecture that a plugin gives (library/plugin_architecture.h).
  std::function<void(NetworkBuilder&)> builds = {};
};

/// kTrain: batch statistics, differentiable in parameters. kEvaluate: running statistics.
/// kFolded: batch norm folded into the weights, no parameter gradients: the fast path of attacks.
/// The halves compute in bfloat16 with float32 weights, batch norm and logits: for training, and
/// for attacks that ask for it; the judge never does.
enum class Mode { kTrain, kEvaluate, kFolded, kTrainHalf, kFoldedHalf };
constexpr bool trains(Mode mode) { return mode == Mode::kTrain || mode == Mode::kTrainHalf; }
constexpr bool folds(Mode mode) { return mode == Mode::kFolded || mode == Mode::kFoldedHalf; }
constexpr bool halves(Mode mode) { return mode == Mode::kTrainHalf || mode == Mode::kFoldedHalf; }

/// A named tensor of a state dict. Trained ones require gradients in training only.
struct NamedTensor {
  std::string name;
  Tensor tensor;
  bool trained = true;       ///< false: running statistics
  bool weight_decay = true;  ///< false: biases, batch norm, and what plugins declare so
  std::string optimizer = "main";
  double batch_share = 1;  ///< running statistics: the share that a batch has in them (momentum)
  int64_t branch = 0;      ///< of batch norm
};

class Network {
 public:
  virtual ~Network() = default;

  virtual const NetworkSpec& spec() const = 0;
  /// [R, C, H, W] in [0, 1] -> logits [R, K]. `noise` is bound to each layer in turn; plugins act
  /// in the order given. `features`: values that come back as heads, float32; some of features().
  virtual Outputs forward(const Tensor& x, const Noise& noise,
                          const std::vector<PerturbsLayers*>& plugins, Mode mode,
                          const std::vector<std::string>& features = {}) = 0;
  /// Names of values that may be asked for, in forward order.
  virtual std::vector<std::string> features() const { return {}; }
  /// Branches of its batch norms: weights and running statistics for each kind of input (AdvProp:
  /// Xie et al., 2020, https://arxiv.org/abs/1911.09665).
  virtual int64_t batch_norm_branches() const { return 1; }
  /// Chooses the branch that passes go through, 0 but while a ThroughBranch lives; returns the one
  /// before.
  virtual int64_t use_branch(int64_t) { return 0; }
  /// In forward order.
  virtual const std::vector<Layer>& layers() const = 0;
  /// Lets a plugin add its learned tensors to every layer; `prefix` (the plugin's name) keeps names
  /// of two plugins apart: "<layer>.<prefix>.<name>".
  virtual void declare(PerturbsLayers& plugin, const std::string& prefix) = 0;
  /// All tensors by name, learned ones of plugins included; changing their values changes the
  /// network (call weights_changed() afterwards).
  virtual std::vector<NamedTensor> tensors() const = 0;
  /// Drops what was derived from the weights (folded copies).
  virtual void weights_changed() = 0;
  virtual void set_trainable(bool on) = 0;  ///< requires_grad of trained tensors
  /// One sentence that reports show beside its results; empty: none.
  virtual std::string remark() const { return ""; }
  virtual void to(at::Device device) = 0;
};

/// While it lives, passes go through this branch of the network's batch norms, and afterwards
/// through the one before: a pass may be asked for inside of an attack through another branch.
class ThroughBranch {
 public:
  /// 0 <= branch < network.batch_norm_branches().
  ThroughBranch(Network& network, int64_t branch)
      : network_(network), before_(network.use_branch(branch)) {}
  ~ThroughBranch() { network_.use_branch(before_); }
  ThroughBranch(const ThroughBranch&) = delete;
  ThroughBranch& operator=(const ThroughBranch&) = delete;

 private:
  Network& network_;
  int64_t before_;
};

/// Whether the network has batch norm, whose epsilon a state dict does not hold.
bool has_batch_norm(const Network& network);
/// Why these values cannot be asked for: one that the network has not, and those that it has;
/// empty: they can.
std::string features_problem(const Network& network, const std::vector<std::string>& features);
/// Forward multiply-adds of one image.
int64_t multiply_adds(const Network& network);

}  // namespace gauntlet::models
