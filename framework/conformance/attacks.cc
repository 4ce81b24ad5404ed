#include "conformance/attacks.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bad_input.h"
#include "base/failure.h"
#include "conformance/questions.h"
#include "conformance/small_training.h"
#include "conformance/toys.h"
#include "evaluation/attack_facts.h"
#include "evaluation/craft.h"
#include "models/architectures/build_network.h"
#include "suite/names.h"

namespace gauntlet::conformance {
namespace {
using evaluation::CraftBatch;
using evaluation::Crafted;
using evaluation::CraftRules;
using evaluation::DefendedModel;

const std::vector<int64_t> kImage = {1, 5, 6};
constexpr int64_t kClasses = 4, kSamples = 9;
// Passes of one image after which an attack counts as endless: a hundred times what small
// parameters should take.
constexpr int64_t kEndless = 20'000;

int64_t images_that_differ(const Tensor& a, const Tensor& b) {
  return (a != b).flatten(1).any(1).sum().item<int64_t>();
}

std::shared_ptr<models::Network> with_batch_norm() {
  std::shared_ptr<models::Network> network = build_network(small_network(kImage, kClasses), 3);
  Noise noise = noise_of(1, 9);
  for (const models::NamedTensor& t : network->tensors())  // statistics as of a trained network
    if (!t.trained) t.tensor.copy_(noise.shared_normal(t.tensor.sizes()).abs() + 0.5);
  network->weights_changed();
  network->set_trainable(false);
  return network;
}

struct Endless : Broken {};

// What every question has at hand.
class AttackTrial final : public PluginTrial<Attack> {
 public:
  explicit AttackTrial(const AttackUnderTest& plugin)
      : PluginTrial(plugin, "its answers cannot be judged") {}

  DefendedModel& model(const ModelRef&) override { return *source_; }
  // A few images of the kind that is attacked, others than those.
  Batch samples(int64_t n) override {
    const CraftBatch more = batch_of(*asked_, std::min(n, kTraining), /*seed=*/6);
    return {more.x, more.y, more.index};
  }

  // With so many steps, whatever is given.
  std::unique_ptr<Attack> make_with_steps(int64_t steps) const {
    ParamMap others = plugin().params;
    others.erase("steps");
    // Steps that share out a length are no prefix of each other.
    if (has("step_size")) others.try_emplace("step_size", 0.05);
    return plugin().make(small_parameters(plugin().schema, others, steps));
  }
  // With what is given and its own defaults, whatever they cost.
  std::unique_ptr<Attack> make_as_it_is() const {
    ParamMap params = plugin().params;
    for (const auto& [name, value] : small_parameters(plugin().schema, plugin().params))
      if (value == ParamValue(kOtherModel)) params[name] = value;
    return plugin().make(params);
  }
  bool has(const char* parameter) const {
    return std::any_of(plugin().schema.begin(), plugin().schema.end(),
                       [&](const ParamSpec& spec) { return spec.name == parameter; });
  }

  Crafted run(Attack& attack, DefendedModel& model, const CraftBatch& batch,
              const ThreatModel& threat, CraftRules rules = {}) {
    rules.name = "attack '" + plugin().name + "'";
    const bool limited = rules.max_queries > 0;
    if (!limited) rules.max_queries = kEndless;
    asked_ = &model;
    Crafted out = judged([&] { return craft(attack, model, batch, threat, rules, *this); });
    if (!limited && out.queries.max().item<int64_t>() >= kEndless)
      throw Endless{fmt::format("it made {} passes of one image and went on", kEndless)};
    return out;
  }
  // The attack's own answer: no tracking, which would keep earlier hits.
  Tensor answer(Attack& attack, DefendedModel& model, const CraftBatch& batch,
                const ThreatModel& threat, CraftRules rules = {}) {
    rules.track = false;
    return run(attack, model, batch, threat, rules).x;
  }

  // body(attack, threat) in each norm that the attack supports.
  template <class Body>
  void each(const DefendedModel& model, double epsilon, Body body) {
    const TargetFacts facts = evaluation::facts_of(model);
    std::string reason;
    int64_t asked = 0;
    const std::unique_ptr<Attack> attack = make();
    for (const auto& [name, norm] : suite::kNorms) {
      const ThreatModel threat = threat_of(norm, size_like(norm, epsilon));
      const std::string why = attack->no_form_for(threat, facts, Goal::kUntargeted);
      if (!why.empty()) {
        if (reason.empty()) reason = why;
        continue;
      }
      ++asked;
      within(fmt::format("{}, epsilon {}", name, size_like(norm, epsilon)),
             [&] { body(*attack, threat); });
    }
    if (asked == 0) throw NotAsked{reason};
  }
  // What is broken there is told with the place.
  template <class Body>
  static void within(const std::string& where, Body body) {
    try {
      body();
    } catch (const Broken& broken) {
      throw Broken{where + ": " + broken.seen};
    } catch (const NotAsked&) {
      throw;
    } catch (const ParamError&) {
      throw;
    } catch (const BadInput&) {
      throw;
    } catch (...) {
      throw Broken{where + ": " + current_failure()};
    }
  }

