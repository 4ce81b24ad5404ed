// Models and plugins of a run, loaded once and kept.
#pragma once
#include <exception>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "evaluation/craft.h"
#include "evaluation/judge.h"
#include "evaluation/kept_tensors.h"
#include "host/plugin_library.h"
#include "host/registry.h"
#include "host/suite.h"

namespace gauntlet {

class Laboratory final : public Environment {
 public:
  Laboratory(const PluginLibrary& plugins, const Registry& registry, at::Device device)
      : plugins_(plugins), registry_(registry), device_(device) {}

  /// The defended model of a suite's row: network, weights, layer plugins, wrappers; probed on the
  /// first images of `data`, and fitted where a wrapper learns. Throws BadInput; what a plugin of
  /// the row does wrong on the way, with its name, and the same every time it is asked for.
  DefendedModel& defended(const DefenseSpec& spec, const Dataset& data);
  /// The same, by the row's name; null before it was asked for.
  const DefendedModel* known(const std::string& row) const {
    const auto place = defended_.find(row);
    return place == defended_.end() ? nullptr : place->second.model.get();
  }
  /// What the row's plugins changed of the process while it was prepared; put back. Names as of
  /// ProcessState.
  const std::set<std::string>& changed_by(const std::string& row) { return defended_[row].changed; }
  /// Puts back the tensors of the models that were asked for since the last call. The first that
  /// had been written to, with its model; empty: none.
  std::string put_back();
  /// A registry model with its layer plugins and the reference's wrappers; kept by both.
  DefendedModel& model(const ModelRef& ref) override;
  std::unique_ptr<Attack> attack(const Use& use) override;

  /// The judge's verdict on clean inputs: one a defense, seed and batch, whatever attacks follow.
  const Verdict& clean(const DefenseSpec& spec, DefendedModel& model, const CraftBatch& batch,
                       uint64_t seed, int64_t trials);

  const PluginLibrary& plugins() const { return plugins_; }
  const Registry& registry() const { return registry_; }
  at::Device device() const { return device_; }
  /// What transfer sources are probed on; set before the first cell.
  void probe_with(const Dataset& data);

 private:
  struct Prepared {
    std::shared_ptr<DefendedModel> model;
    KeptTensors kept;
    std::set<std::string> changed;
    std::exception_ptr failure;  // of its plugins
    bool lent = false;           // since put_back()
  };

  std::shared_ptr<DefendedModel> build(const ModelEntry& entry, const std::vector<Use>& stack);
  void fit(DefendedModel& model, const ModelEntry& entry);
  Prepared prepare(const ModelEntry& entry, const std::vector<Use>& stack, const Tensor& probe_x);
  DefendedModel& prepared(Prepared& place, const ModelEntry& entry, const std::vector<Use>& stack,
                          const Tensor& probe_x);

  const PluginLibrary& plugins_;
  const Registry& registry_;
  const at::Device device_;
  Tensor probe_x_;
  std::map<std::string, Prepared> defended_, models_;
  std::map<std::string, Verdict> clean_;
};

/// Throws BadInput where an entry's weights file is absent or is not the one it declares.
void verify_weights(const ModelEntry& entry);

/// Builds the network of an entry, lets layer plugins declare their tensors, and loads the weights.
/// Throws BadInput: absent file, wrong hash, names and shapes that do not fit.
std::shared_ptr<Network> load_network(const ModelEntry& entry, const PluginLibrary& plugins,
                                      std::vector<std::shared_ptr<Defense>>& layer_plugins);

}  // namespace gauntlet
