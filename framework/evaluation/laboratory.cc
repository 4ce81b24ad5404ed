#include "evaluation/laboratory.h"

#include "base/bad_input.h"
#include "base/sha256.h"
#include "host/plugin_architecture.h"
#include "models/weights.h"

namespace gauntlet {
namespace {

constexpr int64_t kProbeImages = 8;
constexpr int64_t kFitImages = 1000;

// Lends a fitting wrapper the model it wraps and validation data: the last images of the training
// split.
class HostFitting final : public Fitting {
 public:
  HostFitting(DefendedModel& model, Batch batch, Environment& environment)
      : model_(model), batch_(std::move(batch)), environment_(environment) {}
  View& model() override { return model_; }
  Batch data() override { return batch_; }
  Tensor attack(const Use& use, const Batch& batch, const ThreatModel& threat) override {
    CraftRules rules;
    rules.track = rules.suggested = false;
    rules.defense_stream = Stream::kFit;
    return craft(*environment_.attack(use), model_, {batch.x, batch.y, batch.sample}, threat, rules,
                 environment_)
        .x;
  }

 private:
  DefendedModel& model_;
  Batch batch_;
  Environment& environment_;
};
}  // namespace

void verify_weights(const ModelEntry& entry) {
  if (!std::filesystem::exists(entry.weights))
    throw BadInput("model '" + entry.id + "': " + absent_weights(entry));
  if (!entry.sha256.empty())
    if (const std::string found = sha256_of_file(entry.weights); found != entry.sha256)
      throw BadInput("model '" + entry.id + "': " + entry.weights.string() + " has SHA-256 " +
                     found + ", the entry declares " + entry.sha256);
}

std::shared_ptr<Network> load_network(const ModelEntry& entry, const PluginLibrary& plugins,
                                      std::vector<std::shared_ptr<Defense>>& layer_plugins) {
  verify_weights(entry);
  std::shared_ptr<Network> network =
      build_network(with_architecture(entry.network, LibraryCatalogue(plugins)));
  for (const Use& use : entry.layer_plugins) {
    std::shared_ptr<Defense> plugin = plugins.defense(use.plugin, use.with);
    auto* perturbs = dynamic_cast<PerturbsLayers*>(plugin.get());
    if (!perturbs)
      throw BadInput("model '" + entry.id + "': layer_plugins: '" + use.plugin +
                     "' does not perturb layers");
    network->declare(*perturbs, use.plugin);
    layer_plugins.push_back(std::move(plugin));
  }
  load_weights(*network, entry.weights);
  network->set_trainable(false);
  network->weights_changed();
  return network;
}

std::shared_ptr<DefendedModel> Laboratory::build(const ModelEntry& entry,
                                                 const std::vector<Use>& stack) {
  std::vector<std::shared_ptr<Defense>> layer_plugins;
  std::shared_ptr<Network> network = load_network(entry, plugins_, layer_plugins);
  network->to(device_);
  std::vector<DefendedModel::Wrapper> wrappers;
  for (const Use& use : stack)
    wrappers.push_back({use.plugin, plugins_.defense(use.plugin, use.with)});
  return std::make_shared<DefendedModel>(network, std::move(layer_plugins), std::move(wrappers));
}

void Laboratory::probe_with(const Dataset& data) {
  probe_x_ = data.x(torch::arange(std::min(kProbeImages, data.size()))).to(device_);
}

DefendedModel& Laboratory::defended(const DefenseSpec& spec, const Dataset& data) {
  auto& known = defended_[spec.name];
  if (known) return *known;
  auto model = build(spec.model, spec.stack);
  if (model->fits()) fit(*model, spec.model);
  model->probe(data.x(torch::arange(std::min(kProbeImages, data.size()))).to(device_));
  return *(known = std::move(model));
}

DefendedModel& Laboratory::model(const ModelRef& ref) {
  auto& known = models_[to_text(detail::ParamTraits<ModelRef>::wrap(ref))];
  if (known) return *known;
  const ModelEntry entry = registry_.model(ref.id);
  auto model = build(entry, ref.stack);
  if (model->fits()) fit(*model, entry);
  if (probe_x_.defined()) model->probe(probe_x_);
  return *(known = std::move(model));
}

std::unique_ptr<Attack> Laboratory::attack(const Use& use) {
  return plugins_.attack(use.plugin, use.with);
}

const Verdict& Laboratory::clean(const DefenseSpec& spec, DefendedModel& model,
                                 const CraftBatch& batch, uint64_t seed, int64_t trials) {
  const Tensor index = batch.index.cpu().contiguous();
  std::string key = spec.name + '\0' + std::to_string(seed) + '\0' + std::to_string(trials) + '\0';
  key.append(static_cast<const char*>(index.const_data_ptr()), size_t(index.nbytes()));
  const auto [it, fresh] = clean_.try_emplace(key);
  if (fresh) {
    it->second = judge(model, batch.x, batch.y, batch.index, seed, Stream::kClean, trials);
  }
  return it->second;
}

void Laboratory::fit(DefendedModel& model, const ModelEntry& entry) {
  const Dataset train = registry_.load(entry.dataset, "train");
  const int64_t count = std::min(kFitImages, train.size());
  const Tensor index = torch::arange(train.size() - count, train.size());
  HostFitting fitting(
      model, {train.x(index).to(device_), train.y(index).to(device_), index.to(device_)}, *this);
  model.fit(fitting);
}

}  // namespace gauntlet
