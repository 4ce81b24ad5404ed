#include "evaluation/defended_model.h"

#include <stdexcept>

#include "base/bad_input.h"

namespace gauntlet {
namespace {

constexpr uint32_t kWrapperLayer =
    1;  // noise layers of wrappers: 1, 2, …; the network's begin at 16
constexpr int64_t kDecisionRows = 256;       // rows of one forward of the judge
constexpr double kMemory = double(1 << 30);  // of activations kept for one backward pass

Noise bound(const Noise& noise, uint32_t layer) {
  Noise out = noise;
  out.key.layer = layer;
  out.key.call = 0;
  return out;
}

Noise draw_of(const Noise& noise, int64_t draw) {
  Noise out = noise;
  out.key.place = noise.key.place + draw * kDrawUnit;
  out.key.shared = noise.key.shared + draw * kDrawUnit;
  return out;
}

Noise selected(const Noise& noise, const Tensor& rows) {
  Noise out = noise;
  out.key.id = noise.key.id.index_select(0, rows);
  out.key.place = noise.key.place.index_select(0, rows);
  return out;
}

Noise narrowed(const Noise& noise, int64_t from, int64_t count) {
  Noise out = noise;
  out.key.id = noise.key.id.narrow(0, from, count);
  out.key.place = noise.key.place.narrow(0, from, count);
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

void tell_normalisation(Defense& defense, const NetworkSpec& spec) {
  auto* knows = dynamic_cast<KnowsNormalisation*>(&defense);
  if (!knows) return;
  const auto per_channel = [&](const std::vector<double>& values, double absent) {
    if (values.empty()) return torch::full({1, spec.input.at(0), 1, 1}, absent);
    return torch::tensor(values, torch::kFloat).view({1, -1, 1, 1});
  };
  knows->normalisation(per_channel(spec.mean, 0), per_channel(spec.std, 1));
}

int64_t affordable_rows(const Network& network) {
  double numbers = 0;  // activations an image leaves behind: conv output, batch norm, relu
  for (const Layer& layer : network.layers())
    numbers += 3.0 * double(c10::multiply_integers(layer.output));
  // Where there are no layers to look at: as much, in relation to the input, as a wide ResNet.
  if (network.layers().empty())
    numbers = 512.0 * double(c10::multiply_integers(network.spec().input));
  return std::clamp<int64_t>(int64_t(kMemory / (4.0 * std::max(1.0, numbers))), 16, 1024);
}
}  // namespace

DefendedModel::DefendedModel(std::shared_ptr<Network> network,
                             std::vector<std::shared_ptr<Defense>> layer_plugins,
                             std::vector<Wrapper> stack)
    : network_(std::move(network)),
      layer_plugins_(std::move(layer_plugins)),
      stack_(std::move(stack)) {
  for (const auto& plugin : layer_plugins_) {
    auto* perturbs = dynamic_cast<PerturbsLayers*>(plugin.get());
    if (!perturbs) throw BadInput("layer_plugins: a plugin there does not perturb layers");
    perturbs_.push_back(perturbs);
    couples_rows_ |= perturbs->couples_rows();
  }
  for (const Wrapper& wrapper : stack_) {
    if (has_any<TransformsInput, Votes, Refuses>(wrapper.defense.get())) continue;
    const bool layers = has_any<PerturbsLayers>(wrapper.defense.get());
    throw BadInput("stack: '" + wrapper.name + "' is not an inference wrapper" +
                   (layers ? ": it perturbs layers and belongs into the model's layer_plugins"
                           : ": it takes part in training only"));
  }
  votes_ = only<Votes>(stack_, "vote");
  refuses_ = only<Refuses>(stack_, "refuse inputs");
  suggests_ = only<SuggestsLoss>(stack_, "suggest a loss");
  inner_ = stack_.size();
  for (const auto& plugin : layer_plugins_) tell_normalisation(*plugin, network_->spec());
  for (const Wrapper& wrapper : stack_) tell_normalisation(*wrapper.defense, network_->spec());
  for (size_t i = 0; i < stack_.size(); ++i)
    if (has_any<Votes>(stack_[i].defense.get())) inner_ = i + 1;
  memory_rows_ = affordable_rows(*network_);
}

bool DefendedModel::fits() const {
  for (const Wrapper& wrapper : stack_)
    if (auto* fits = dynamic_cast<Fits*>(wrapper.defense.get()); fits && fits->wanted())
      return true;
  return false;
}

void DefendedModel::fit(Fitting& fitting) {
  const at::NoGradGuard no_graph;
  for (const Wrapper& wrapper : stack_)
    if (auto* fits = dynamic_cast<Fits*>(wrapper.defense.get()); fits && fits->wanted()) {
      Refuses* const detector = refuses_;
      refuses_ = nullptr;  // while it learns it does not judge
      const Batch batch = fitting.data();
      view_noise_ = noise_for(0, Stream::kFit, batch.sample);
      view_mode_ = Mode::kEvaluate;
      fits->fit(fitting);
      refuses_ = detector;
    }
}

void DefendedModel::probe(const Tensor& x) {
  const at::NoGradGuard no_graph;
  const int64_t n = x.size(0);
  const Noise one = noise_for(1, Stream::kProbe, torch::arange(n, x.options().dtype(torch::kLong)));
  const auto logits = [&](const Tensor& input, const Noise& noise) {
    const Outputs out = pass(input, noise, Mode::kEvaluate);
    return out.reject.defined() ? torch::cat({out.logits, out.reject.unsqueeze(1)}, 1) : out.logits;
  };
  const Tensor first = logits(x, one);
  Noise shared = one;
  shared.key.shared = kStepUnit;
  const bool own_generator = !logits(x, one).equal(first);  // noise that is not ours
  stochastic_ = own_generator || !logits(x, one.at(1)).equal(first);
  shared_noise_ = own_generator || !logits(x, shared).equal(first);
  if (const int64_t half = n / 2; half > 0) {
    const Tensor alone = logits(x.narrow(0, 0, half), narrowed(one, 0, half)),
                 full = first.narrow(0, 0, half);
    // Rounding differs with the batch size by about 1e-6; a dependence on other rows is far larger.
    couples_rows_ |= own_generator || !torch::allclose(alone, full, 1e-3, 1e-4);
  }
  surrogate_ = false;
  for (size_t i = 0; i < stack_.size(); ++i)
    if (auto* transform = dynamic_cast<TransformsInput*>(stack_[i].defense.get())) {
      Noise a = bound(one, kWrapperLayer + uint32_t(i)), b = a;
      surrogate_ |= !transform->forward(x, a).equal(transform->surrogate(x, b));
    }
}

// The input as the wrappers [from, to) hand it on, outermost (last) first.
Tensor DefendedModel::transformed(Tensor x, const Noise& noise, size_t from, size_t to) {
  for (size_t i = to; i-- > from;) {
    Defense* defense = stack_[i].defense.get();
    Noise mine = bound(noise, kWrapperLayer + uint32_t(i));
    if (auto* votes = dynamic_cast<Votes*>(defense)) x = votes->perturb(x, mine);
    auto* transform = dynamic_cast<TransformsInput*>(defense);
    if (!transform) continue;
    Noise again = mine;  // the stand-in sees the same draws
    if (!at::GradMode::is_enabled()) {
      x = transform->forward(x, mine);
      continue;
    }
    Tensor hard;  // BPDA: values of the real transform, gradient of the stand-in
    {
      const at::NoGradGuard no_graph;
      hard = transform->forward(x.detach(), mine);
    }
    const Tensor soft = transform->surrogate(x, again);
    x = soft + (hard - soft).detach();
  }
  return x;
}

Outputs DefendedModel::inner_pass(const Tensor& x, const Noise& noise, Mode mode) {
  const Tensor seen = transformed(x, noise, 0, inner_);
  Outputs out = network_->forward(seen, noise, perturbs_, mode);
  if (refuses_) {
    view_noise_ = noise, view_mode_ = mode;
    out.reject = refuses_->score(seen, out, *this);
  }
  return out;
}

Outputs DefendedModel::pass(const Tensor& x, const Noise& noise, Mode mode) {
  return inner_pass(transformed(x, noise, inner_, stack_.size()), noise, mode);
}

Outputs DefendedModel::pass(const Tensor& x) {
  return network_->forward(x, view_noise_, perturbs_, view_mode_);
}

Tensor DefendedModel::ballots(const Tensor& x, int64_t draws) {
  const at::NoGradGuard no_graph;
  Tensor sum;
  for (int64_t draw = 0; draw < draws; ++draw) {
    const Outputs out =
        network_->forward(x, draw_of(view_noise_, draw), perturbs_, Mode::kEvaluate);
    const Tensor ballot = votes_
                              ? votes_->ballot(out)
                              : torch::one_hot(out.logits.argmax(1), classes()).to(torch::kFloat);
    sum = sum.defined() ? sum + ballot : ballot;
  }
  return sum;
}

Tensor DefendedModel::bare_logits(const Tensor& x) {
  const at::NoGradGuard no_graph;
  Noise off =
      noise_for(0, Stream::kProbe, torch::arange(x.size(0), x.options().dtype(torch::kLong)));
  off.key.off = true;
  return network_->forward(x, off, perturbs_, Mode::kEvaluate).logits;
}

DefendedModel::Decision DefendedModel::decide(const Tensor& x, const Noise& noise) {
  const at::NoGradGuard no_graph;
  const int64_t rows = x.size(0);
  if (couples_rows_ || rows <= kDecisionRows) return votes_ ? vote(x, noise) : single(x, noise);
  std::vector<Tensor> answers, confidences;
  int64_t forwards = 0;
  for (int64_t from = 0; from < rows; from += kDecisionRows) {
    const int64_t count = std::min(kDecisionRows, rows - from);
    const Tensor part = x.narrow(0, from, count);
    const Noise mine = narrowed(noise, from, count);
    const Decision d = votes_ ? vote(part, mine) : single(part, mine);
    answers.push_back(d.answer), confidences.push_back(d.confidence);
    forwards += d.forwards;
  }
  return {torch::cat(answers), torch::cat(confidences), forwards};
}

DefendedModel::Decision DefendedModel::single(const Tensor& x, const Noise& noise) {
  const Outputs out = pass(x, noise, Mode::kEvaluate);
  Tensor answer = out.logits.argmax(1);
  if (out.reject.defined()) answer = answer.masked_fill(out.reject > 0, -1);
  return {answer, out.logits, x.size(0)};
}

// Sums ballots draw by draw. Rows whose leader cannot be caught any more leave the vote, so the
// answer is that of all M draws at the cost of fewer.
DefendedModel::Decision DefendedModel::vote(const Tensor& input, const Noise& noise) {
  const int64_t all = votes_->mc_samples(), rows = input.size(0);
  const Tensor x = transformed(input, noise, inner_, stack_.size());
  const auto options = x.options();
  Tensor sum = torch::zeros({rows, classes()}, options), taken = torch::zeros({rows}, options),
         refused = taken.clone();
  Tensor open = torch::arange(rows, noise.key.id.options());
  int64_t forwards = 0;
  for (int64_t draw = 0; draw < all && open.size(0) > 0;) {
    const int64_t r = open.size(0);
    const int64_t group =
        shared_noise_ || couples_rows_ ? 1 : std::clamp<int64_t>(kDecisionRows / r, 1, all - draw);
    Noise mine = draw_of(selected(noise, open), draw);
    mine.key.id = mine.key.id.repeat({group});
    const Tensor offset =
        torch::arange(group, noise.key.place.options()).repeat_interleave(r) * kDrawUnit;
    mine.key.place = mine.key.place.repeat({group}) + offset;
    const Outputs out =
        inner_pass(x.index_select(0, open).repeat({group, 1, 1, 1}), mine, Mode::kEvaluate);
    const Tensor ballots = votes_->ballot(out).unflatten(0, {group, r}).sum(0);
    if (ballots.size(1) != classes())
      throw std::invalid_argument("Votes::ballot gave " + std::to_string(ballots.size(1)) +
                                  " columns, the model has " + std::to_string(classes()) +
                                  " classes");
    sum.index_add_(0, open, ballots);
    taken.index_add_(0, open, torch::full({r}, double(group), options));
    if (out.reject.defined())
      refused.index_add_(0, open,
                         (out.reject > 0).to(torch::kFloat).unflatten(0, {group, r}).sum(0));
    forwards += r * group, draw += group;
    // Refusals are decided by their own majority, and coupled rows must stay together.
    if (refuses_ || couples_rows_ || classes() < 2 || !std::isfinite(votes_->lead())) continue;
    const Tensor top = std::get<0>(sum.index_select(0, open).topk(2, 1));
    const Tensor lead = top.select(1, 0) - top.select(1, 1);
    // A small allowance keeps rounding of the sums from closing a row that could still tie.
    open = open.masked_select(lead <= votes_->lead() * double(all - draw) + 1e-3);
  }
  Tensor answer = sum.argmax(1);
  answer = answer.masked_fill(refused * 2 > taken, -1);
  return {answer, sum / taken.unsqueeze(1), forwards};
}

}  // namespace gauntlet
