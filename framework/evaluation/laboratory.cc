#include "evaluation/laboratory.h"

#include <fmt/format.h>

#include <optional>

#include "base/bad_input.h"
#include "base/sha256.h"
#include "evaluation/attack_facts.h"
#include "evaluation/host_fitting.h"
#include "evaluation/interrupted.h"
#include "evaluation/judge.h"
#include "evaluation/plugin_call.h"
#include "evaluation/process_state.h"
#include "gauntlet/params.h"
#include "library/plugin_architecture.h"
#include "models/architectures/build_network.h"
#include "models/architectures/load_weights.h"
#include "models/weights/weights.h"
#include "registry/learned_tensors.h"
#include "registry/search_path.h"

namespace gauntlet::evaluation {
namespace {

constexpr int64_t kProbeImages = 8;
}  // namespace

void verify_weights(const registry::ModelEntry& entry) {
  if (!std::filesystem::exists(entry.weights))
    throw BadInput("model '" + entry.id + "': " + absent_weights(entry));
  if (!entry.sha256.empty())
    if (const std::string found = sha256_of_file(entry.weights); found != entry.sha256)
      throw BadInput("model '" + entry.id + "': " + entry.weights.string() + " has SHA-256 " +
                     found + ", the entry declares " + entry.sha256);
}

std::shared_ptr<models::Network> load_network(
    const registry::ModelEntry& entry, const library::PluginLibrary& plugins,
    std::vector<std::shared_ptr<Defense>>& layer_plugins) {
  verify_weights(entry);
  std::shared_ptr<models::Network> network =
      build_network(with_architecture(entry.network, library::LibraryCatalogue(plugins)));
  for (const Use& use : entry.layer_plugins) {
    std::shared_ptr<Defense> plugin = plugins.defense(use.plugin, use.with);
    auto* perturbs = dynamic_cast<PerturbsLayers*>(plugin.get());
    if (!perturbs)
      throw BadInput("model '" + entry.id + "': layer_plugins: '" + use.plugin +
                     "' does not perturb layers");
    GuardedLayers guarded(use.plugin, *perturbs);
    network->declare(guarded, use.plugin);
    layer_plugins.push_back(std::move(plugin));
  }
  load_weights(*network, entry.weights);
  network->set_trainable(false);
  network->weights_changed();
  return network;
}

// What was trained for the wrapper, on the device.
void Laboratory::fill(const registry::ModelEntry& entry, const Use& use, Defense& wrapper) const {
  auto* learns = dynamic_cast<Learns*>(&wrapper);
  if (!learns) return;
  call_plugin("'" + use.plugin + "'", "declare", {}, [&] {
    registry::fill_learned(entry, use, plugins_.schema("defense", use.plugin), wrapper);
    return true;
  });
  for (auto& [name, tensor] : learns->learned) tensor = tensor.to(device_);
}

std::shared_ptr<DefendedModel> Laboratory::build(const registry::ModelEntry& entry,
                                                 const std::vector<Use>& stack) {
  std::vector<std::shared_ptr<Defense>> layer_plugins;
  std::shared_ptr<models::Network> network = load_network(entry, plugins_, layer_plugins);
  network->to(device_);
  std::vector<DefendedModel::Wrapper> wrappers;
  for (const Use& use : stack) {
    wrappers.push_back({use.plugin, plugins_.defense(use.plugin, use.with)});
    fill(entry, use, *wrappers.back().defense);
  }
  std::vector<std::string> names;
  for (const Use& use : entry.layer_plugins) names.push_back(use.plugin);
  return std::make_shared<DefendedModel>(network, std::move(layer_plugins), std::move(wrappers),
                                         names);
}

// In a scope of its own: whatever plugins change of the process, the next row does not see it.
Laboratory::Prepared Laboratory::prepare(const registry::ModelEntry& entry,
                                         const std::vector<Use>& stack, const Tensor& probe_x) {
  ProcessState process;
  const OwnGenerator generator;
  OwnGenerator::seed(0);  // what draws from it is fitted alike in every run
  const OwnGenerator seeded;
  Prepared out;
  out.model = build(entry, stack);
  out.kept = KeptTensors(out.model->network());
  for (const auto& [wrapper, learned] : out.model->learned())
    for (const auto& [name, tensor] : learned) out.kept.add(wrapper + ": " + name, tensor);
  std::optional<NewFit> fitted;
  if (out.model->fits()) fitted = fit(*out.model, entry, stack);
  if (probe_x.defined()) out.model->probe(probe_x);
  if (const std::string name = out.kept.put_back(); !name.empty())
    throw InvalidResult("the plugins of the defense write into the network's tensor '" + name +
                        "', which they are only lent");
  for (const auto& [wrapper, state] : out.model->fitted())
    for (const auto& [name, tensor] : state) out.kept.add(wrapper + ": " + name, tensor);
  for (const std::string& what : process.put_back()) out.changed.insert(what);
  if (seeded.used()) out.changed.insert(kOwnGenerator);
  generator.put_back();
  // A fit that changes the process does so again in every run, and is flagged.
  if (fits_ && fitted && out.changed.empty())
    fits_->keep({entry, stack, fitted->images}, fitted->states, fitted->attacks);
  return out;
}

// What was fitted on the very same before is taken up.
Laboratory::NewFit Laboratory::fit(DefendedModel& model, const registry::ModelEntry& entry,
                                   const std::vector<Use>& stack) {
  NewFit out{TrainingImages(registry_, registry_.dataset(entry.dataset)), {}, {}};
  HostFitting fitting(model, out.images, device_, *this);
  DefendedModel::Fitted known;
  if (fits_) known = fits_->known({entry, stack, out.images});
  out.states = model.fit(fitting, known);
  // Some do not take up what is known.
  std::erase_if(out.states, [&](const auto& one) { return known.contains(one.first); });
  out.attacks = fitting.attacks();
  return out;
}

DefendedModel& Laboratory::prepared(Prepared& place, const registry::ModelEntry& entry,
                                    const std::vector<Use>& stack, const Tensor& probe_x) {
  if (place.failure) std::rethrow_exception(place.failure);
  if (!place.model) try {
      place = prepare(entry, stack, probe_x);
    } catch (const BadInput&) {
      throw;
    } catch (const ParamError&) {
      throw;
    } catch (const Interrupted&) {
      throw;
    } catch (...) {
      place.failure = std::current_exception();
      throw;
    }
  place.lent = true;
  return *place.model;
}

std::string Laboratory::put_back() {
  std::string first;
  for (auto* models : {&defended_, &models_})
    for (auto& [name, prepared] : *models) {
      if (!std::exchange(prepared.lent, false)) continue;
      const std::string tensor = prepared.kept.put_back();
      if (tensor.empty()) continue;
      prepared.model->network().weights_changed();
      if (first.empty()) first = "'" + tensor + "' of '" + name + "'";
    }
  return first;
}

void Laboratory::probe_with(const data::Dataset& data) {
  probe_x_ = data.x(torch::arange(std::min(kProbeImages, data.size()))).to(device_);
}

DefendedModel& Laboratory::defended(const suite::DefenseSpec& spec, const data::Dataset& data) {
  Prepared& place = defended_[spec.name];
  const bool known = place.model || place.failure;
  return prepared(
      place, spec.model, spec.stack,
      known ? Tensor() : data.x(torch::arange(std::min(kProbeImages, data.size()))).to(device_));
}

DefendedModel& Laboratory::model(const ModelRef& ref) {
  Prepared& place = models_[to_text(detail::ParamTraits<ModelRef>::wrap(ref))];
  const bool known = place.model || place.failure;
  return prepared(place, known ? registry::ModelEntry() : registry_.model(ref.id), ref.stack,
                  probe_x_);
}

void Laboratory::lend_samples_of(const registry::DatasetEntry& entry, const std::string& split) {
  samples_ = std::make_shared<TrainingImages>(registry_, entry);
  attacked_split_ = split;
}

std::string Laboratory::samples_problem() const {
  if (!samples_) return "no data set lends training images here";
  if (attacked_split_ == "train") return "the training images are those that are attacked";
  return samples_->problem();
}

std::string Laboratory::samples_problem(const Use& attack) const {
  const int64_t wanted = samples_wanted(attack, plugins_);
  const std::string why = wanted > 0 ? samples_problem() : "";
  return why.empty() ? "" : fmt::format("it asks for {} training images: {}", wanted, why);
}

Batch Laboratory::samples(int64_t n) {
  if (const std::string why = samples_problem(); !why.empty()) throw BadInput(why);
  return samples_->some(n, device_);
}

std::unique_ptr<Attack> Laboratory::attack(const Use& use) {
  return plugins_.attack(use.plugin, use.with);
}

const Verdict& Laboratory::clean(const suite::DefenseSpec& spec, DefendedModel& model,
                                 const CraftBatch& batch, uint64_t seed, int64_t trials) {
  const Tensor index = batch.index.cpu().contiguous();
  std::string key = spec.name + '\0' + std::to_string(seed) + '\0' + std::to_string(trials) + '\0';
  key.append(static_cast<const char*>(index.const_data_ptr()), size_t(index.nbytes()));
  if (const auto known = clean_.find(key); known != clean_.end()) return known->second;
  SharedPasses* const passes = shared(spec.name);
  Verdict verdict = judge(model, batch.x, batch.y, batch.index, seed, Stream::kClean, trials,
                          passes ? &passes->draws() : nullptr);
  verdict.confidence = Tensor();  // of a whole run they would be many
  return clean_.emplace(std::move(key), std::move(verdict)).first->second;
}

}  // namespace gauntlet::evaluation
