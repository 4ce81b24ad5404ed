#include "conformance/defenses.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "conformance/questions.h"
#include "conformance/small_training.h"
#include "evaluation/certify.h"
#include "evaluation/host_fitting.h"
#include "evaluation/kept_tensors.h"
#include "evaluation/loss_view.h"
#include "evaluation/plugin_call.h"
#include "gauntlet/network_builder.h"
#include "models/architectures/build_network.h"
#include "models/learned.h"
#include "training/train.h"

namespace gauntlet::conformance {
namespace {
using evaluation::DefendedModel;

constexpr int64_t kImages = 8;

// A fresh instance of the defense in a small network, fitted where it wants to be.
struct Subject {
  std::shared_ptr<Defense> defense;
  std::shared_ptr<models::Network> network;
  evaluation::KeptTensors kept;
  std::shared_ptr<DefendedModel> model;
  DefendedModel::Fitted fitted;  // what fit() left
  Tensor x;                      // [kImages, C, H, W], what the model was probed with
};

class DefenseTrial final : public PluginTrial<Defense> {
 public:
  explicit DefenseTrial(const DefenseUnderTest& plugin)
      : PluginTrial(plugin, "it gives no usable answers") {}

  DefendedModel& model(const ModelRef& ref) override {
    throw NotAsked{"it needs the registry model '" + ref.id + "'"};
  }
  const std::string& name() const { return plugin().name; }

  // Made with another value of this parameter; null where none of those tried is allowed.
  std::unique_ptr<Defense> made_otherwise(const std::string& parameter) const {
    const Schema& schema = plugin().schema;
    const auto spec = std::find_if(schema.begin(), schema.end(),
                                   [&](const ParamSpec& s) { return s.name == parameter; });
    if (spec == schema.end())
      throw Broken{"it has no parameter '" + parameter + "', which ballot_only() names"};
    ParamMap params = small_parameters(schema, plugin().params);
    const auto given = params.find(parameter);
    const ParamValue before = given == params.end() ? spec->fallback : given->second;
    std::vector<ParamValue> others = {true, false, 3,         7,
                                      0.25, 0.75,  "another", ParamList{0.5, 0.25}};
    others.insert(others.end(), spec->one_of.begin(), spec->one_of.end());
    for (const ParamValue& other : others) {
      if (!problem_of(*spec, other).empty() || canonical(*spec, other) == before) continue;
      params[parameter] = other;
      try {
        return plugin().make(params);
      } catch (const ParamError&) {  // not beside the others
      }
    }
    return nullptr;
  }

  // The network of this spec, or the defense's own where it is an architecture.
  std::shared_ptr<models::Network> network(models::NetworkSpec spec,
                                           const std::shared_ptr<Defense>& defense) const {
    if (dynamic_cast<BuildsNetwork*>(defense.get())) {
      spec.architecture = name(), spec.options.clear();
      spec.builds = [defense](NetworkBuilder& b) {
        dynamic_cast<BuildsNetwork&>(*defense).build(b);
      };
    }
    return build_network(spec, 3);
  }

  // Throws NotAsked for a defense that takes part in training only. `known`: what is not fitted,
  // since it was before.
  Subject subject(const models::NetworkSpec& spec = small_network(),
                  const DefendedModel::Fitted& known = {}) {
    Subject out;
    out.defense = make();
    out.network = network(spec, out.defense);
    std::vector<std::shared_ptr<Defense>> layers;
    std::vector<DefendedModel::Wrapper> stack;
    if (auto* perturbs = dynamic_cast<PerturbsLayers*>(out.defense.get())) {
      evaluation::GuardedLayers guarded(name(), *perturbs);
      out.network->declare(guarded, name());
      layers.push_back(out.defense);
    } else if (wraps(*out.defense)) {
      evaluation::call_plugin("'" + name() + "'", "declare", {}, [&] {
        return models::declare_learned(*out.defense, name(), out.network->spec());
      });
      stack.push_back({name(), out.defense});
    } else if (!dynamic_cast<BuildsNetwork*>(out.defense.get())) {
      throw NotAsked{"it takes part in training only"};
    }
    out.network->set_trainable(false);
    out.network->weights_changed();
    out.kept = evaluation::KeptTensors(*out.network);
    out.model = std::make_shared<DefendedModel>(out.network, layers, stack, std::vector{name()});
    for (const auto& [wrapper, learned] : out.model->learned())
      for (const auto& [key, tensor] : learned) out.kept.add(wrapper + ": " + key, tensor);
    if (out.model->fits()) out.fitted = fit(*out.model, spec, known);
    out.x = images_like(spec, quarters(kImages, 2).x(torch::arange(kImages)));
    out.model->probe(out.x);
    return out;
  }

