#include "training/session.h"

#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "base/bad_input.h"
#include "base/nearest_name.h"
#include "base/shape_text.h"
#include "evaluation/bounds.h"
#include "evaluation/craft.h"
#include "evaluation/plugin_call.h"
#include "models/architectures/build_network.h"
#include "models/host_network.h"
#include "models/learned.h"
#include "suite/inner_keys.h"
#include "training/batches.h"

namespace gauntlet::training {
namespace {
const std::string kWrapperPrefix = "wrapper/";

// A seed for every inner attack of a training.
uint64_t attack_seed(uint64_t seed, int64_t step, int64_t call) {
  const uint64_t run = uint64_t{1} << 63 | uint64_t(step) << 20 | uint64_t(call);
  return noise_for(seed, evaluation::Stream::kTraining, torch::zeros({0}, torch::kLong), run)
      .key.seed;
}

// What a base model's method trained.
NamedTensors method_part(const NamedTensors& learned) {
  NamedTensors out;
  for (const auto& [name, tensor] : learned)
    if (name.starts_with(kMethodPrefix)) out[name.substr(kMethodPrefix.size())] = tensor;
  return out;
}
}  // namespace

NamedTensors below(const NamedTensors& all, const std::string& prefix) {
  NamedTensors out;
  for (const auto& [name, tensor] : all)
    if (name.starts_with(prefix + "/")) out[name.substr(prefix.size() + 1)] = tensor;
  return out;
}

void add_all(NamedTensors& to, const std::string& prefix, const NamedTensors& from) {
  for (const auto& [name, tensor] : from)
    if (tensor.defined()) to[prefix + "/" + name] = tensor.detach();
}

// The method's own tensors: what it gives is trained in place.
class TrainingSession::OwnParameters final : public Parameters {
 public:
  explicit OwnParameters(TrainingSession& session) : session_(session) {}

  void add(const std::string& name, const Tensor& initial, bool weight_decay,
           const std::string& optimizer) override {
    if (!tensors.emplace(name, initial).second)
      throw std::invalid_argument("Training::parameters: '" + name + "' was added twice");
    if (const auto it = saved.find(name); it != saved.end()) {
      if (it->second.sizes() != initial.sizes())
        throw BadInput("'" + session_.parts_.method_name + "': its tensor '" + name + "' is " +
                       shape_text(initial.sizes()) + ", what training goes on from has " +
                       shape_text(it->second.sizes()));
      const at::NoGradGuard no_graph;
      tensors[name].copy_(it->second);
    }
    tensors[name].requires_grad_(true);
    session_.optimizer(optimizer).add("method/" + name, initial, weight_decay);
  }

  NamedTensors tensors, saved;

 private:
  TrainingSession& session_;
};

class TrainingSession::Surroundings final : public evaluation::Environment {
 public:
  explicit Surroundings(const TrainingParts& parts) : parts_(parts) {}
  evaluation::DefendedModel& model(const ModelRef& ref) override {
    if (parts_.source) return parts_.source(ref);
    throw BadInput("training asks for the model '" + ref.id +
                   "', which no parameter of the recipe names");
  }
  std::unique_ptr<Attack> attack(const Use& use) override { return parts_.make_attack(use); }

 private:
  const TrainingParts& parts_;
};

// Another model as a method sees it.
class TrainingSession::Source final : public View {
 public:
  Source(TrainingSession& session, evaluation::DefendedModel& model)
      : session_(session), model_(model) {}

  Outputs pass(const Tensor& x, const std::vector<std::string>& features) override {
    return model_.pass(x, session_.layer_noise(x.size(0), {}), models::Mode::kEvaluate, features);
  }
  Tensor ballots(const Tensor& x, int64_t draws) override {
    // Its draws count on from where they begin: of a source of their own, so that none is another
    // pass's.
    return model_.ballots(x, evaluation::further(session_.layer_noise(x.size(0), {}), 1), draws);
  }

