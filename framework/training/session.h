// The host's side of a training method: network, optimizers, noise and state behind Training.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "evaluation/defended_model.h"
#include "gauntlet/training.h"
#include "training/optimizer.h"
#include "training/recipe.h"

namespace gauntlet::training {

/// What is trained, and with what.
struct TrainingParts {
  std::shared_ptr<models::Network> network;
  std::vector<std::shared_ptr<Defense>> layer_plugins;  ///< have declared their tensors
  std::vector<evaluation::DefendedModel::Wrapper> stack =
      {};                           ///< worn by the network in every pass
  std::shared_ptr<Defense> method;  ///< is a Trains; empty: cross-entropy
  std::string method_name = "method";
  /// Other models, frozen; empty: none are lent.
  std::function<evaluation::DefendedModel&(const ModelRef&)> source = {};
  /// What a base model learned beside its network, as registry::LearnedEntry names it: wrappers and
  /// a method that are in it begin with it.
  std::map<std::string, Tensor> learned = {};
  std::function<std::unique_ptr<Attack>(const Use&)> make_attack;
};

using NamedTensors = std::map<std::string, Tensor>;
/// Of names of what was learned beside a network, those of the method's own tensors.
inline const std::string kMethodPrefix = "method:";
/// The entries "<prefix>/…", without the prefix; and the other way round.
NamedTensors below(const NamedTensors& all, const std::string& prefix);
void add_all(NamedTensors& to, const std::string& prefix, const NamedTensors& from);

class TrainingSession final : public Training {
 public:
  TrainingSession(const Recipe& recipe, TrainingParts parts);
  ~TrainingSession() override;

  /// Calls the method's prepare(). `saved` is what save() gave, or empty for a new training. Throws
  /// BadInput for optimizers of the recipe that train nothing.
  void start(Trains& method, const NamedTensors& saved);
  /// Weights, optimizers, the method's own parameters and state.
  NamedTensors save() const;
  /// The method's own parameters.
  NamedTensors method_tensors() const;
  /// What wrappers learn, and a method that learns as a wrapper: "<plugin>.<name>".
  NamedTensors wrapper_tensors() const;
  /// The same as they are optimised: "wrapper/<plugin>.<name>".
  const std::vector<models::NamedTensor>& learned() const { return learned_; }
  /// Values for all of them, by the names of wrapper_tensors(). Throws BadInput.
  void restore_wrappers(const NamedTensors& saved, const std::string& source);
  /// Whether gradients of what is trained are computed: of the network and of wrappers.
  void set_trainable(bool on);

  void begin_batch(const Batch& batch, int64_t step, double epoch, double learning_rate);
  const Batch& batch() const { return batch_; }
  double loss() const { return loss_; }         ///< the batch's last loss of "main"
  int64_t correct() const { return correct_; }  ///< in the batch's last forward pass over all of it
  bool rejected() const { return rejected_; }   ///< the method rejected the epoch that has ended

  /// Adversarial inputs as attack() finds them, with a seed of the caller's. `use` may carry
  /// InnerKeys.
  Tensor craft_with(const Use& use, const Batch& batch, const Inner& inner, uint64_t seed,
                    models::Mode mode);
  /// Batch statistics anew: their mean over batches of these samples, which are not augmented.
  void estimate_statistics(const data::Dataset& data, const Tensor& samples);
  /// Evaluation mode, no graph, this noise.
  Outputs predict_with(const Tensor& x, const Noise& noise);

  Outputs forward(const Tensor& x, const Pass& pass) override;
  Outputs predict(const Tensor& x, const Pass& pass) override;
  Tensor attack(const Use& use, const Batch& batch, const Inner& inner) override;
  std::vector<Tensor> minimise(const Tensor& loss, const std::vector<Tensor>& also,
                               const std::string& name) override;
  Parameters& parameters() override;
  const std::vector<Layer>& layers() const override { return parts_.network->layers(); }
  View& source(const ModelRef& ref) override;
  Tensor& state(const std::string& name) override { return state_[name]; }
  const ThreatModel& threat() const override;
  Noise noise() override;
  double epoch() const override { return epoch_; }
  bool stochastic() const override { return model_.stochastic(); }
  int64_t batch_norm_branches() const override { return parts_.network->batch_norm_branches(); }
  void reject_epoch() override { rejected_ = true; }

 private:
  class OwnParameters;
  class Surroundings;
  class Source;

  models::Mode training_mode() const;
  void check_pass(const Pass& pass) const;
  Optimizer& optimizer(const std::string& name);
  /// The noise of one forward pass over R rows of the batch.
  Noise layer_noise(int64_t rows, const Pass& pass);
  /// Where fixed draws of this batch come from, for these samples.
  Noise fixed_noise(const Tensor& samples) const;
  void declare_wrappers();
  void check_optimizers() const;
  void restore_values(const NamedTensors& saved);

  const Recipe& recipe_;
  TrainingParts parts_;
  evaluation::DefendedModel
      model_;  // the network in its stack: what is trained, and what inner attacks see
  std::optional<ThreatModel> threat_;
  std::map<std::string, Optimizer> optimizers_;
  std::vector<models::NamedTensor> learned_;
  std::unique_ptr<OwnParameters> own_;
  std::unique_ptr<Surroundings> surroundings_;
  std::map<std::string, std::unique_ptr<Attack>> attacks_;  // by parameters
  std::map<std::string, std::unique_ptr<Source>> sources_;  // by reference
  NamedTensors state_;

  Batch batch_;
  int64_t step_ = 0, calls_ = 0;  // calls of this batch: each pass has noise of its own
  double epoch_ = 0, learning_rate_ = 0, loss_ = 0;
  int64_t correct_ = 0;
  bool rejected_ = false;
};

}  // namespace gauntlet::training
