// A training recipe as it was written: what `gauntlet train` reads.
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/names.h"
#include "library/plugin_catalogue.h"
#include "registry/registry.h"
#include "suite/suite.h"

namespace gauntlet::training {

/// Tensors with rules of their own. The first group that matches a tensor's name counts.
struct OptimizerGroup {
  std::vector<std::string> match;      ///< shell patterns: "*.bias", "layer3.*"
  std::optional<double> weight_decay;  ///< unset: the optimizer's, where the tensor is decayed
  double learning_rate_factor = 1;
};

struct OptimizerSpec {
  enum class Type { kSgd, kAdam, kAdamW } type = Type::kSgd;
  double weight_decay = 0;
  double momentum = 0;  ///< SGD
  bool nesterov = false;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;  ///< Adam, AdamW
  double learning_rate_factor = 1;                    ///< on what the schedule says
  std::vector<OptimizerGroup> groups;
};

struct ScheduleSpec {
  enum class Type { kConstant, kStep, kMultistep, kCosine, kOneCycle } type = Type::kConstant;
  double learning_rate = 0.1;      ///< the highest one
  double factor = 0.1;             ///< step, multistep: of each drop
  double every = 1;                ///< step: epochs between drops
  std::vector<double> milestones;  ///< multistep: epochs of the drops
  double warmup = 0.3;             ///< one_cycle: the fraction of all steps that rises
  double warmup_epochs = 0;        ///< the others: epochs that rise linearly to what is scheduled
  double start_factor = 0.04;      ///< of both rises: first learning rate / highest
  double final_factor = 0;         ///< cosine, one_cycle: last learning rate / highest
};

struct AugmentationSpec {
  int64_t crop_padding = 0;  ///< zeros around the image before a crop of its own size
  bool flip = false;         ///< left and right change places in half the cases
};

struct ValidationSpec {
  int64_t samples = 0;        ///< the last ones of the training split; they are never trained on
  std::optional<Use> attack;  ///< robust accuracy is of its last iterate; may carry InnerKeys
};

/// Of training passes and inner attacks. Weights, optimizer, batch statistics, losses and
/// validation are float32 in any case.
enum class Precision { kFloat32, kBFloat16 };
inline constexpr Name<Precision> kPrecisions[] = {{"float32", Precision::kFloat32},
                                                  {"bfloat16", Precision::kBFloat16}};

/// A running average of the weights, which is validated, selected and shipped in place of the
/// weights themselves.
struct AveragingSpec {
  enum class Type {
    kNone,
    kEma,  ///< after each step: average = decay * average + (1 - decay) * weights
    kSwa   ///< equal parts of the weights after each epoch, batch statistics measured anew.
           ///< Izmailov et al., 2018, https://arxiv.org/abs/1803.05407
  } type = Type::kNone;
  double decay = 0.999;   ///< EMA; min(decay, t / (9 + t)) at its t-th step, from 1
  double from_epoch = 0;  ///< earlier weights do not count
};
/// Those that a recipe can ask for.
inline constexpr Name<AveragingSpec::Type> kAveragings[] = {{"ema", AveragingSpec::Type::kEma},
                                                            {"swa", AveragingSpec::Type::kSwa}};

/// Which epoch's weights are shipped: the last one's, or those with the best accuracy on validation
/// samples, without an attack or under it. worst_clean takes the worst on purpose: of a fine-tuning
/// with a stronger attack, the "diverged" network, whose smoothed version gains most (Nemcovsky et
/// al., 2022). Of equal epochs the first counts; the weights before the first epoch never do.
enum class Selection { kLast, kBestClean, kBestRobust, kWorstClean };

struct Recipe {
  std::string id;  ///< of the resulting model: "fashion-mnist/at"
  std::string summary, licence, citation;
  std::string dataset;
  models::NetworkSpec network;
  std::vector<Use> layer_plugins;  ///< parameters canonical
  std::vector<Use> stack;          ///< wrappers worn in training, innermost first: input noise
  int64_t seed = 0;
  std::vector<int64_t> seeds;                ///< not empty: one training each, "<id>-seed<n>"
  std::optional<registry::ModelEntry> from;  ///< fine-tuning begins with these weights
  int64_t epochs = 1;
  int64_t batch_size = 128;
  int64_t samples =
      0;  ///< the first ones of the training split; 0: all that are not for validation
  OptimizerSpec optimizer;                          ///< "main"
  std::map<std::string, OptimizerSpec> optimizers;  ///< others a method names; absent: like main
  ScheduleSpec schedule;
  double gradient_clip = 0;  ///< largest global 2-norm of one step's gradients; 0: no limit
  AugmentationSpec augmentation;
  ValidationSpec validation;
  std::optional<suite::ThreatSpec> threat;
  std::optional<Use> method;  ///< a defense with Trains; its attacks may carry InnerKeys
                              ///< (suite/inner_keys.h); absent: cross-entropy
  Selection selection = Selection::kLast;
  int64_t patience = 0;  ///< epochs without a better one after which training stops; 0: never
  AveragingSpec averaging;
  Precision precision = Precision::kFloat32;
  std::filesystem::path file;
  std::string sha256;  ///< of the recipe file
  /// The registry's models that it begins with or that are lent to method and attacks: by id,
  /// model_identity() of each.
  std::map<std::string, std::string> models;
  std::set<std::string> sources;  ///< those that are lent
};

/// SHA-256 over all of an entry that changes an answer: the sums of its weights and of what was
/// trained beside it, architecture, normalisation, layer plugins.
std::string model_identity(const registry::ModelEntry& entry);

/// Parses and checks against data sets, architectures and the plugins' schemas. Throws one BadInput
/// that lists every problem, each as "file:line:column: what, expected, nearest valid name".
Recipe read_recipe(const std::filesystem::path& file, const library::PluginCatalogue& plugins,
                   const registry::Registry& registry);
Recipe read_recipe(const std::filesystem::path& file, const library::PluginLibrary& plugins,
                   const registry::Registry& registry);

}  // namespace gauntlet::training