 private:
  TrainingSession& session_;
  evaluation::DefendedModel& model_;
};

TrainingSession::TrainingSession(const Recipe& recipe, TrainingParts parts)
    : recipe_(recipe),
      parts_(std::move(parts)),
      model_(parts_.network, parts_.layer_plugins, parts_.stack),
      own_(std::make_unique<OwnParameters>(*this)),
      surroundings_(std::make_unique<Surroundings>(parts_)) {
  if (recipe.threat)
    threat_ = evaluation::threat_model(recipe.threat->norm, recipe.threat->epsilon);
  declare_wrappers();
  own_->saved = method_part(parts_.learned);
  set_trainable(true);
  optimizer("main");
  for (const models::NamedTensor& named : parts_.network->tensors())
    if (named.trained) optimizer(named.optimizer).add(named.name, named.tensor, named.weight_decay);
  for (const models::NamedTensor& named : learned_)
    optimizer(named.optimizer).add(named.name, named.tensor, named.weight_decay);
  batch_.sample = torch::zeros({0}, torch::kLong);
  // What learns may learn to make noise of nothing: with it the worst stays assumed.
  if (parts_.layer_plugins.empty() && learned_.empty()) {
    std::vector<int64_t> shape = parts_.network->spec().input;
    shape.insert(shape.begin(), 2);
    model_.probe(torch::full(shape, 0.5));
  }
}

TrainingSession::~TrainingSession() = default;

void TrainingSession::declare_wrappers() {
  const auto declare = [&](const std::string& name, Defense& wrapper) {
    std::vector<models::NamedTensor> declared = evaluation::call_plugin(
        "'" + name + "'", "declare", {},
        [&] { return models::declare_learned(wrapper, name, parts_.network->spec()); });
    if (const NamedTensors base = models::learned_of(parts_.learned, name); !base.empty())
      models::load_learned(declared, base, "the model that training begins with");
    for (models::NamedTensor& named : declared) {
      named.name = kWrapperPrefix + named.name;
      learned_.push_back(std::move(named));
    }
  };
  for (const evaluation::DefendedModel::Wrapper& wrapper : parts_.stack)
    declare(wrapper.name, *wrapper.defense);
  if (parts_.method) declare(parts_.method_name, *parts_.method);
}

void TrainingSession::set_trainable(bool on) {
  parts_.network->set_trainable(on);
  for (const models::NamedTensor& named : learned_) named.tensor.set_requires_grad(on);
}

Optimizer& TrainingSession::optimizer(const std::string& name) {
  if (const auto it = optimizers_.find(name); it != optimizers_.end()) return it->second;
  const auto it = recipe_.optimizers.find(name);
  const OptimizerSpec& spec = it == recipe_.optimizers.end() ? recipe_.optimizer : it->second;
  return optimizers_.emplace(name, Optimizer(spec)).first->second;
}

void TrainingSession::start(Trains& method, const NamedTensors& saved) {
  if (!saved.empty()) restore_values(saved);
  method.prepare(*this);
  check_optimizers();
  if (!saved.empty())
    for (auto& [name, optimizer] : optimizers_)
      optimizer.restore(below(saved, "optimizer/" + name));
}

// An optimizer or a pattern that nothing belongs to is a typing error in the recipe.
void TrainingSession::check_optimizers() const {
  for (const auto& [name, unused] : recipe_.optimizers) {
    std::vector<std::string> known;
    for (const auto& [other, optimizer] : optimizers_) known.push_back(other);
    if (!optimizers_.contains(name))
      throw BadInput(recipe_.file.string() + ": optimizers: '" + name + "' trains nothing" +
                     suggestion(name, known));
  }
  for (const auto& [name, optimizer] : optimizers_)
    for (const std::string& pattern : optimizer.idle_patterns()) {
      std::vector<std::string> names;
      for (const models::NamedTensor& named : parts_.network->tensors())
        if (named.trained && named.optimizer == name) names.push_back(named.name);
      for (const models::NamedTensor& named : learned_)
        if (named.optimizer == name) names.push_back(named.name);
      throw BadInput(recipe_.file.string() + ": groups: '" + pattern +
                     "' matches no tensor that the optimizer '" + name + "' trains" +
                     suggestion(pattern, names));
    }
}

void TrainingSession::restore_values(const NamedTensors& saved) {
  load_state(*parts_.network, below(saved, "network"), "the checkpoint");
  restore_wrappers(below(saved, "wrapper"), "the checkpoint");
  set_trainable(true);
  for (const auto& [name, tensor] : below(saved, "state")) state_[name] = tensor.clone();
  own_->saved = below(saved, "method");
}

NamedTensors TrainingSession::save() const {
  NamedTensors all;
  for (const models::NamedTensor& named : parts_.network->tensors())
    all["network/" + named.name] = named.tensor.detach();
  for (const auto& [name, optimizer] : optimizers_)
    add_all(all, "optimizer/" + name, optimizer.state());
  add_all(all, "method", own_->tensors);
  add_all(all, "wrapper", wrapper_tensors());
  add_all(all, "state", state_);
  return all;
}

NamedTensors TrainingSession::wrapper_tensors() const {
  NamedTensors all;
  for (const models::NamedTensor& named : learned_)
    all[named.name.substr(kWrapperPrefix.size())] = named.tensor.detach();
  return all;
}

void TrainingSession::restore_wrappers(const NamedTensors& saved, const std::string& source) {
  std::vector<models::NamedTensor> own = learned_;
  for (models::NamedTensor& named : own) named.name.erase(0, kWrapperPrefix.size());
  models::load_learned(own, saved, source);
}

NamedTensors TrainingSession::method_tensors() const {
  NamedTensors all;
  for (const auto& [name, tensor] : own_->tensors) all[name] = tensor.detach();
  return all;
}

void TrainingSession::begin_batch(const Batch& batch, int64_t step, double epoch,
                                  double learning_rate) {
  batch_ = batch;
  step_ = step, epoch_ = epoch, learning_rate_ = learning_rate;
  calls_ = 0, loss_ = 0, correct_ = 0, rejected_ = false;
}

void TrainingSession::check_pass(const Pass& pass) const {
  if (const int64_t branches = batch_norm_branches(); pass.branch < 0 || pass.branch >= branches)
    throw BadInput(recipe_.file.string() + ": the training method asks for branch " +
                   std::to_string(pass.branch) + " of the batch norms, the network has " +
                   std::to_string(branches) + "; give the network batchnorm_branches = " +
                   std::to_string(std::max<int64_t>(pass.branch + 1, 1)));
  if (pass.noise != Draw::kFixed) return;
  if (pass.key < 0 || pass.key >= evaluation::kFixedKeys)
    throw std::invalid_argument("Training: the pass has key " + std::to_string(pass.key) +
                                ", expected 0 to " + std::to_string(evaluation::kFixedKeys - 1));
  constexpr int64_t kDraws = evaluation::kStepUnit / evaluation::kDrawUnit;
  if (pass.draw < 0 || pass.draw >= kDraws)
    throw std::invalid_argument("Training: the pass has draw " + std::to_string(pass.draw) +
                                ", expected 0 to " + std::to_string(kDraws - 1));
}

Noise TrainingSession::fixed_noise(const Tensor& samples) const {
  const uint64_t run = uint64_t{1} << 62 | uint64_t(step_);  // beyond those of training_noise()
  return noise_for(uint64_t(recipe_.seed), evaluation::Stream::kTraining, samples, run);
}

Noise TrainingSession::layer_noise(int64_t rows, const Pass& pass) {
  const int64_t size = batch_.sample.size(0);
  if (pass.noise == Draw::kFixed) {
    if (size == 0 || rows == 0 || rows % size != 0)
      throw std::invalid_argument("Training: a pass on fixed noise has " + std::to_string(rows) +
                                  " rows, expected those of the batch, " + std::to_string(size) +
                                  ", or whole copies of them");
    return evaluation::fixed_draws(fixed_noise(batch_.sample), pass.key, pass.draw, rows / size);
  }
  Noise source =
      training_noise(recipe_.seed, TrainingNoise::kLayers, batch_.sample).at(step_, calls_++);
  source.key.off = pass.noise == Draw::kOff;
  if (rows == size || size == 0) return source;
  return source.rows(torch::arange(rows, torch::kLong).remainder(size));
}

models::Mode TrainingSession::training_mode() const {
  return recipe_.precision == Precision::kBFloat16 ? models::Mode::kTrainHalf
                                                   : models::Mode::kTrain;
}

Outputs TrainingSession::forward(const Tensor& x, const Pass& pass) {
  check_pass(pass);
  const models::ThroughBranch through(*parts_.network, pass.branch);
  Outputs out = model_.pass(x, layer_noise(x.size(0), pass), training_mode());
  if (batch_.y.defined() && out.logits.size(0) == batch_.y.size(0))
    correct_ = out.logits.detach().argmax(1).eq(batch_.y).sum().item<int64_t>();
  return out;
}

void TrainingSession::estimate_statistics(const data::Dataset& data, const Tensor& samples) {
  std::vector<Tensor> running, sums;
  std::vector<double> shares;
  for (const models::NamedTensor& named : parts_.network->tensors())
    if (named.branch == 0 &&
        (named.name.ends_with(".running_mean") || named.name.ends_with(".running_var")))
      running.push_back(named.tensor), sums.push_back(torch::zeros_like(named.tensor)),
          shares.push_back(named.batch_share);
  const int64_t rows = std::min(recipe_.batch_size, samples.size(0)),
                batches = samples.size(0) / rows;  // whole ones: the parts of a mean are equal
  if (running.empty()) return;
  const at::NoGradGuard no_graph;
  for (int64_t b = 0; b < batches; ++b) {
    const Tensor some = samples.narrow(0, rows * b, rows);
    for (Tensor& value : running) value.zero_();
    model_.pass(data.x(some), training_noise(recipe_.seed, TrainingNoise::kStatistics, some),
                training_mode());
    for (size_t i = 0; i < sums.size(); ++i) sums[i].add_(running[i], 1 / shares[i]);
  }
  for (size_t i = 0; i < sums.size(); ++i) running[i].copy_(sums[i].div_(double(batches)));
  parts_.network->weights_changed();
}

Outputs TrainingSession::predict_with(const Tensor& x, const Noise& noise) {
  const at::NoGradGuard no_graph;
  return model_.pass(x, noise, models::Mode::kEvaluate);
}

Outputs TrainingSession::predict(const Tensor& x, const Pass& pass) {
  check_pass(pass);
  const models::ThroughBranch through(*parts_.network, pass.branch);
  return predict_with(x, layer_noise(x.size(0), pass));
}

Tensor TrainingSession::attack(const Use& use, const Batch& batch, const Inner& inner) {
  const models::Mode mode = inner.training_mode                         ? training_mode()
                            : recipe_.precision == Precision::kBFloat16 ? models::Mode::kFoldedHalf
                                                                        : models::Mode::kFolded;
  return craft_with(use, batch, inner, attack_seed(recipe_.seed, step_, calls_++), mode);
}

Tensor TrainingSession::craft_with(const Use& use, const Batch& batch, const Inner& inner,
                                   uint64_t seed, models::Mode mode) {
  Use own = use;
  const suite::InnerKeys keys = suite::take_inner_keys(own);
  std::unique_ptr<Attack>& attack = attacks_[own.plugin + " " + to_text(own.with)];
  if (!attack) attack = parts_.make_attack(own);
  ThreatModel ball = threat();
  if (inner.epsilon.defined()) ball.epsilon = inner.epsilon;
  evaluation::CraftRules rules;
  rules.restarts = keys.restarts;
  rules.draws = keys.draws;
  rules.average = keys.averaged();
  rules.track = false;
  rules.mode = mode;
  rules.seed = seed;
  rules.loss = inner.loss;
  rules.suggested = false;
  rules.defense_stream = evaluation::Stream::kTraining;
  check_pass(inner.pass);
  rules.noise = inner.pass.noise, rules.noise_key = inner.pass.key;
  if (inner.pass.noise == Draw::kFixed) {
    if (inner.pass.draw != 0)
      throw std::invalid_argument(
          "Training: an attack has all draws of a key, expected draw 0, not " +
          std::to_string(inner.pass.draw));
    rules.defense_noise = fixed_noise(batch.sample);
  }
  if (trains(mode)) {  // statistics are of the batch, all of it
    rules.memory_rows = batch.x.size(0);
    rules.compact = false;
  }
  const models::ThroughBranch through(*parts_.network, inner.pass.branch);
  // Gradients are of the inputs alone: the weights need none while the attack runs.
  set_trainable(false);
  evaluation::Crafted crafted;
  try {
    crafted = craft(*attack, model_, {batch.x.detach(), batch.y, batch.sample}, ball, rules,
                    *surroundings_);
  } catch (...) {
    set_trainable(true);
    throw;
  }
  set_trainable(true);
  return crafted.x.detach();
}

std::vector<Tensor> TrainingSession::minimise(const Tensor& own_loss,
                                              const std::vector<Tensor>& also,
                                              const std::string& name) {
  const auto it = optimizers_.find(name);
  if (it == optimizers_.end()) {
    std::vector<std::string> known;
    for (const auto& [other, unused] : optimizers_) known.push_back(other);
    throw std::invalid_argument("Training::minimise: no tensor belongs to the optimizer '" + name +
                                "'" + suggestion(name, known));
  }
  if (!own_loss.defined() || own_loss.numel() != 1 || !own_loss.requires_grad())
    throw std::invalid_argument("Training::minimise: the loss must be one number with a graph");
  const auto require_finite = [&](const char* what, double value) {
    if (!std::isfinite(value))
      throw BadInput("training diverged: " + std::string(what) + " is " + std::to_string(value) +
                     " in epoch " + std::to_string(int64_t(epoch_) + 1) +
                     "; a lower learning_rate or a gradient_clip may help");
  };
  const Tensor penalty = model_.penalty();
  const Tensor loss = penalty.defined() ? own_loss + penalty : own_loss;
  const double value = loss.item<double>();
  require_finite("the loss", value);
  if (name == "main") loss_ = value;

  std::vector<Tensor> inputs = it->second.parameters();
  const size_t own = inputs.size();
  inputs.insert(inputs.end(), also.begin(), also.end());
  std::vector<Tensor> gradients =
      torch::autograd::grad({loss}, inputs, {}, std::nullopt, false, /*allow_unused=*/true);
  std::vector<Tensor> asked(gradients.begin() + std::ptrdiff_t(own), gradients.end());
  for (size_t i = 0; i < asked.size(); ++i)
    if (!asked[i].defined()) asked[i] = torch::zeros_like(also[i]);
  gradients.resize(own);
  if (recipe_.gradient_clip > 0)
    require_finite("the norm of its gradient", clip_gradients(gradients, recipe_.gradient_clip));
  it->second.step(gradients, learning_rate_);
  parts_.network->weights_changed();
  return asked;
}

Parameters& TrainingSession::parameters() { return *own_; }

View& TrainingSession::source(const ModelRef& ref) {
  std::unique_ptr<Source>& place = sources_[to_text(detail::ParamTraits<ModelRef>::wrap(ref))];
  if (!place) place = std::make_unique<Source>(*this, surroundings_->model(ref));
  return *place;
}

const ThreatModel& TrainingSession::threat() const {
  if (!threat_)
    throw BadInput(recipe_.file.string() +
                   ": the training method asks for a threat, the recipe has none; expected threat "
                   "= { norm = \"linf\", epsilon = \"8/255\" }");
  return *threat_;
}

Noise TrainingSession::noise() {
  return training_noise(recipe_.seed, TrainingNoise::kMethod, batch_.sample).at(step_, calls_++);
}

}  // namespace gauntlet::training