  static bool wraps(Defense& defense) {
    return dynamic_cast<TransformsInput*>(&defense) || dynamic_cast<Votes*>(&defense) ||
           dynamic_cast<Refuses*>(&defense) || dynamic_cast<Certifies*>(&defense);
  }

 private:
  // On as many images as there are usually, so that what asks for more has them.
  DefendedModel::Fitted fit(DefendedModel& model, const models::NetworkSpec& spec,
                            const DefendedModel::Fitted& known) {
    data::Dataset data = quarters(64);
    data.images = images_like(spec, data.x(torch::arange(64)));
    data.labels = data.labels.remainder(spec.classes);
    evaluation::TrainingImages images(data);
    evaluation::HostFitting fitting(model, images, at::kCPU, *this);
    return model.fit(fitting, known);
  }

  // Quarters in as many channels as the network reads.
  static Tensor images_like(const models::NetworkSpec& spec, const Tensor& x) {
    return x.repeat({1, spec.input[0], 1, 1})
        .slice(2, 0, spec.input[1])
        .slice(3, 0, spec.input[2])
        .contiguous();
  }
};

// All that a defense is asked in an evaluation: decisions, passes with gradients.
void use(Subject& subject) {
  DefendedModel& model = *subject.model;
  for (const int64_t rows : {kImages, int64_t{1}}) {
    const Tensor x = subject.x.narrow(0, 0, rows);
    const DefendedModel::Decision decision = model.decide(x, noise_of(rows));
    if (const int64_t bad = decision.faulty.sum().item<int64_t>(); bad > 0)
      throw Broken{fmt::format("what it gives is not finite for {} of {} images", bad, rows)};
    const Tensor wrong =
        (decision.answer < DefendedModel::kRefused) | (decision.answer >= model.classes());
    if (wrong.any().item<bool>()) throw Broken{"an answer is none of the classes"};
  }
  const at::AutoGradMode graph(true);
  const Tensor x = subject.x.clone().requires_grad_(true);
  const Outputs out = model.pass(x, noise_of(kImages), models::Mode::kFolded);
  const Tensor loss = out.logits.square().sum();
  if (loss.requires_grad()) loss.backward();  // what has no gradient breaks a promise of its own
}

void is_made(DefenseTrial& trial) {
  const std::shared_ptr<Defense> defense = trial.require_made();
  if (!DefenseTrial::wraps(*defense) && !dynamic_cast<PerturbsLayers*>(defense.get()) &&
      !dynamic_cast<Trains*>(defense.get()) && !dynamic_cast<BuildsNetwork*>(defense.get()))
    throw Broken{
        "it has no ability: let it derive from TransformsInput, Votes, Refuses, Certifies, "
        "PerturbsLayers, BuildsNetwork or Trains"};
}

void answers(DefenseTrial& trial) {
  Subject subject = trial.subject();
  use(subject);
}

void leaves_settings_alone(DefenseTrial& trial) {
  evaluation::ProcessState process;
  Subject subject = trial.subject();
  use(subject);
  if (const std::vector<std::string> changed = process.put_back(); !changed.empty())
    throw Broken{"it changed " + changed.front()};
}

void leaves_the_network_alone(DefenseTrial& trial) {
  Subject subject = trial.subject();
  const Tensor x = subject.x.clone();
  use(subject);
  if (!torch::equal(subject.x, x)) throw Broken{"the images are not as they were"};
  if (const std::string name = subject.kept.put_back(); !name.empty())
    throw Broken{"'" + name + "' is not as it was"};
}

void draws_from_its_noise(DefenseTrial& trial) {
  if (trial.subject().model->own_randomness())
    throw Broken{"one noise gives two answers: it draws elsewhere than from its Noise"};
}

void keeps_no_state(DefenseTrial& trial) {
  Subject subject = trial.subject();
  if (subject.model->own_randomness())
    throw NotAsked{"it draws elsewhere than from its Noise: no two passes are alike"};
  for (int i = 0; i < 8; ++i) use(subject);
  if (const std::string why = subject.model->changed_since_probing(); !why.empty())
    throw Broken{why};
}

void rows_alone(DefenseTrial& trial) {
  const Subject subject = trial.subject();
  if (subject.model->own_randomness())
    throw NotAsked{"it draws elsewhere than from its Noise: no two passes are alike"};
  if (auto* perturbs = dynamic_cast<PerturbsLayers*>(subject.defense.get()))
    if (perturbs->couples_rows()) throw NotAsked{"it says that it depends on the whole batch"};
  if (subject.model->couples_rows())
    throw Broken{"an image gets another answer in a batch of another size or order"};
}

// A step against the loss and one along it, so long that coarse defenses see it.
void gradients(DefenseTrial& trial) {
  constexpr double kStep = 0.05;
  const Subject subject = trial.subject();
  const auto pass = [&](const Tensor& x) {
    return subject.model->pass(x, noise_of(kImages), models::Mode::kFolded).logits;
  };
  const Tensor y = subject.model->bare_logits(subject.x).argmax(1);
  Tensor gradient;
  {
    const at::AutoGradMode graph(true);
    const Tensor x = subject.x.clone().requires_grad_(true);
    const Tensor logits = pass(x);
    if (logits.requires_grad()) torch::cross_entropy_loss(logits, y).backward();
    gradient = x.grad();
  }
  if (!gradient.defined() || gradient.eq(0).all().item<bool>())
    throw Broken{
        "the gradient in the images is 0 everywhere: give surrogate(), else gradient attacks are "
        "blind"};
  if (!gradient.isfinite().all().item<bool>())
    throw Broken{"the gradient in the images is not finite"};
  const at::NoGradGuard no_graph;
  const auto loss = [&](double step) {
    const Tensor x = (subject.x + step * gradient.sign()).clamp(0, 1);
    return torch::cross_entropy_loss(pass(x), y).item<double>();
  };
  const double along = loss(kStep), against = loss(-kStep);
  if (along <= against)
    throw Broken{fmt::format(
        "a step of {} along the gradient gives the loss {:.4f}, one against it {:.4f}: attacks are "
        "led astray",
        kStep, along, against)};
}

void two_classes(DefenseTrial& trial) {
  Subject subject = trial.subject(small_network({3, 6, 8}, 2));
  use(subject);
}

void fitted_alike(DefenseTrial& trial) {
  const std::shared_ptr<Defense> defense = trial.make();
  auto* fits = dynamic_cast<Fits*>(defense.get());
  if (!fits || !fits->wanted()) throw NotAsked{"with these parameters nothing is fitted"};
  const auto state = [&] { return trial.subject().model->fitted(); };
  const auto one = state(), two = state();
  if (one.size() != two.size()) throw Broken{"it is fitted in one run and not in the other"};
  for (size_t i = 0; i < one.size(); ++i)
    for (const auto& [name, tensor] : one[i].second) {
      const auto other = two[i].second.find(name);
      if (other == two[i].second.end() || !torch::equal(tensor, other->second))
        throw Broken{"'" + name + "' is fitted otherwise from the same data"};
    }
}

void restored_alike(DefenseTrial& trial) {
  const std::shared_ptr<Defense> defense = trial.make();
  auto* fits = dynamic_cast<Fits*>(defense.get());
  if (!fits || !fits->wanted()) throw NotAsked{"with these parameters nothing is fitted"};
  Subject one = trial.subject();
  Subject two = trial.subject(small_network(), one.fitted);
  if (!two.fitted.empty()) throw NotAsked{"it does not take up what was fitted before: restore()"};
  if (one.model->own_randomness())
    throw NotAsked{"it draws elsewhere than from its Noise: no two passes are alike"};
  const DefendedModel::Decision a = one.model->decide(one.x, noise_of(kImages)),
                                b = two.model->decide(two.x, noise_of(kImages));
  if (!torch::equal(a.answer, b.answer) || !torch::equal(a.confidence, b.confidence))
    throw Broken{"after restore() it answers otherwise than after the fit() that it is from"};
}

// Rows of a suite that differ in such parameters alone share its draws.
void draws_alike(DefenseTrial& trial) {
  const std::shared_ptr<Defense> defense = trial.make();
  auto* votes = dynamic_cast<Votes*>(defense.get());
  const std::vector<std::string> names = votes ? votes->ballot_only() : std::vector<std::string>{};
  if (names.empty()) throw NotAsked{"it names no parameter that its ballots alone read"};
  const Tensor x = quarters(kImages, 2).x(torch::arange(kImages));
  const auto drawn = [&](Defense& of) {
    Noise noise = noise_of(kImages);
    return dynamic_cast<Votes&>(of).perturb(x.clone(), noise);
  };
  const Tensor expected = drawn(*defense);
  for (const std::string& name : names)
    if (const auto other = trial.made_otherwise(name))
      if (!torch::equal(drawn(*other), expected))
        throw Broken{"perturb() draws otherwise with another '" + name +
                     "', which ballot_only() names"};
}

// Random images inside certified balls, asked often enough that chance does not decide.
void certificates_hold(DefenseTrial& trial) {
  if (!dynamic_cast<Certifies*>(trial.make().get())) throw NotAsked{"it certifies nothing"};
  constexpr int64_t kDraws = 500, kTries = 3;
  const Subject subject = trial.subject();
  DefendedModel& model = *subject.model;
  int64_t forwards = 0;
  const at::NoGradGuard no_graph;
  const Certificate certificate = certificates(model, subject.x, noise_of(kImages, 11), forwards);
  const Tensor answer = certificate.answer.to(torch::kLong),
               radius = certificate.radius.to(torch::kFloat);
  for (int64_t i = 0; i < kTries; ++i) {
    Noise noise = noise_of(kImages, 20 + uint64_t(i));
    Tensor delta = noise.normal(subject.x.sizes().slice(1));
    delta = delta / delta.flatten(1).norm(2, 1).view({-1, 1, 1, 1});
    const Tensor near = (subject.x + 0.99 * radius.view({-1, 1, 1, 1}) * delta).clamp(0, 1);
    const Tensor votes = model.ballots(near, noise_of(kImages, 40 + uint64_t(i)), kDraws);
    const Tensor mine = votes.gather(1, answer.clamp_min(0).unsqueeze(1)).squeeze(1);
    const Tensor lost =
        (answer >= 0) & (radius > 0) & (votes.amax(1) - mine > 5 * std::sqrt(double(kDraws)));
    if (const int64_t n = lost.sum().item<int64_t>(); n > 0)
      throw Broken{fmt::format(
          "{} of {} images are answered otherwise inside their certified radius", n, kImages)};
  }
}

// As an attack that is given it asks for it.
void suggests_a_loss(DefenseTrial& trial) {
  const Subject subject = trial.subject();
  DefendedModel& model = *subject.model;
  if (!model.suggests()) throw NotAsked{"it suggests no loss"};
  const Tensor y = model.bare_logits(subject.x).argmax(1);
  const Loss loss = model.adaptive_loss(
      Goal::kUntargeted, std::make_shared<evaluation::LossView>(model, 0, models::Mode::kFolded));
  const at::AutoGradMode graph(true);
  const Tensor x = subject.x.clone().requires_grad_(true);
  const Tensor value = loss(model.pass(x, noise_of(kImages), models::Mode::kFolded),
                            {torch::arange(kImages), y, {}});
  if (!value.isfinite().all().item<bool>()) throw Broken{"the loss that it suggests is not finite"};
  if (value.requires_grad()) value.sum().backward();
  const Tensor gradient = x.grad();
  if (!gradient.defined() || gradient.eq(0).all().item<bool>())
    throw Broken{"the loss that it suggests has no gradient in the images"};
  if (!gradient.isfinite().all().item<bool>())
    throw Broken{"the gradient of the loss that it suggests is not finite"};
}

// Trains a detector to refuse none of the images, so that its tensors have a gradient.
struct RefusesNone final : Defense, Trains {
  Tensor loss(Training& training, const Batch& batch) override {
    const Outputs out = training.forward(batch.x);
    const Tensor loss = torch::cross_entropy_loss(out.logits, batch.y);
    return out.reject.defined() ? loss + torch::softplus(out.reject).mean() : loss;
  }
};

// What a wrapper learned, beside what it began with.
void add_learned(DefenseTrial& trial, const Learns& wrapper, const models::NetworkSpec& spec,
                 std::map<std::string, Tensor>& after) {
  const std::shared_ptr<Defense> fresh = trial.make();
  std::map<std::string, Tensor> before;
  bool moved = true;  // where no tensor is of the one optimizer that steps here
  for (const models::NamedTensor& t : models::declare_learned(*fresh, trial.name(), spec)) {
    before[t.name] = t.tensor;
    if (t.optimizer == "main") moved = false;
  }
  for (const auto& [name, tensor] : wrapper.learned) {
    const std::string key = trial.name() + "." + name;
    const auto first = before.find(key);
    moved |= first == before.end() || !torch::equal(tensor, first->second);
    after[key] = tensor.detach().clone();
  }
  if (!moved) throw Broken{"two epochs change none of the tensors that it declares"};
}

std::map<std::string, Tensor> trained(DefenseTrial& trial) {
  training::Recipe recipe = small_recipe();
  recipe.epochs = 2;
  const std::shared_ptr<Defense> defense = trial.make();
  training::TrainingParts parts;
  parts.network = trial.network(recipe.network, defense);
  std::map<std::string, Tensor> before;
  if (auto* perturbs = dynamic_cast<PerturbsLayers*>(defense.get())) {
    parts.network->declare(*perturbs, trial.name());
    parts.layer_plugins.push_back(defense);
  } else if (dynamic_cast<Trains*>(defense.get())) {
    parts.method = defense;
    parts.method_name = trial.name();
  } else if (dynamic_cast<Learns*>(defense.get())) {
    parts.stack.push_back({trial.name(), defense});
    parts.method = std::make_shared<RefusesNone>();
  } else if (!dynamic_cast<BuildsNetwork*>(defense.get())) {
    throw NotAsked{"it takes no part in training"};
  }
  parts.make_attack = [&](const Use& use) { return trial.attack(use); };
  DefendedModel other(build_network(recipe.network, 7), {}, {});  // whatever model it asks for
  parts.source = [&](const ModelRef&) -> DefendedModel& { return other; };
  for (const models::NamedTensor& t : parts.network->tensors())
    before[t.name] = t.tensor.detach().clone();
  training::run_training(recipe, quarters(64), parts, {}, false, {});
  std::map<std::string, Tensor> after;
  bool moved = false;
  for (const models::NamedTensor& t : parts.network->tensors()) {
    after[t.name] = t.tensor.detach().clone();
    moved |= t.trained && !torch::equal(after[t.name], before[t.name]);
  }
  if (!moved) throw Broken{"two epochs change no weight"};
  if (const auto* learns = dynamic_cast<const Learns*>(defense.get()))
    add_learned(trial, *learns, recipe.network, after);
  return after;
}

// That weights stay finite is what the training itself asks.
void trains(DefenseTrial& trial) {
  const auto one = trained(trial), two = trained(trial);
  for (const auto& [name, tensor] : one)
    if (!torch::equal(tensor, two.at(name)))
      throw Broken{"the same seed trains another '" + name + "'"};
}

constexpr Question<DefenseTrial> kDefenseQuestions[] = {
    {"is made and has an ability", is_made, "it cannot be used"},
    {"leaves settings of the process alone", leaves_settings_alone, nullptr, About::kSettings},
    {"leaves network and images as they were", leaves_the_network_alone, nullptr, About::kLent},
    {"gives finite answers of the right shape", answers, "it gives no usable answers"},
    {"draws from the noise it is given and nowhere else", draws_from_its_noise},
    {"keeps no state between calls", keeps_no_state},
    {"answers each image alone, or says that it does not", rows_alone},
    {"gives gradients that raise the loss", gradients},
    {"takes two classes and colour images", two_classes},
    {"is fitted alike from the same data", fitted_alike},
    {"answers alike when what was fitted is restored", restored_alike},
    {"draws alike whatever its ballots alone read", draws_alike},
    {"certifies what holds", certificates_hold},
    {"suggests a loss that attacks can climb", suggests_a_loss},
    {"trains a network, alike from the same seed", trains},
};
}  // namespace

std::vector<std::string> defense_promises() { return promises_of(kDefenseQuestions); }

Answer ask_defense(const DefenseUnderTest& defense, const std::string& promise) {
  return ask_one(kDefenseQuestions, defense, promise);
}

std::vector<Answer> ask_defense(const DefenseUnderTest& defense, const Listener& listener) {
  return ask_all(kDefenseQuestions, defense, listener);
}

}  // namespace gauntlet::conformance
