// Transfer: the inputs that another attack finds on another model. Papernot et al., 2016,
// https://arxiv.org/abs/1605.07277
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Transfer final : Attack {
  struct Params {
    ModelRef source;
    Use attack = {"pgd"};

    void fields(auto&& visit) {
      visit(source, "source", "the registry model that the inner attack is run on");
      visit(attack, "attack", "the inner attack");
    }
  } p;

  AttackFacts facts() const override { return {.access = Access::kNone}; }

  std::string unsupported(const ThreatModel&, const TargetFacts&, Goal) const override {
    return p.source.id.empty() ? "transfer needs a source model" : "";
  }

  Tensor run(Target&, const Task& task) override {
    Target& source = task.host.source(p.source);
    const std::unique_ptr<Attack> inner = task.host.attack(p.attack);
    const std::string reason = inner->unsupported(task.threat, source.facts(), task.goal);
    if (!reason.empty()) throw ParamError("attack: " + p.attack.plugin + ": " + reason);
    Task on_source = task;
    on_source.loss.reset();  // the target's adaptive loss may read what the source does not have
    return inner->run(source, on_source);
  }
};
}  // namespace

GAUNTLET_ATTACK(Transfer, "transfer", "1.0.0", "an attack on another model, tried on this one");
