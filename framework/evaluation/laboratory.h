// Models and plugins of a run, loaded once and kept.
#pragma once
#include <exception>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "evaluation/defended_model.h"
#include "evaluation/fit_memory.h"
#include "evaluation/judge.h"
#include "evaluation/kept_tensors.h"
#include "evaluation/rules.h"
#include "evaluation/run_memory.h"
#include "evaluation/training_images.h"
#include "library/plugin_library.h"
#include "registry/registry.h"
#include "suite/suite.h"

namespace gauntlet::evaluation {

class Laboratory final : public Environment {
 public:
  Laboratory(const library::PluginLibrary& plugins, const registry::Registry& registry,
             at::Device device)
      : plugins_(plugins), registry_(registry), device_(device) {}

  /// The defended model of a suite's row: network, weights, layer plugins, wrappers; probed on the
  /// first images of `data`, and fitted where a wrapper learns. Throws BadInput; what a plugin of
  /// the row does wrong on the way, with its name, and the same every time it is asked for.
  DefendedModel& defended(const suite::DefenseSpec& spec, const data::Dataset& data);
  /// The same by the row's name; null if it was not loaded yet.
  const DefendedModel* known(const std::string& row) const {
    const auto place = defended_.find(row);
    return place == defended_.end() ? nullptr : place->second.model.get();
  }
  /// What the row's plugins changed of the process while it was prepared; put back. Names as of
  /// ProcessState.
  const std::set<std::string>& changed_by(const std::string& row) { return defended_[row].changed; }
  /// What the row shares with others (share_passes()); null: nothing.
  SharedPasses* shared(const std::string& row) { return defended_[row].shared.get(); }
  void share(const std::string& row, std::shared_ptr<SharedPasses> passes) {
    defended_[row].shared = std::move(passes);
  }
  /// Puts back the tensors of the models that were asked for since the last call. The first that
  /// had been written to, with its model; empty: none.
  std::string put_back();
  /// A registry model with its layer plugins and the reference's wrappers; kept by both.
  DefendedModel& model(const ModelRef& ref) override;
  std::unique_ptr<Attack> attack(const Use& use) override;
  /// As lend_samples_of() says. Throws BadInput with samples_problem(), or for damaged files.
  Batch samples(int64_t n) override;

  /// The judge's result on clean inputs, one per defense, seed and batch; attacks share it.
  const Verdict& clean(const suite::DefenseSpec& spec, DefendedModel& model,
                       const CraftBatch& batch, uint64_t seed, int64_t trials);

  const library::PluginLibrary& plugins() const { return plugins_; }
  const registry::Registry& registry() const { return registry_; }
  at::Device device() const { return device_; }
  /// Images that transfer sources are probed on; set before the first cell.
  void probe_with(const data::Dataset& data);
  /// The data set whose training images attacks may know (Host::samples); set before the first
  /// cell. `split`: the one that is attacked, never lent.
  void lend_samples_of(const registry::DatasetEntry& entry, const std::string& split);
  /// Why attacks get none, one sentence; empty: they do.
  std::string samples_problem() const;
  /// The same for one that may ask for none, with their count; empty: it lacks nothing.
  std::string samples_problem(const Use& attack) const;
  /// Null before lend_samples_of().
  const std::shared_ptr<TrainingImages>& lent_samples() const { return samples_; }
  /// What knows the fits of other runs, from now on; without it every wrapper is fitted.
  void remember_fits(std::unique_ptr<FitMemory> memory) { fits_ = std::move(memory); }

 private:
  struct Prepared {
    std::shared_ptr<DefendedModel> model;
    KeptTensors kept;
    std::set<std::string> changed;
    std::shared_ptr<SharedPasses> shared;
    std::exception_ptr failure;  // of its plugins
    bool lent = false;           // since put_back()
  };

  struct NewFit {
    TrainingImages images;
    DefendedModel::Fitted states;  // that are in nobody's memory
    std::vector<Use> attacks;      // that the fits asked for
  };

  std::shared_ptr<DefendedModel> build(const registry::ModelEntry& entry,
                                       const std::vector<Use>& stack);
  void fill(const registry::ModelEntry& entry, const Use& use, Defense& wrapper) const;
  NewFit fit(DefendedModel& model, const registry::ModelEntry& entry,
             const std::vector<Use>& stack);
  Prepared prepare(const registry::ModelEntry& entry, const std::vector<Use>& stack,
                   const Tensor& probe_x);
  DefendedModel& prepared(Prepared& place, const registry::ModelEntry& entry,
                          const std::vector<Use>& stack, const Tensor& probe_x);

  const library::PluginLibrary& plugins_;
  const registry::Registry& registry_;
  const at::Device device_;
  Tensor probe_x_;
  std::shared_ptr<TrainingImages> samples_;
  std::string attacked_split_;
  std::unique_ptr<FitMemory> fits_;
  std::map<std::string, Prepared> defended_, models_;
  std::map<std::string, Verdict> clean_;
};

/// Throws BadInput where an entry's weights file is absent or is not the one it declares.
void verify_weights(const registry::ModelEntry& entry);

/// Builds the network of an entry, lets layer plugins declare their tensors, and loads the weights.
/// Throws BadInput: absent file, wrong hash, names and shapes that do not fit.
std::shared_ptr<models::Network> load_network(const registry::ModelEntry& entry,
                                              const library::PluginLibrary& plugins,
                                              std::vector<std::shared_ptr<Defense>>& layer_plugins);

}  // namespace gauntlet::evaluation