  Toy toy = conformance::toy(curved(kImage, kClasses));
  CraftBatch batch = batch_of(*toy.model, kSamples);

  void transfer_from(const std::shared_ptr<DefendedModel>& source) { source_ = source; }

 private:
  static constexpr int64_t kTraining = 64;
  DefendedModel* asked_ = toy.model.get();
  std::shared_ptr<DefendedModel> source_ =
      conformance::toy(curved(kImage, kClasses, /*seed=*/2)).model;
};

void require_feasible(const ThreatModel& threat, const Tensor& clean, const Tensor& x) {
  if (x.sizes() != clean.sizes()) throw Broken{"the answer has another shape than the images"};
  if (x.scalar_type() != torch::kFloat) throw Broken{"the answer is not float32"};
  if (!x.isfinite().all().item<bool>()) throw Broken{"the answer is not finite"};
  const double low = x.min().item<double>(), high = x.max().item<double>();
  if (low < 0 || high > 1)
    throw Broken{fmt::format("the answer leaves the box [0, 1]: {} to {}", low, high)};
  if (!is_ball(threat.norm)) {
    const int64_t outside = threat.contains(clean, x).logical_not().sum().item<int64_t>();
    if (outside > 0)
      throw Broken{fmt::format("{} of {} answers leave the threat", outside, x.size(0))};
    return;
  }
  const Tensor excess = threat.distance(clean, x) - threat.epsilon.view(-1);
  const double most = excess.max().item<double>();
  if (most > 1e-6 * (1 + threat.epsilon.max().item<double>()))
    throw Broken{fmt::format("the answer leaves the ball by {}", most)};
}

void require_equal(const Tensor& a, const Tensor& b, const std::string& otherwise) {
  if (torch::equal(a, b)) return;
  throw Broken{
      fmt::format("{} in {} of {} images", otherwise, images_that_differ(a, b), a.size(0))};
}

// ---- The questions ------------------------------------------------------------------------------

void can_be_made(AttackTrial& trial) {
  const std::unique_ptr<Attack> attack = trial.require_made();
  const AttackFacts one = attack->facts();
  for (int i = 0; i < 10; ++i) {
    if (!(attack->facts() == one))
      throw Broken{"facts() says something else when it is asked again"};
  }
}

// Whether the answer can be judged is asked apart.
void ends(AttackTrial& trial) {
  trial.each(*trial.toy.model, 0.3, [&](Attack& attack, const ThreatModel& threat) {
    try {
      trial.run(attack, *trial.toy.model, trial.batch, threat);
    } catch (const Endless&) {
      throw;
    } catch (const Broken&) {
    } catch (const NotAsked&) {
    }
  });
}

void asks_the_model(AttackTrial& trial) {
  trial.each(*trial.toy.model, 0.3, [&](Attack& attack, const ThreatModel& threat) {
    if (attack.facts().access == Access::kNone)
      throw NotAsked{"it says that it asks the target nothing"};
    if (!trial.run(attack, *trial.toy.model, trial.batch, threat).asked)
      throw Broken{"it asked the model nothing"};
  });
}

void leaves_the_process_alone(AttackTrial& trial) {
  trial.each(*trial.toy.model, 0.3, [&](Attack& attack, const ThreatModel& threat) {
    const Crafted out = trial.run(attack, *trial.toy.model, trial.batch, threat);
    if (!out.changed.empty()) throw Broken{"it changed " + *out.changed.begin()};
  });
}

// Small numbers hide how far the steps of a real attack reach: once with its own, as far as some
// passes go.
void stays_inside(AttackTrial& trial) {
  constexpr int64_t kPasses = 300;
  const std::unique_ptr<Attack> as_it_is = trial.make_as_it_is();
  for (const double epsilon : {0.03, 0.4, 3.0})
    trial.each(*trial.toy.model, epsilon, [&](Attack& attack, const ThreatModel& threat) {
      require_feasible(threat, trial.batch.x,
                       trial.answer(attack, *trial.toy.model, trial.batch, threat));
      CraftRules rules;
      rules.max_queries = kPasses;
      require_feasible(threat, trial.batch.x,
                       trial.answer(*as_it_is, *trial.toy.model, trial.batch, threat, rules));
    });
}

void stays_inside_with_tracking(AttackTrial& trial) {
  trial.each(*trial.toy.model, 0.4, [&](Attack& attack, const ThreatModel& threat) {
    require_feasible(threat, trial.batch.x,
                     trial.run(attack, *trial.toy.model, trial.batch, threat).x);
  });
}

void epsilon_zero(AttackTrial& trial) {
  trial.each(*trial.toy.model, 0, [&](Attack& attack, const ThreatModel& threat) {
    if (threat.norm == Norm::kUnbounded) return;  // whatever epsilon is
    require_equal(trial.answer(attack, *trial.toy.model, trial.batch, threat), trial.batch.x,
                  "the answer is not the image");
  });
}

void epsilon_of_each_sample(AttackTrial& trial) {
  trial.each(*trial.toy.model, 0.4, [&](Attack& attack, ThreatModel threat) {
    // The first has the largest, the last one 0.
    std::vector<double> epsilons;
    for (int64_t i = kSamples - 1; i >= 0; --i)
      epsilons.push_back(size_like(threat.norm, 0.05 * double(i)));
    threat.epsilon = torch::tensor(epsilons).to(torch::kFloat).view({-1, 1, 1, 1});
    const Tensor x = trial.answer(attack, *trial.toy.model, trial.batch, threat);
    require_feasible(threat, trial.batch.x, x);
    const bool none = threat.norm != Norm::kUnbounded;  // whatever epsilon is
    if (none && !torch::equal(x[kSamples - 1], trial.batch.x[kSamples - 1]))
      throw Broken{"a sample whose epsilon is 0 was changed"};
  });
}

void same_seed(AttackTrial& trial) {
  trial.each(*trial.toy.model, 0.3, [&](Attack& attack, const ThreatModel& threat) {
    CraftRules rules;
    rules.seed = 7;
    const Tensor first = trial.answer(attack, *trial.toy.model, trial.batch, threat, rules);
    require_equal(trial.answer(attack, *trial.toy.model, trial.batch, threat, rules), first,
                  "the same seed gives another answer");
  });
}

void batches_cut(AttackTrial& trial) {
  trial.each(*trial.toy.model, 0.3, [&](Attack& attack, const ThreatModel& threat) {
    if (attack.facts().couples_rows) throw NotAsked{"it says that rows influence each other"};
    const Tensor whole = trial.answer(attack, *trial.toy.model, trial.batch, threat);
    for (const int64_t size : {1, 4}) {
      std::vector<Tensor> parts;
      for (int64_t i = 0; i < kSamples; i += size)
        parts.push_back(
            trial.answer(attack, *trial.toy.model, part(trial.batch, i, i + size), threat));
      require_equal(torch::cat(parts), whole,
                    fmt::format("batches of {} give another answer", size));
    }
  });
}

void rows_shuffled(AttackTrial& trial) {
  trial.each(*trial.toy.model, 0.3, [&](Attack& attack, const ThreatModel& threat) {
    CraftRules shuffled;
    shuffled.shuffle = true;
    require_equal(trial.answer(attack, *trial.toy.model, trial.batch, threat, shuffled),
                  trial.answer(attack, *trial.toy.model, trial.batch, threat),
                  "rows handed to the model in another order give another answer");
  });
}

void compaction(AttackTrial& trial) {
  trial.each(*trial.toy.model, 0.3, [&](Attack& attack, const ThreatModel& threat) {
    CraftRules whole;
    whole.compact = false;
    const Crafted a = trial.run(attack, *trial.toy.model, trial.batch, threat);
    const Crafted b = trial.run(attack, *trial.toy.model, trial.batch, threat, whole);
    require_equal(a.x, b.x, "leaving decided rows out of the computation gives another answer");
    if (!torch::equal(a.confirmed, b.confirmed))
      throw Broken{"leaving decided rows out of the computation changes what is confirmed"};
    if (a.ledger.executed_forwards > b.ledger.executed_forwards)
      throw Broken{"leaving decided rows out of the computation makes more passes"};
  });
}

// Noise on the input, drawn per row, and the mean of the answers: a randomized defense that any
// attack may meet.
struct NoisyInput final : Defense, TransformsInput {
  Tensor forward(const Tensor& x, Noise& noise) override {
    return x + 0.1 * noise.normal(x.sizes().slice(1));
  }
};

void noisy_models(AttackTrial& trial) {
  const Toy noisy =
      toy(curved(kImage, kClasses), {}, {{"noisy_input", std::make_shared<NoisyInput>()}});
  trial.each(*noisy.model, 0.3, [&](Attack& attack, const ThreatModel& threat) {
    if (attack.facts().couples_rows) throw NotAsked{"it says that rows influence each other"};
    CraftRules rules;
    rules.draws = 3;
    const auto of = [&](int64_t from, int64_t to) {
      return trial.answer(attack, *noisy.model, part(trial.batch, from, to), threat, rules);
    };
    require_equal(torch::cat({of(0, 4), of(4, kSamples)}), of(0, kSamples),
                  "against a randomized model, two batches give another answer than one");
  });
}

// Both on a toy and on a network with batch norm.
void leaves_the_network(AttackTrial& trial) {
  const auto check = [&](models::Network& network, DefendedModel& model) {
    const CraftBatch batch = batch_of(model, kSamples);
    const auto state = [&] {
      std::vector<std::pair<std::string, Tensor>> out = {{"x", batch.x.clone()},
                                                         {"y", batch.y.clone()}};
      for (const models::NamedTensor& t : network.tensors())
        out.emplace_back(t.name, t.tensor.detach().clone());
      return out;
    };
    trial.each(model, 0.3, [&](Attack& attack, const ThreatModel& threat) {
      const auto before = state();
      trial.run(attack, model, batch, threat);
      const auto after = state();
      for (size_t i = 0; i < before.size(); ++i)
        if (!torch::equal(before[i].second, after[i].second))
          throw Broken{"'" + before[i].first + "' is not as it was"};
      for (const models::NamedTensor& t : network.tensors())
        if (t.tensor.requires_grad() || t.tensor.grad().defined())
          throw Broken{"'" + t.name + "' is left with a gradient"};
    });
  };
  check(*trial.toy.network, *trial.toy.model);
  const std::shared_ptr<models::Network> network = with_batch_norm();
  DefendedModel model(network, {}, {});
  Noise noise = noise_of(4, 99);
  model.probe(noise.uniform(kImage));
  check(*network, model);
}

void constant_model(AttackTrial& trial) {
  const Toy constant = toy(std::make_shared<ToyNetwork>(kImage, torch::zeros({kClasses, 30}),
                                                        torch::tensor({1.f, 0.f, 0.f, 0.f})));
  const CraftBatch batch = batch_of(*constant.model, kSamples);
  trial.each(*constant.model, 0.3, [&](Attack& attack, const ThreatModel& threat) {
    const Crafted result = trial.run(attack, *constant.model, batch, threat);
    require_feasible(threat, batch.x, result.x);
    if (result.confirmed.any().item<bool>())
      throw Broken{"it won against a model whose answer never changes"};
  });
}

void on_images_of(AttackTrial& trial, const std::shared_ptr<ToyNetwork>& network,
                  const std::shared_ptr<ToyNetwork>& source, int64_t samples) {
  const Toy other = toy(network);
  trial.transfer_from(toy(source).model);
  const CraftBatch batch = batch_of(*other.model, samples);
  trial.each(*other.model, 0.3, [&](Attack& attack, const ThreatModel& threat) {
    require_feasible(threat, batch.x, trial.run(attack, *other.model, batch, threat).x);
  });
}
void two_classes(AttackTrial& trial) {
  on_images_of(trial, curved({3, 4, 4}, 2), curved({3, 4, 4}, 2, /*seed=*/2), kSamples);
}
void one_pixel(AttackTrial& trial) {
  on_images_of(trial, linear({1, 1, 1}, 2), linear({1, 1, 1}, 2, 1, /*seed=*/2), 1);
}

void prefix(AttackTrial& trial) {
  const std::unique_ptr<Attack> shorter = trial.make_with_steps(3),
                                longer = trial.make_with_steps(5);
  if (!shorter->facts().prefix_nested)
    throw NotAsked{"it does not say that a longer run begins with a shorter one"};
  if (!trial.has("steps")) throw NotAsked{"it has no parameter 'steps'"};
  trial.each(*trial.toy.model, 0.3, [&](Attack&, const ThreatModel& threat) {
    const auto asked = [&](Attack& attack) {
      std::vector<Tensor> queries;
      CraftRules rules;
      rules.observe = [&](const Rows&, const Tensor& x, const Outputs&) { queries.push_back(x); };
      trial.answer(attack, *trial.toy.model, trial.batch, threat, rules);
      return queries;
    };
    const std::vector<Tensor> few = asked(*shorter), many = asked(*longer);
    if (few.size() >= many.size()) throw Broken{"5 steps ask no more than 3"};
    for (size_t q = 0; q < few.size(); ++q)
      if (!torch::equal(few[q], many[q]))
        throw Broken{fmt::format("query {} of 5 steps is not that of 3 steps", q + 1)};
  });
}

void budget(AttackTrial& trial) {
  trial.each(*trial.toy.model, 0.01, [&](Attack& attack, const ThreatModel& threat) {
    CraftRules rules;
    rules.max_queries = 3;
    const Crafted result = trial.run(attack, *trial.toy.model, trial.batch, threat, rules);
    if (const int64_t most = result.queries.max().item<int64_t>(); most > 3)
      throw Broken{fmt::format("it made {} passes of an image where 3 were granted", most)};
    require_feasible(threat, trial.batch.x, result.x);
  });
}

// The goal decides what an attack climbs towards: a targeted run raises its target's probability,
// a hypocritical one that of the right answer.
void goals(AttackTrial& trial) {
  const std::unique_ptr<Attack> attack = trial.make();
  if (attack->facts().access != Access::kGradient)
    throw NotAsked{"only an attack on gradients must raise it on every set of images"};
  const CraftBatch plain = batch_of(*trial.toy.model, 40);
  const std::vector<Norm> norms = attack->facts().norms;
  if (norms.empty()) throw NotAsked{"it says that it has a form for no threat"};
  const ThreatModel threat = threat_of(norms.front(), size_like(norms.front(), 0.5));
  int64_t asked = 0;
  for (const Goal goal : {Goal::kTargeted, Goal::kHypocritical}) {
    const TargetFacts facts = evaluation::facts_of(*trial.toy.model);
    if (!attack->no_form_for(threat, facts, goal).empty()) continue;
    ++asked;
    AttackTrial::within(suite::to_string(goal), [&] {
      CraftRules rules;
      rules.goal = goal;
      const Tensor wanted =
          (trial.toy.model->bare_logits(plain.x).argmax(1) + 1).remainder(kClasses);
      CraftBatch now = plain;
      (goal == Goal::kTargeted ? now.target : now.y) = wanted;
      const auto log_probability = [&](const Tensor& x) {
        const Tensor log = trial.toy.model->bare_logits(x).log_softmax(1);
        return log.gather(1, wanted.unsqueeze(1)).mean().item<double>();
      };
      const double before = log_probability(plain.x),
                   after =
                       log_probability(trial.answer(*attack, *trial.toy.model, now, threat, rules));
      if (after <= before)
        throw Broken{fmt::format(
            "the log-probability of the wanted class went from {:.3f} to {:.3f}", before, after)};
    });
  }
  if (asked == 0) throw NotAsked{"it is untargeted"};
}

constexpr Question<AttackTrial> kAttackQuestions[] = {
    {"is made and says what it is", can_be_made, "it cannot be made"},
    {"comes to an end", ends, "it fails, or does not come to an end"},
    {"leaves settings of the process alone", leaves_the_process_alone, nullptr, About::kSettings},
    {"leaves network and images as they were", leaves_the_network, nullptr, About::kLent},
    {"gives finite images inside ball and box", stays_inside, "its answers cannot be judged"},
    {"asks the model", asks_the_model},
    {"stays inside them while hits are tracked", stays_inside_with_tracking},
    {"changes nothing where epsilon is 0", epsilon_zero},
    {"takes an epsilon for each sample", epsilon_of_each_sample},
    {"gives the same answer to the same seed", same_seed},
    {"gives the same answer however batches are cut", batches_cut},
    {"gives the same answer in whatever order rows are computed", rows_shuffled},
    {"gives the same verdicts where decided rows are left out", compaction},
    {"gives the same answer in any batch against a randomized model", noisy_models},
    {"survives a model that always answers the same", constant_model},
    {"takes two classes and colour images", two_classes},
    {"takes an image of one pixel", one_pixel},
    {"begins a longer run as a shorter one", prefix},
    {"keeps within a budget of queries", budget},
    {"follows its goal", goals},
};
}  // namespace

std::vector<std::string> attack_promises() { return promises_of(kAttackQuestions); }

Answer ask_attack(const AttackUnderTest& attack, const std::string& promise) {
  return ask_one(kAttackQuestions, attack, promise);
}

std::vector<Answer> ask_attack(const AttackUnderTest& attack, const Listener& listener) {
  return ask_all(kAttackQuestions, attack, listener);
}

}  // namespace gauntlet::conformance
