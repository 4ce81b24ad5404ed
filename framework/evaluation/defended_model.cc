#include "evaluation/defended_model.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/bad_input.h"
#include "evaluation/plugin_call.h"

namespace gauntlet::evaluation {
namespace {

constexpr uint32_t kWrapperLayer =
    1;  // noise layers of wrappers: 1, 2, …; the network's begin at 16
constexpr double kMemory = double(1 << 30);  // of activations kept for one backward pass

Noise bound(const Noise& noise, uint32_t layer) {
  Noise out = noise;
  out.key.layer = layer;
  out.key.call = 0;
  return out;
}

template <class Ability>
Ability* only(const std::vector<DefendedModel::Wrapper>& stack, const char* what) {
  Ability* found = nullptr;
  std::string first;
  for (const auto& wrapper : stack) {
    auto* ability = dynamic_cast<Ability*>(wrapper.defense.get());
    if (!ability) continue;
    if (found)
      throw BadInput("stack: '" + first + "' and '" + wrapper.name + "' both " + what +
                     ", expected at most one");
    found = ability, first = wrapper.name;
  }
  return found;
}

template <class... Abilities>
bool has_any(Defense* defense) {
  return ((dynamic_cast<Abilities*>(defense) != nullptr) || ...);
}

void tell_normalisation(const std::string& who, Defense& defense, const models::NetworkSpec& spec) {
  auto* knows = dynamic_cast<KnowsNormalisation*>(&defense);
  if (!knows) return;
  const auto per_channel = [&](const std::vector<double>& values, double absent) {
    if (values.empty()) return torch::full({1, spec.input.at(0), 1, 1}, absent);
    return torch::tensor(values, torch::kFloat).view({1, -1, 1, 1});
  };
  call_plugin(who, "normalisation", {}, [&] {
    knows->normalisation(per_channel(spec.mean, 0), per_channel(spec.std, 1));
    return true;
  });
}

// What a wrapper makes of images.
template <class Hook>
Tensor images_of(const DefendedModel::Wrapper& wrapper, const char* hook, const Tensor& x,
                 const Noise& noise, Hook&& hooked) {
  const std::string who = "'" + wrapper.name + "'";
  Lent lent("the inputs", x);
  lent.add(noise);
  lent.add(*wrapper.defense);
  const Tensor out = call_plugin(who, hook, lent, hooked);
  if (!out.is_same(x)) require_result(who, hook, out, {x.sizes(), x.scalar_type()});
  return out;
}

// Equal bits, where NaN equals NaN: what is not finite is no noise.
bool same(const Tensor& a, const Tensor& b) {
  return a.sizes() == b.sizes() && (a.eq(b) | (a.isnan() & b.isnan())).all().item<bool>();
}

// Rounding differs with the batch size by about 1e-6 of the largest logit; what depends on other
// rows differs by far more.
bool agree(const Tensor& a, const Tensor& b) {
  const double largest = b.masked_fill(b.isfinite().logical_not(), 0).abs().max().item<double>();
  return torch::allclose(a, b, 1e-3, 1e-4 * std::max(largest, 1e-6), /*equal_nan=*/true);
}

// The same draws for the rows in reverse order, twice.
Noise reversed_twice(const Noise& noise) {
  Noise out = noise;
  out.key.id = noise.key.id.flip(0).repeat({2});
  out.key.place = noise.key.place.flip(0).repeat({2});
  return out;
}

int64_t affordable_rows(const models::Network& network) {
  double numbers = 0;  // activations an image leaves behind: conv output, batch norm, relu
  for (const Layer& layer : network.layers())
    numbers += 3.0 * double(c10::multiply_integers(layer.output));
  // Where there are no layers to look at: as much, in relation to the input, as a wide ResNet.
  if (network.layers().empty())
    numbers = 512.0 * double(c10::multiply_integers(network.spec().input));
  return std::clamp<int64_t>(int64_t(kMemory / (4.0 * std::max(1.0, numbers))), 16, 1024);
}
}  // namespace

DefendedModel::DefendedModel(std::shared_ptr<models::Network> network,
                             std::vector<std::shared_ptr<Defense>> layer_plugins,
                             std::vector<Wrapper> stack,
                             const std::vector<std::string>& layer_names)
    : network_(std::move(network)),
      layer_plugins_(std::move(layer_plugins)),
      stack_(std::move(stack)) {
  const auto layer_name = [&](size_t i) {
    return i < layer_names.size() ? layer_names[i] : "layer plugin " + std::to_string(i + 1);
  };
  for (size_t i = 0; i < layer_plugins_.size(); ++i) {
    auto* perturbs = dynamic_cast<PerturbsLayers*>(layer_plugins_[i].get());
    if (!perturbs) throw BadInput("layer_plugins: a plugin there does not perturb layers");
    guards_.push_back(std::make_unique<GuardedLayers>(layer_name(i), *perturbs));
    perturbs_.push_back(guards_.back().get());
    couples_rows_ |= guards_.back()->couples_rows();
  }
  for (const Wrapper& wrapper : stack_) {
    ask_features(wrapper);
    if (has_any<TransformsInput, Votes, Refuses, Certifies>(wrapper.defense.get())) continue;
    const bool layers = has_any<PerturbsLayers>(wrapper.defense.get());
    throw BadInput("stack: '" + wrapper.name + "' is not an inference wrapper" +
                   (layers ? ": it perturbs layers and belongs into the model's layer_plugins"
                           : ": it takes part in training only"));
  }
  votes_ = only<Votes>(stack_, "vote");
  refuses_ = only<Refuses>(stack_, "refuse inputs");
  suggests_ = only<SuggestsLoss>(stack_, "suggest a loss");
  certifies_ = only<Certifies>(stack_, "certify");
  inner_ = stack_.size();
  for (size_t i = 0; i < layer_plugins_.size(); ++i)
    tell_normalisation("'" + layer_name(i) + "'", *layer_plugins_[i], network_->spec());
  for (const Wrapper& wrapper : stack_)
    tell_normalisation("'" + wrapper.name + "'", *wrapper.defense, network_->spec());
  for (size_t i = 0; i < stack_.size(); ++i)
    if (has_any<Votes>(stack_[i].defense.get())) inner_ = i + 1;
  memory_rows_ = affordable_rows(*network_);
  ask_vote();
}

// What the wrapper wants to see of the network.
void DefendedModel::ask_features(const Wrapper& wrapper) {
  const auto* reads = dynamic_cast<ReadsFeatures*>(wrapper.defense.get());
  if (!reads) return;
  const std::string who = "'" + wrapper.name + "'";
  const std::vector<std::string> names =
      call_plugin(who, "features", {}, [&] { return reads->features(); });
  if (const std::string wrong = features_problem(*network_, names); !wrong.empty())
    throw BadInput("stack: " + who + " asks for a value inside the network: " + wrong);
  for (const std::string& name : names)
    if (std::find(features_.begin(), features_.end(), name) == features_.end())
      features_.push_back(name);
}

bool DefendedModel::fits() const {
  for (const Wrapper& wrapper : stack_)
    if (auto* fits = dynamic_cast<Fits*>(wrapper.defense.get()); fits && fits->wanted())
      return true;
  return false;
}

std::vector<std::pair<std::string, std::map<std::string, Tensor>>> DefendedModel::fitted() const {
  std::vector<std::pair<std::string, std::map<std::string, Tensor>>> out;
  for (const Wrapper& wrapper : stack_)
    if (const auto* fits = dynamic_cast<Fits*>(wrapper.defense.get()); fits && !fits->state.empty())
      out.emplace_back(wrapper.name, fits->state);
  return out;
}

std::vector<std::pair<std::string, std::map<std::string, Tensor>>> DefendedModel::learned() const {
  std::vector<std::pair<std::string, std::map<std::string, Tensor>>> out;
  for (const Wrapper& wrapper : stack_)
    if (const auto* learns = dynamic_cast<const Learns*>(wrapper.defense.get()))
      out.emplace_back(wrapper.name, learns->learned);
  return out;
}

namespace {
results::FittedState copied(const results::FittedState& state) {
  results::FittedState out;
  for (const auto& [name, tensor] : state) out[name] = tensor.detach().clone();
  return out;
}

bool restored(const DefendedModel::Wrapper& wrapper, Fits& fits,
              const results::FittedState& known) {
  results::FittedState before = std::exchange(fits.state, copied(known));
  if (call_plugin("'" + wrapper.name + "'", "restore", {}, [&] { return fits.restore(); }))
    return true;
  fits.state = std::move(before);
  return false;
}
}  // namespace

DefendedModel::Fitted DefendedModel::fit(Fitting& fitting, const Fitted& known) {
  const at::NoGradGuard no_graph;
  Fitted fresh;
  for (size_t i = 0; i < stack_.size(); ++i) {
    auto* fits = dynamic_cast<Fits*>(stack_[i].defense.get());
    if (!fits || !fits->wanted()) continue;
    const auto before = known.find(i);
    if (before == known.end() || !restored(stack_[i], *fits, before->second)) {
      fit(stack_[i], *fits, fitting);
      fresh[i] = copied(fits->state);
    }
    ask_vote();  // how many copies it takes may be what was fitted
  }
  return fresh;
}

void DefendedModel::fit(const Wrapper& wrapper, Fits& fits, Fitting& fitting) {
  Refuses* const detector = refuses_;
  refuses_ = nullptr;  // while it learns it does not judge
  const Batch batch = fitting.data();
  const bool judges = has_any<Refuses>(wrapper.defense.get());  // as it will be asked: inside
  lend(noise_for(0, Stream::kFit, batch.sample), models::Mode::kEvaluate, judges ? 0 : inner_);
  const std::string who = "'" + wrapper.name + "'";
  call_plugin(who, "fit", {}, [&] { return fits.fit(fitting), true; });
  for (const auto& [name, tensor] : fits.state)
    if (!tensor.defined() || tensor.isnan().any().item<bool>())
      throw InvalidResult(
          who + ": fit() left '" + name + "' " +
          (tensor.defined() ? "with values that are not numbers (NaN)" : "undefined"));
  refuses_ = detector;
}

// Whether rows answer otherwise alone, in smaller batches and in a larger one.
bool DefendedModel::couples(const Tensor& x, const Noise& noise, const Tensor& first,
                            const std::function<Tensor(const Tensor&, const Noise&)>& logits) {
  const int64_t n = x.size(0);
  for (const int64_t rows : {int64_t{1}, int64_t{3}, n / 2})
    if (rows > 0 && rows < n)
      if (!agree(logits(x.narrow(0, n - rows, rows), narrowed(noise, n - rows, rows)),
                 first.narrow(0, n - rows, rows)))
        return true;
  return !agree(logits(x.flip(0).repeat({2, 1, 1, 1}), reversed_twice(noise)),
                first.flip(0).repeat({2, 1}));
}

Tensor DefendedModel::probing_answer(const Tensor& x, const Noise& noise) {
  const Outputs out = pass(x, noise, models::Mode::kEvaluate);
  return out.reject.defined() ? torch::cat({out.logits, out.reject.unsqueeze(1)}, 1) : out.logits;
}

void DefendedModel::probe(const Tensor& x) {
  const at::NoGradGuard no_graph;
  const ValuesAreChecked of_every_hook;
  const int64_t n = x.size(0);
  const Noise one = noise_for(1, Stream::kProbe, torch::arange(n, x.options().dtype(torch::kLong)));
  const auto logits = [&](const Tensor& input, const Noise& noise) {
    return probing_answer(input, noise);
  };
  const Tensor first = logits(x, one);
  Noise shared = one;
  shared.key.shared = kStepUnit;
  own_randomness_ = !same(logits(x, one), first);
  stochastic_ = own_randomness_ || !same(logits(x, one.at(1)), first);
  shared_noise_ = own_randomness_ || !same(logits(x, shared), first);
  couples_rows_ |= own_randomness_ || couples(x, one, first, logits);
  surrogate_ = false;
  for (size_t i = 0; i < stack_.size(); ++i)
    if (auto* transform = dynamic_cast<TransformsInput*>(stack_[i].defense.get())) {
      Noise a = bound(one, kWrapperLayer + uint32_t(i)), b = a;
      surrogate_ |= !same(
          images_of(stack_[i], "forward", x, a, [&] { return transform->forward(x, a); }),
          images_of(stack_[i], "surrogate", x, b, [&] { return transform->surrogate(x, b); }));
    }
  if (!own_randomness_) probed_x_ = x.clone(), probed_ = first.clone();
}

std::string DefendedModel::changed_since_probing() {
  if (!probed_.defined()) return "";
  const at::NoGradGuard no_graph;
  const Noise one = noise_for(
      1, Stream::kProbe, torch::arange(probed_x_.size(0), probed_x_.options().dtype(torch::kLong)));
  if (agree(probing_answer(probed_x_.clone(), one), probed_)) return "";
  return "the defense answers the images it was probed with otherwise than before: it keeps a "
         "state between calls";
}

// The input as the wrappers [from, to) hand it on, outermost (last) first.
Tensor DefendedModel::transformed(Tensor x, const Noise& noise, size_t from, size_t to) {
  for (size_t i = to; i-- > from;) {
    Defense* defense = stack_[i].defense.get();
    Noise mine = bound(noise, kWrapperLayer + uint32_t(i));
    if (auto* votes = dynamic_cast<Votes*>(defense))
      x = images_of(stack_[i], "perturb", x, mine, [&] { return votes->perturb(x, mine); });
    auto* transform = dynamic_cast<TransformsInput*>(defense);
    if (!transform) continue;
    Noise again = mine;  // the stand-in sees the same draws
    if (!at::GradMode::is_enabled()) {
      x = images_of(stack_[i], "forward", x, mine, [&] { return transform->forward(x, mine); });
      continue;
    }
    Tensor hard;  // BPDA: values of the real transform, gradient of the stand-in
    {
      const at::NoGradGuard no_graph;
      const Tensor seen = x.detach();
      hard = images_of(stack_[i], "forward", seen, mine,
                       [&] { return transform->forward(seen, mine); });
    }
    const Tensor soft =
        images_of(stack_[i], "surrogate", x, again, [&] { return transform->surrogate(x, again); });
    x = soft + (hard - soft).detach();
  }
  return x;
}

Outputs DefendedModel::inner_pass(const Tensor& x, const Noise& noise, models::Mode mode,
                                  const std::vector<std::string>& features) {
  const Tensor seen = transformed(x, noise, 0, inner_);
  Outputs out = network_->forward(seen, noise, perturbs_, mode, with_features(features));
  if (refuses_) {  // what it asks for moves no batch statistics in training
    lend(noise, models::trains(mode) ? models::Mode::kEvaluate : mode, 0);
    out.reject = score(seen, out);
  }
  return out;
}

std::vector<std::string> DefendedModel::with_features(
    const std::vector<std::string>& features) const {
  std::vector<std::string> all = features_;
  all.insert(all.end(), features.begin(), features.end());
  return all;
}

Outputs DefendedModel::pass(const Tensor& x, const Noise& noise, models::Mode mode,
                            const std::vector<std::string>& features) {
  return inner_pass(transformed(x, noise, inner_, stack_.size()), noise, mode, features);
}

void DefendedModel::lend(const Noise& noise, models::Mode mode, size_t wrappers) {
  view_noise_ = noise, view_mode_ = mode, view_wrappers_ = wrappers, view_uses_ = 0;
}

Outputs DefendedModel::pass(const Tensor& x, const std::vector<std::string>& features) {
  return network_->forward(x, view_noise_, perturbs_, view_mode_, with_features(features));
}

Tensor DefendedModel::ballots(const Tensor& x, int64_t draws) {
  return summed(x, further(view_noise_, ++view_uses_), draws, view_wrappers_, {});
}

std::string DefendedModel::certificate_problem() const {
  if (!certifies_) return "nothing in the stack certifies";
  if (couples_rows_)
    return "an answer depends on the other inputs of its batch, so none can be certified alone";
  if (refuses_) return "the detector may refuse an input whatever is certified of it";
  for (size_t i = stack_.size(); i-- > 0;) {
    Defense* defense = stack_[i].defense.get();
    if (has_any<Certifies>(defense))
      return votes_ && !has_any<Votes>(defense)
                 ? "'" + stack_[i].name + "' certifies what is not the vote's answer"
                 : "";
    if (has_any<TransformsInput, Votes>(defense))
      return "'" + stack_[i].name + "' changes the input outside of what is certified";
  }
  return "";
}

Tensor DefendedModel::bare_logits(const Tensor& x) {
  const at::NoGradGuard no_graph;
  Noise off =
      noise_for(0, Stream::kProbe, torch::arange(x.size(0), x.options().dtype(torch::kLong)));
  off.key.off = true;
  return network_->forward(x, off, perturbs_, models::Mode::kEvaluate).logits;
}

}  // namespace gauntlet::evaluation
