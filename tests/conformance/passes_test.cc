// What the plan tells of an attack's queries, held against those that the attack makes.
#include "suite/passes.h"

#include <gtest/gtest.h>

#include "shipped_attacks.h"
#include "suite/names.h"

namespace gauntlet {
namespace {
using namespace toys;

const std::vector<int64_t> kImage = {1, 5, 6};
constexpr int64_t kClasses = 4, kDraws = 2;

ParamMap completed(const std::string& plugin, const ParamMap& given);

// With all parameters of what is nested in it, as a suite gives them.
ParamValue completed(const ParamValue& value) {
  if (const auto* use = value.get<ParamMap>(); use && use->contains("use")) {
    const std::string plugin = *use->at("use").get<std::string>();
    ParamMap out = completed(plugin, *use);
    out["use"] = plugin;
    return out;
  }
  const auto* list = value.get<ParamList>();
  if (!list) return value;
  ParamList out;
  for (const ParamValue& item : *list) out.push_back(completed(item));
  return out;
}

ParamMap completed(const std::string& plugin, const ParamMap& given) {
  ParamMap out;
  for (const ParamSpec& spec :
       entry_of(build_folder() / "plugins" / "attacks" / (plugin + ".so")).schema()) {
    const auto there = given.find(spec.name);
    out[spec.name] = completed(there == given.end() ? spec.fallback : there->second);
  }
  return out;
}

struct Case {
  std::string plugin;
  ParamMap given;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"alternating_pgd", {{"steps", 6}}},
      {"apgd", {{"steps", 10}}},
      {"apgd", {{"steps", 10}, {"loss", "dlr_targeted"}, {"targets", 2}}},
      {"cw", {{"rounds", 2}, {"steps", 10}, {"abort_early", false}}},
      {"ddn", {{"steps", 10}}},
      {"ensemble",
       {{"members",
         ParamList{ParamMap{{"use", "pgd"}, {"steps", 5}},
                   ParamMap{{"use", "square"}, {"queries", 20}},
                   ParamMap{{"use", "fab"}, {"steps", 5}, {"targeted", true}, {"targets", 2}}}},
        {"repeats", ParamList{2, 1, 1}}}},
      {"fab", {{"steps", 10}}},
      {"fab", {{"steps", 10}, {"targeted", true}, {"targets", 2}}},
      {"fgsm", {}},
      {"hopskipjump", {{"steps", 3}, {"init_evaluations", 30}, {"start_tries", 5}}},
      {"multitargeted", {{"targets", 2}, {"attack", ParamMap{{"use", "apgd"}, {"steps", 10}}}}},
      {"nattack", {{"steps", 12}, {"population", 8}}},
      {"pgd", {{"steps", 6}, {"scales", 3}}},
      {"square", {{"queries", 40}}},
  };
  return all;
}

// body(attack, its parameters, norm) in each norm that it has a form for.
template <class Body>
void in_each_norm(const evaluation::DefendedModel& model, Body body) {
  for (const Case& one : cases()) {
    const ParamMap params = completed(one.plugin, one.given);
    for (const auto& [name, norm] : suite::kNorms) {
      if (!is_ball(norm)) continue;  // there some of what is inside another attack is left out
      const std::unique_ptr<Attack> attack = toys::attack(one.plugin, params);
      const TargetFacts facts{model.classes(), model.stochastic(), model.surrogate(), false};
      if (!attack->no_form_for(threat_of(norm, 0.05), facts, Goal::kUntargeted).empty()) continue;
      SCOPED_TRACE(one.plugin + " in " + std::string(name) + ", " +
                   std::to_string(one.given.size()) + " parameters given");
      body(*attack, params, norm);
    }
  }
}

// Of an image. No hit ends the attack.
double most_queries(Attack& attack, evaluation::DefendedModel& model, Norm norm) {
  evaluation::CraftRules rules;
  rules.track = false;
  rules.draws = kDraws;
  ToyEnvironment environment;
  const evaluation::CraftBatch batch = batch_of(model, 9);
  return double(craft(attack, model, batch, threat_of(norm, 0.05), rules, environment)
                    .queries.max()
                    .item<int64_t>());
}

TEST(PlannedPasses, AreAnUpperBoundThatIsReached) {
  const Toy network = toy(curved(kImage, kClasses));
  in_each_norm(*network.model, [&](Attack& attack, const ParamMap& params, Norm norm) {
    const double told = suite::passes_of(params, {.classes = kClasses}).forwards,
                 used = most_queries(attack, *network.model, norm);
    EXPECT_LE(used, told);
    EXPECT_GE(2 * used, told);
  });
}

TEST(PlannedPasses, AreAnUpperBoundUnderNoise) {
  const Toy network = toy(curved(kImage, kClasses), {}, {{"smoothing", defense("smoothing")}});
  const suite::Setting setting{
      .classes = kClasses, .draws = kDraws, .votes = network.model->mc_samples(), .noisy = true};
  in_each_norm(*network.model, [&](Attack& attack, const ParamMap& params, Norm norm) {
    EXPECT_LE(most_queries(attack, *network.model, norm),
              suite::passes_of(params, setting).forwards);
  });
}

TEST(PlannedPasses, AreHeldAgainstEveryAttackThatAsks) {
  std::set<std::string> held;
  for (const Case& one : cases()) held.insert(one.plugin);
  for (const auto& file : attack_files()) {
    const Entry& entry = entry_of(file);
    if (entry.attack(small_parameters(entry.schema(), {}))->facts().access == Access::kNone)
      continue;
    EXPECT_TRUE(held.contains(file.stem())) << "add " << file.stem() << " above";
  }
}

}  // namespace
}  // namespace gauntlet
