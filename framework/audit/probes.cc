#include "audit/probes.h"

#include <algorithm>

#include "audit/probe_groups.h"
#include "base/bad_input.h"
#include "base/failure.h"
#include "evaluation/attack_facts.h"
#include "evaluation/process_state.h"

namespace gauntlet::audit {
namespace {
using results::Check;
using results::Level;

// One after the other; what a plugin does wrong in one of them is that one's answer.
class Rounds {
 public:
  Rounds(const ProbeJob& job, Checks& out) : job_(job), out_(out) {}

  // False where it failed.
  bool run(const char* code, const std::function<void(Checks&)>& probe,
           Level blame = Level::kFail) {
    if (job_.stop && job_.stop->load()) throw evaluation::Interrupted{};
    Checks found;
    bool sound = true;
    try {
      probe(found);
    } catch (const evaluation::Interrupted&) {
      throw;
    } catch (const BadInput&) {
      throw;
    } catch (...) {
      std::erase_if(found, [&](const Check& one) { return one.finding.code == code; });
      found.push_back({{code, {{"reason", current_failure()}}}, blame});
      sound = false;
    }
    out_.insert(out_.end(), found.begin(), found.end());
    if (job_.progress) job_.progress(++done_, kRounds);
    return sound;
  }

 private:
  static constexpr int64_t kRounds = 17;
  const ProbeJob& job_;
  Checks& out_;
  int64_t done_ = 0;
};

void ask_all(const ProbeJob& job, evaluation::Laboratory& laboratory, Checks& out) {
  Rounds rounds(job, out);
  evaluation::DefendedModel* model = nullptr;
  std::optional<Subject> subject;
  std::optional<Repetition> repetition;
  const Tensor index = torch::tensor(job.indices, torch::kLong);
  const at::Device device = laboratory.device();
  const bool stands =
      rounds.run("outputs", [&](Checks&) { model = &laboratory.defended(job.defense, job.data); });
  if (!stands) return;
  const bool answers = rounds.run(model->votes() ? "votes" : "outputs", [&](Checks&) {
    subject.emplace(*model, laboratory,
                    evaluation::CraftBatch{job.data.x(index).to(device),
                                           job.data.y(index).to(device), index.to(device)},
                    job.threat.norm, job.threat.epsilon, uint64_t(job.seed), job.stop);
    repetition.emplace(*subject);
  });
  if (!answers) return;
  const Subject& s = *subject;
  rounds.run("outputs", [&](Checks& found) { probe_outputs(s, found); });
  rounds.run("gradients_vanish", [&](Checks& found) { probe_gradients(s, found); });
  rounds.run("slope", [&](Checks& found) { probe_slope(s, found); });
  rounds.run("noise_acts", [&](Checks& found) { probe_noise(s, found); });
  rounds.run("votes", [&](Checks& found) { probe_votes(s, found); });
  rounds.run("memorised", [&](Checks& found) { probe_neighbours(s, found); });
  Battery battery(s);
  rounds.run("label_leak", [&](Checks& found) { battery.one_step(found); });
  rounds.run("loss_rises", [&](Checks& found) { battery.full_ball(found); });
  rounds.run("epsilon_monotone", [&](Checks& found) { battery.other_balls(found); });
  rounds.run("unbounded", [&](Checks& found) { battery.whole_box(found); });
  rounds.run("frozen_noise", [&](Checks& found) { battery.frozen(found); });
  if (const auto attack = strongest_of(job.attacks, laboratory.plugins(), s.ball(s.epsilon),
                                       evaluation::facts_of(*model))) {
    // What goes wrong here may be the attack's.
    Doubling doubling(s, job, laboratory, *attack);
    const auto run = [&](const char* code, void (Doubling::*probe)(Checks&)) {
      rounds.run(
          code, [&](Checks& found) { (doubling.*probe)(found); }, Level::kWarn);
    };
    run("more_steps", &Doubling::steps);
    run("more_restarts", &Doubling::restarts);
    run("more_draws", &Doubling::draws);
    if (doubling.known()) battery.add(doubling.plain());
  }
  rounds.run("black_box",
             [&](Checks& found) { battery.without_gradients(laboratory.plugins(), found); });
  rounds.run("unstable", [&](Checks& found) { repetition->check(found); });
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
