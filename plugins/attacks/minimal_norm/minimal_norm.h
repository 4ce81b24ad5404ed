// What tests of attacks that look for the smallest perturbation share.
#pragma once
#include <gtest/gtest.h>

#include "evaluation/craft.h"
#include "tests/toys/toy_model.h"

namespace gauntlet::toys {

inline const std::vector<int64_t> kImage = {1, 6, 8};
constexpr double kFar = 100;  // a ball that holds every image

// The attack's own answer: nothing is tracked.
inline evaluation::Crafted run(const std::string& name, const ParamMap& params,
                               evaluation::DefendedModel& model,
                               const evaluation::CraftBatch& batch, const ThreatModel& threat,
                               evaluation::CraftRules rules = {}) {
  ToyEnvironment environment;
  rules.track = false;
  const std::unique_ptr<Attack> plugin = attack(name, params);
  return craft(*plugin, model, batch, threat, rules, environment);
}
inline Tensor answer(const std::string& name, const ParamMap& params, const Toy& t,
                     const evaluation::CraftBatch& batch, Norm norm,
                     evaluation::CraftRules rules = {}) {
  return run(name, params, *t.model, batch, threat_of(norm, kFar), rules).x;
}
inline Tensor length(Norm norm, const evaluation::CraftBatch& batch, const Tensor& x) {
  return threat_of(norm, kFar).distance(batch.x, x);
}

inline Rows rows_of(const evaluation::CraftBatch& batch) {
  return {torch::arange(batch.y.size(0)), batch.y, batch.target};
}
inline Tensor margins(const Toy& t, const evaluation::CraftBatch& batch, const Tensor& x,
                      Goal goal = Goal::kUntargeted) {
  return margin(goal)({t.model->bare_logits(x), {}, {}}, rows_of(batch));
}

struct Case {
  std::string attack;
  ParamMap params;
  Norm norm;
  double factor;  // at most this times the optimum
};

inline const std::vector<Case> kCases = {
    {"cw", {{"rounds", 12}, {"initial_c", 0.01}, {"learning_rate", 0.02}}, Norm::kL2, 1.05},
    {"ddn", {{"steps", 300}, {"levels", 0}}, Norm::kL2, 1.05},
    // A won round shrinks tau by a tenth, and classes differ in the length of their weights in L1.
    {"cw", {{"learning_rate", 0.02}}, Norm::kLinf, 1.15},
    {"fab", {}, Norm::kL2, 1.051},
    {"fab", {}, Norm::kLinf, 1.051},
};

inline ParamMap with(ParamMap params, const std::string& name, const ParamValue& value) {
  params[name] = value;
  return params;
}

}  // namespace gauntlet::toys
