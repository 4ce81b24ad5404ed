#include "evaluation/attack_facts.h"

#include <algorithm>
#include <functional>

namespace gauntlet::evaluation {
namespace {

// What an attack is asked about.
struct Question {
  const ThreatModel& threat;
  const TargetFacts& facts;
  Goal goal;
  const library::PluginLibrary& plugins;

  std::unique_ptr<Attack> make(const Use& use) const {
    return plugins.attack(use.plugin, use.with);
  }
  std::string unsupported(const Use& use) const {
    return make(use)->no_form_for(threat, facts, goal);
  }
};

// An attack that another one's parameter names.
struct Inner {
  Use use;
  std::string name;      // "members: fab"
  std::string left_out;  // of a list: why it has no form for this and is not run; "": it is run
};

// Of a list, those without a form are left out, unless that is all of them.
std::vector<Inner> named_by(const ParamSpec& spec, const Use& attack, const Question& question) {
  const auto given = attack.with.find(spec.name);
  const ParamValue& value = given == attack.with.end() ? spec.fallback : given->second;
  std::vector<Inner> out;
  bool any_runs = false;
  for (Use& use : uses_of(spec, value)) {
    const std::string name = spec.name + ": " + use.plugin;
    const std::string why = spec.type == ParamType::kUseList ? question.unsupported(use) : "";
    any_runs |= why.empty();
    out.push_back({std::move(use), name, why});
  }
  if (!any_runs)
    for (Inner& inner : out) inner.left_out.clear();
  return out;
}

// The attacks that an attack's parameters name, and those inside of them; of one that is left out
// nothing else is told.
void each_inside(const Use& attack, const Question& question,
                 const std::function<void(const Inner&)>& visit) {
  for (const ParamSpec& spec : question.plugins.schema("attack", attack.plugin))
    for (const Inner& inner : named_by(spec, attack, question)) {
      visit(inner);
      if (inner.left_out.empty()) each_inside(inner.use, question, visit);
    }
}

}  // namespace

TargetFacts facts_of(const DefendedModel& model) {
  return {model.classes(), model.stochastic(), model.surrogate(), model.refuses() != nullptr,
          model.network().features()};
}

std::vector<std::string> remarks_of(const Use& attack, const ThreatModel& threat,
                                    const TargetFacts& facts, Goal goal,
                                    const library::PluginLibrary& plugins) {
  const Question question{threat, facts, goal, plugins};
  std::vector<std::string> out;
  const auto add = [&](const std::string& where, const std::string& text) {
    const bool known = std::count(out.begin(), out.end(), where + text) > 0;
    if (!text.empty() && !known) out.push_back(where + text);
  };
  const auto ask = [&](const Use& use) { return question.make(use)->remark(threat, facts, goal); };
  add("", ask(attack));
  each_inside(attack, question, [&](const Inner& inner) {
    if (inner.left_out.empty())
      add(inner.name + ": ", ask(inner.use));
    else
      add(inner.name + " is left out: ", inner.left_out);
  });
  return out;
}

int64_t samples_wanted(const Use& attack, const library::PluginLibrary& plugins) {
  int64_t most = plugins.attack(attack.plugin, attack.with)->facts().samples;
  for (const ParamSpec& spec : plugins.schema("attack", attack.plugin)) {
    const auto given = attack.with.find(spec.name);
    for (const Use& inner :
         uses_of(spec, given == attack.with.end() ? spec.fallback : given->second))
      most = std::max(most, samples_wanted(inner, plugins));
  }
  return most;
}

std::string unsupported_inside(const Use& attack, const ThreatModel& threat,
                               const TargetFacts& facts, Goal goal,
                               const library::PluginLibrary& plugins) {
  const Question question{threat, facts, goal, plugins};
  std::string out;
  each_inside(attack, question, [&](const Inner& inner) {
    if (!out.empty() || !inner.left_out.empty()) return;
    if (const std::string why = question.unsupported(inner.use); !why.empty())
      out = inner.name + ": " + why;
  });
  return out;
}

}  // namespace gauntlet::evaluation
