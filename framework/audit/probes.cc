#include "audit/probes.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "audit/probe_groups.h"
#include "base/bad_input.h"
#include "base/failure.h"
#include "evaluation/process_state.h"

namespace gauntlet::audit {
namespace {
using results::Check;
using results::Level;

// Some questions that are asked together.
struct Round {
  const char* code;  // of the check that fails where a plugin does wrong
  std::function<void(Checks&)> probe;
  Level blame = Level::kFail;
};

// One after the other; what a plugin does wrong in one of them is that one's answer.
class Rounds {
 public:
  Rounds(const ProbeJob& job, Checks& out) : job_(job), out_(out) {}

  // So many are still to come: from now on progress is told.
  void expect(size_t more) { of_ = done_ + int64_t(more); }

  // False where it failed.
  bool run(const Round& round) {
    if (job_.stop && job_.stop->load()) throw evaluation::Interrupted{};
    Checks found;
    bool sound = true;
    try {
      round.probe(found);
    } catch (const evaluation::Interrupted&) {
      throw;
    } catch (const BadInput&) {
      throw;
    } catch (...) {
      std::erase_if(found, [&](const Check& one) { return one.finding.code == round.code; });
      found.push_back({{round.code, {{"reason", current_failure()}}}, round.blame});
      sound = false;
    }
    out_.insert(out_.end(), found.begin(), found.end());
    ++done_;
    if (job_.progress && of_ > 0) job_.progress(done_, of_);
    return sound;
  }

 private:
  const ProbeJob& job_;
  Checks& out_;
  int64_t done_ = 0, of_ = 0;  // of: 0 while it is not known
};

// All that is asked of a defense that answers. `doubling`: null where no attack can be doubled.
std::vector<Round> rounds_of(const Subject& s, Repetition& repetition, Battery& battery,
                             Doubling* doubling, const library::PluginLibrary& plugins) {
  std::vector<Round> out = {
      {"outputs", [&](Checks& found) { probe_outputs(s, found); }},
      {"gradients_vanish", [&](Checks& found) { probe_gradients(s, found); }},
      {"slope", [&](Checks& found) { probe_slope(s, found); }},
      {"noise_acts", [&](Checks& found) { probe_noise(s, found); }},
      {"votes", [&](Checks& found) { probe_votes(s, found); }},
      {"memorised", [&](Checks& found) { probe_neighbours(s, found); }},
      {"label_leak", [&](Checks& found) { battery.one_step(found); }},
      {"loss_rises", [&](Checks& found) { battery.full_ball(found); }},
      {"epsilon_monotone", [&](Checks& found) { battery.other_balls(found); }},
      {"unbounded", [&](Checks& found) { battery.whole_box(found); }},
      {"frozen_noise", [&](Checks& found) { battery.frozen(found); }}};
  if (doubling) {  // what goes wrong here may be the attack's
    out.push_back({"more_steps", [=](Checks& found) { doubling->steps(found); }, Level::kWarn});
    out.push_back(
        {"more_restarts", [=](Checks& found) { doubling->restarts(found); }, Level::kWarn});
    out.push_back({"more_draws", [=](Checks& found) { doubling->draws(found); }, Level::kWarn});
  }
  out.push_back({"black_box", [&battery, &plugins, doubling](Checks& found) {
                   if (doubling && doubling->known()) battery.add(doubling->plain());
                   battery.without_gradients(plugins, found);
                 }});
  out.push_back({"unstable", [&](Checks& found) { repetition.check(found); }});
  return out;
}

void ask_all(const ProbeJob& job, evaluation::Laboratory& laboratory, Checks& out) {
  Rounds rounds(job, out);
  evaluation::DefendedModel* model = nullptr;
  std::optional<Subject> subject;
  std::optional<Repetition> repetition;
  const Tensor index = torch::tensor(job.indices, torch::kLong);
  const at::Device device = laboratory.device();
  const auto prepare = [&](Checks&) { model = &laboratory.defended(job.defense, job.data); };
  if (!rounds.run({"outputs", prepare})) return;
  const auto answer = [&](Checks&) {
    subject.emplace(*model, laboratory,
                    evaluation::CraftBatch{job.data.x(index).to(device),
                                           job.data.y(index).to(device), index.to(device)},
                    job.threat.norm, job.threat.epsilon, uint64_t(job.seed), job.stop);
    repetition.emplace(*subject);
  };
  if (!rounds.run({model->votes() ? "votes" : "outputs", answer})) return;
  const Subject& s = *subject;
  Battery battery(s);
  std::optional<Doubling> doubling;
  // One that asks for training images that are not here is no attack of this row.
  std::vector<suite::AttackSpec> attacks = job.attacks;
  std::erase_if(attacks, [&](const suite::AttackSpec& one) {
    return !laboratory.samples_problem({one.plugin, one.params}).empty();
  });
  if (const auto attack =
          strongest_of(attacks, laboratory.plugins(), s.ball(s.epsilon), *model, job.left))
    doubling.emplace(s, job, laboratory, *attack);
  const std::vector<Round> all =
      rounds_of(s, *repetition, battery, doubling ? &*doubling : nullptr, laboratory.plugins());
  rounds.expect(all.size());
  for (const Round& round : all) rounds.run(round);
}

double number_in(const ParamMap& params, const char* name, double otherwise) {
  const auto found = params.find(name);
  const int64_t* value = found == params.end() ? nullptr : found->second.get<int64_t>();
  return value ? double(*value) : otherwise;
}
}  // namespace

std::vector<Check> probe(const ProbeJob& job, evaluation::Laboratory& laboratory) {
  const at::NoGradGuard no_graph;
  evaluation::ProcessState process;
  const evaluation::OwnGenerator generator;
  evaluation::OwnGenerator::seed(uint64_t(job.seed));
  Checks out;
  try {
    ask_all(job, laboratory, out);
  } catch (...) {
    laboratory.put_back();
    generator.put_back();
    throw;
  }
  if (const std::string written = laboratory.put_back(); !written.empty()) {
    std::erase_if(out, [](const Check& one) { return one.finding.code == "unstable"; });
    out.push_back(
        {{"unstable", {{"reason", "a plugin of the row writes into the tensor " + written}}},
         Level::kFail});
  }
  generator.put_back();
  process.put_back();
  std::stable_sort(out.begin(), out.end(), [](const Check& a, const Check& b) {
    return results::rank_of_check(a.finding.code) < results::rank_of_check(b.finding.code);
  });
  return out;
}

ProbeCost probing_cost(const suite::DefenseSpec& defense,
                       const std::vector<suite::AttackSpec>& attacks, int64_t samples) {
  const bool random = !defense.stack.empty() || !defense.model.layer_plugins.empty();
  double ballots = 1;
  for (const Use& use : defense.stack)
    ballots = std::max(ballots, number_in(use.with, "mc_samples", 1));
  double longest = 20, draws = random ? 4 : 1;
  for (const suite::AttackSpec& attack : attacks)
    longest =
        std::max(longest, number_in(attack.params, "steps", 1) * double(attack.host.restarts) *
                              double(random ? attack.host.draws : 1) / draws);
  const double scored = random ? std::max(16.0, 2 * ballots) : 1;
  // Own climbs, and the suite's attack once plain and two or three times doubled.
  const double gradients = draws * (145 + longest * (random ? 7 : 5)) + (random ? 20 : 0);
  const double forwards = gradients + draws * (500 + 40) + 20 * scored;
  return {forwards * double(samples), gradients * double(samples)};
}

}  // namespace gauntlet::audit
