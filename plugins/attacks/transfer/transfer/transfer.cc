// Transfer: the inputs that another attack finds on another model, or on several. Papernot et al.,
// 2016, https://arxiv.org/abs/1605.07277
#include "ensemble.h"

namespace {
using namespace gauntlet;

struct Transfer final : Attack {
  struct Params {
    ModelRef source;
    std::vector<ModelRef> sources;
    std::string ensemble = "probability";
    Use attack = {"pgd"};

    void fields(auto&& visit) {
      visit(source, "source", "the registry model that the inner attack is run on");
      visit(sources, "sources", "several of them, attacked together");
      visit(ensemble, "ensemble", "what is averaged over several sources",
            OneOf{"probability", "logit"});
      visit(attack, "attack", "the inner attack");
    }
  } p;

  AttackFacts facts() const override {  // the attack inside says what it has forms for
    return {.access = Access::kNone, .norms = norms_with_steps()};
  }

  std::string unsupported(const ThreatModel&, const TargetFacts&, Goal) const override {
    if (p.source.id.empty() && p.sources.empty()) return "transfer needs a source model";
    if (!p.source.id.empty() && !p.sources.empty())
      return "transfer takes 'source' or 'sources', not both";
    return "";
  }

  Tensor run(Target&, const Task& task) override {
    const std::unique_ptr<Attack> inner = task.host.attack(p.attack);
    Task on_source = task;
    on_source.loss.reset();  // the target's adaptive loss may read what the source does not have
    const std::vector<Target*> members = sources(task.host);
    transfer::Ensemble ensemble(members, on_source,
                                p.ensemble == "logit" ? Average::kLogit : Average::kProbability);
    Target& source = members.size() == 1 ? *members.front() : ensemble;
    const std::string reason = inner->no_form_for(task.threat, source.facts(), task.goal);
    if (!reason.empty()) throw ParamError("attack: " + p.attack.plugin + ": " + reason);
    const Tensor found = inner->run(source, on_source);
    if (!inner->facts().minimal_norm) return found;
    // It may have found the smallest perturbation beyond the ball.
    return task.x + task.threat.project(task.x, found - task.x);
  }

  std::vector<Target*> sources(Host& host) const {
    std::vector<Target*> out;
    for (const ModelRef& ref : p.sources.empty() ? std::vector{p.source} : p.sources) {
      out.push_back(&host.source(ref));
      const int64_t classes = out.back()->facts().classes, first = out.front()->facts().classes;
      if (classes != first)
        throw ParamError("sources: '" + ref.id + "' knows " + std::to_string(classes) +
                         " classes, the first source " + std::to_string(first));
    }
    return out;
  }
};
}  // namespace

GAUNTLET_ATTACK(Transfer, "transfer", "1.3.0", "an attack on other models, tried on this one");
