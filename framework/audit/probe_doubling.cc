// Whether the suite's strongest gradient attack has converged: it is run with twice as much.
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "audit/probe_groups.h"
#include "evaluation/attack_facts.h"
#include "evaluation/bounds.h"
#include "evaluation/cell.h"
#include "evaluation/division.h"

namespace gauntlet::audit {
namespace {
using results::Check;
using results::Level;

// Accuracy may fall by 2 of 100 images; beyond that, and beyond chance, the attack was too weak.
constexpr double kDoublingSlack = 0.02, kDoublingChance = 0.05;
constexpr const char* kStepsKey = "steps";

const int64_t* steps_of(const suite::AttackSpec& attack) {
  const auto steps = attack.params.find(kStepsKey);
  return steps == attack.params.end() ? nullptr : steps->second.get<int64_t>();
}

// "pgd-20" or "\"my attack\"", as TOML has keys.
std::string toml_key(const std::string& name) {
  const bool bare = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
  });
  return bare ? name : '"' + name + '"';
}

// Whether it is an attack of this row at all, too.
bool can_be_doubled(const suite::AttackSpec& attack, const library::PluginLibrary& plugins,
                    const ThreatModel& threat, const evaluation::DefendedModel& model) {
  const std::optional<Division>& division = attack.host.division;
  if (division && !evaluation::division_mismatch(*division, model).empty()) return false;
  const int64_t* steps = steps_of(attack);
  if (!steps || *steps < 2 || attack.host.goal != Goal::kUntargeted || attack.host.max_queries > 0)
    return false;
  if (attack.host.access && *attack.host.access < Access::kGradient) return false;
  const std::unique_ptr<Attack> plugin = plugins.attack(attack.plugin, attack.params);
  const AttackFacts own = plugin->facts();
  const TargetFacts facts = evaluation::facts_of(model);
  return own.access == Access::kGradient && !own.minimal_norm &&
         plugin->no_form_for(threat, facts, Goal::kUntargeted).empty() &&
         evaluation::unsupported_inside({attack.plugin, attack.params}, threat, facts,
                                        Goal::kUntargeted, plugins)
             .empty();
}
}  // namespace

std::optional<suite::AttackSpec> strongest_of(const std::vector<suite::AttackSpec>& attacks,
                                              const library::PluginLibrary& plugins,
                                              const ThreatModel& threat,
                                              const evaluation::DefendedModel& model,
                                              const std::map<std::string, double>& left) {
  const auto rank = [&](const suite::AttackSpec& one) {
    const auto record = left.find(one.name);
    return std::tuple(record == left.end() ? 1 : record->second, -*steps_of(one),
                      model.stochastic() ? -one.host.draws : 0, -one.host.restarts, one.name);
  };
  const suite::AttackSpec* best = nullptr;
  for (const suite::AttackSpec& one : attacks)
    if (can_be_doubled(one, plugins, threat, model) && (!best || rank(one) < rank(*best)))
      best = &one;
  if (best) return *best;
  if (!plugins.has("attack", "pgd")) return {};
  suite::AttackSpec own;
  own.plugin = "pgd";
  own.params = resolve(plugins.schema("attack", "pgd"),
                       {{"steps", 20}, {"step_size", 0.125}, {"step_unit", "epsilon"}});
  own.host.draws = model.stochastic() ? 4 : 1;
  return can_be_doubled(own, plugins, threat, model) ? std::optional(own) : std::nullopt;
}

Doubling::Doubling(const Subject& subject, const ProbeJob& job, evaluation::Laboratory& laboratory,
                   suite::AttackSpec attack)
    : s_(subject), job_(job), laboratory_(laboratory), attack_(std::move(attack)) {}

Tensor Doubling::run(const suite::AttackSpec& attack) {
  const std::unique_ptr<Attack> plugin = laboratory_.attack({attack.plugin, attack.params});
  const suite::Scoring scoring;
  const evaluation::CellJob cell{scoring,   job_.defense, attack, job_.threat,
                                 job_.seed, job_.data,    {}};
  evaluation::CraftRules rules = rules_of(cell, plugin->facts());
  rules.defense_stream = evaluation::Stream::kAudit;
  rules.defense_run = uint64_t(Purpose::kClimb);
  rules.stop = job_.stop;
  evaluation::CraftBatch batch = s_.batch;
  if (!s_.model.stochastic()) batch.settled = s_.clean[0].logical_not();
  return s_.score(
      evaluation::craft(*plugin, s_.model, batch, s_.ball(s_.epsilon), rules, laboratory_).x);
}

const Tensor& Doubling::plain() {
  if (!plain_.defined()) plain_ = run(attack_);
  return plain_;
}

void Doubling::check(const char* code, const char* key, int64_t now, const suite::AttackSpec& more,
                     Checks& out) {
  const Compared found = s_.compare(plain(), run(more));
  Check check = {{code,
                  {{"first", found.first},
                   {"second", found.second},
                   {"p", found.p},
                   {"now", now},
                   {"then", 2 * now}}},
                 Level::kPass};
  if (found.falls(kDoublingSlack, kDoublingChance)) check.level = Level::kWarn;
  const std::string entry = attack_.entry.empty() ? attack_.name : attack_.entry;
  check.finding.figures["attack"] = attack_.name.empty() ? "pgd" : attack_.name;
  check.finding.figures["line"] =
      entry.empty() ? fmt::format("attack.pgd = {{ use = \"pgd\", {} = {} }}", key, 2 * now)
                    : fmt::format("attack.{}.{} = {}", toml_key(entry), key, 2 * now);
  out.push_back(check);
}

void Doubling::steps(Checks& out) {
  suite::AttackSpec more = attack_;
  const int64_t now = *steps_of(attack_);
  more.params[kStepsKey] = 2 * now;
  check("more_steps", kStepsKey, now, more, out);
}

void Doubling::restarts(Checks& out) {
  suite::AttackSpec more = attack_;
  more.host.restarts *= 2;
  check("more_restarts", "restarts", attack_.host.restarts, more, out);
}

void Doubling::draws(Checks& out) {
  if (!s_.model.stochastic()) return;
  suite::AttackSpec more = attack_;
  more.host.draws *= 2;
  check("more_draws", "draws", attack_.host.draws, more, out);
}

}  // namespace gauntlet::audit
