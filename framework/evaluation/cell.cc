#include "evaluation/cell.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>

#include "base/failure.h"
#include "evaluation/attack_facts.h"
#include "evaluation/bounds.h"
#include "evaluation/craft.h"
#include "evaluation/division.h"
#include "evaluation/findings.h"
#include "evaluation/goal.h"
#include "evaluation/interrupted.h"
#include "evaluation/judge.h"
#include "evaluation/process_state.h"
#include "evaluation/shared_rows.h"
#include "results/intervals.h"
#include "results/outcomes.h"
#include "suite/names.h"

namespace gauntlet::evaluation {
namespace {

static_assert(suite::Scoring::kLeastShared == results::kLeastSharedTrials);

void add_outcomes(results::CellRecord& record, const CraftBatch& batch, const Verdict& clean,
                  const Verdict& robust, const Tensor& distance, const Tensor& queries,
                  bool hypocritical) {
  const auto host = [](const Tensor& t) { return t.cpu().contiguous(); };
  const Tensor index = host(batch.index), y = host(batch.y), predicted = host(robust.predicted),
               asked = host(queries), margins = host(robust.margin.to(torch::kDouble)),
               distances = host(distance.to(torch::kDouble));
  const Tensor clean_right = host(clean.right.to(torch::kLong).sum(0));
  // One classifier that errs without an attack errs under it; fresh classifiers speak for
  // themselves.
  const Tensor survived =
      record.stochastic || hypocritical ? robust.right : robust.right & clean.right;
  const Tensor robust_right = host(survived.to(torch::kLong).sum(0));
  const bool halves = record.stochastic && record.trials > 1;
  const Tensor first =
      halves ? host(survived.narrow(0, 0, record.trials / 2).to(torch::kLong).sum(0)) : Tensor();
  for (int64_t i = 0; i < index.size(0); ++i) {
    const auto whole = [&](const Tensor& t) { return t.const_data_ptr<int64_t>()[i]; };
    results::Outcome outcome;
    outcome.index = whole(index), outcome.label = whole(y);
    outcome.clean_right = whole(clean_right), outcome.robust_right = whole(robust_right);
    if (halves) outcome.robust_first = whole(first);
    outcome.predicted = whole(predicted), outcome.queries = whole(asked);
    outcome.margin = margins.const_data_ptr<double>()[i],
    outcome.distance = distances.const_data_ptr<double>()[i];
    record.outcomes.push_back(outcome);
  }
}

// What the detector says of clean and of attacked inputs, where one stands.
void add_scores(results::Scores& scores, const Verdict& clean, const Verdict& robust) {
  const auto append = [](std::vector<double>& list, const Tensor& score) {
    const Tensor all = score.to(torch::kDouble).cpu().contiguous();
    list.insert(list.end(), all.const_data_ptr<double>(),
                all.const_data_ptr<double>() + all.numel());
  };
  if (!clean.score.defined() || !robust.score.defined()) return;
  append(scores.clean, clean.score), append(scores.attacked, robust.score);
}

// Samples of the batch that begins at `from`; empty beyond the last.
Tensor batch_at(const CellJob& job, int64_t from) {
  const int64_t count = std::min<int64_t>(job.batch_size, int64_t(job.indices.size()) - from);
  const auto begin = job.indices.begin() + from;
  return torch::tensor(std::vector<int64_t>(begin, begin + count), torch::kLong);
}

// What plugins changed of the process.
void flag_changes(results::CellRecord& record, const std::string& who,
                  const std::set<std::string>& changed, const std::set<std::string>& known = {}) {
  for (const std::string& what : changed)
    if (!known.contains(what)) record.flags.push_back(told_of_change(who, what));
}

// Images and labels cross to plugins as copies. Indices go with all noise, and a write past
// LibTorch's version counters would change what the judge draws.
void require_unwritten(const CellJob& job, const CraftBatch& batch, int64_t from) {
  if (!batch.index.cpu().equal(batch_at(job, from)))
    throw InvalidResult(fmt::format(
        "attack '{}' or a plugin of the defense writes into noise.key.id, which it is only lent",
        job.attack.plugin));
}

// An attack that a plugin makes up, and no parameter names, is no part of what the record says.
void require_named(const CellJob& job, const Crafted& crafted, const Laboratory& laboratory) {
  if (crafted.samples <= 0) return;
  const int64_t named =
      samples_wanted({job.attack.plugin, job.attack.params}, laboratory.plugins());
  if (crafted.samples > named)
    throw InvalidResult(fmt::format(
        "attack '{}' took {} training images, and its facts and those of the attacks that its "
        "parameters name speak of {}: let AttackFacts::samples say how many",
        job.attack.plugin, crafted.samples, named));
}

// Crafts and scores one batch, adding to the record.
Tensor measure(const CellJob& job, Attack& attack, DefendedModel& model, Laboratory& laboratory,
               int64_t from, const SharedRuns& shared, results::CellRecord& record,
               Findings& findings, std::set<std::string>& changed) {
  const at::Device device = laboratory.device();
  const Tensor index = batch_at(job, from);
  const int64_t count = index.size(0);
  CraftBatch batch{job.data.x(index).to(device), job.data.y(index).to(device), index.to(device)};
  if (const Tensor next = batch_at(job, from + count); next.size(0) > 0) job.data.prefetch(next);
  const ThreatModel threat = threat_model(job.threat.norm, job.threat.epsilon, batch.x.options());
  CraftRules rules = rules_of(job, attack.facts());
  shared.lend(batch, rules);
  if (rules.goal == Goal::kTargeted)
    batch.target = random_targets(rules.seed, batch.index, batch.y, model.classes());

  const Verdict& clean = laboratory.clean(job.defense, model, batch, rules.seed, record.trials);
  if (settles(job.scoring, rules.goal, model.stochastic()))
    batch.settled = clean.right[0].logical_not();
  const Crafted crafted = craft(attack, model, batch, threat, rules, laboratory);
  const Tensor everyone = torch::ones_like(crafted.confirmed);
  if (const std::string why = bounds_problem(threat, batch.x, crafted.x, everyone); !why.empty())
    throw InvalidResult(why);
  const Verdict robust = judge(model, crafted.x, batch.y, batch.index, rules.seed, Stream::kScoring,
                               record.trials, rules.draws_known);

  require_unwritten(job, batch, from);
  require_named(job, crafted, laboratory);
  changed.insert(crafted.changed.begin(), crafted.changed.end());
  record.ledger += crafted.ledger;
  record.ledger.scoring_forwards += robust.forwards;
  findings.add(batch, rules, attack.facts(), crafted, clean, robust);
  if (model.shared_noise() && record.stochastic) {
    add_by_trial(record.clean_by_trial, clean.right);
    add_by_trial(record.robust_by_trial, robust.right);
  }
  add_outcomes(record, batch, clean, robust, threat.distance(batch.x, crafted.x), crafted.queries,
               rules.goal == Goal::kHypocritical);
  add_scores(record.scores, clean, robust);
  return crafted.x.cpu();
}

// Whether the worst input seen while attacking counts, not the last one.
bool tracks(const suite::Scoring& scoring) { return scoring.success == suite::Success::kAny; }

void fail(CellResult& result, results::Status status, const std::string& reason) {
  result.record.status = status;
  result.record.reason = reason;
  result.record.outcomes.clear();
  result.record.scores = {};
  result.x_adv = Tensor();
}
}  // namespace

CraftRules rules_of(const CellJob& job, const AttackFacts& facts) {
  const suite::HostKeys& keys = job.attack.host;
  CraftRules rules;
  rules.name = "attack '" + job.attack.plugin + "'";
  rules.restarts = keys.restarts;
  rules.draws = keys.draws;
  rules.average = keys.average;
  rules.goal = keys.goal;
  rules.access = keys.access.value_or(facts.access);
  rules.max_queries = keys.max_queries;
  rules.mode = keys.mode;
  rules.retry = keys.retries();
  rules.track = tracks(job.scoring);
  rules.compact = job.compact;
  rules.seed = uint64_t(job.seed);
  rules.stop = job.stop;
  return rules;
}

bool settles(const suite::Scoring& scoring, Goal goal, bool stochastic) {
  return !stochastic && tracks(scoring) && goal == Goal::kUntargeted;
}

std::string reason_to_skip(const CellJob& job, Attack& attack, DefendedModel& model,
                           const ThreatModel& threat, const Laboratory& laboratory) {
  const AttackFacts facts = attack.facts();
  const suite::HostKeys& keys = job.attack.host;
  if (keys.division)
    if (std::string why = division_mismatch(*keys.division, model); !why.empty()) return why;
  if (keys.access && *keys.access < facts.access)
    return fmt::format("{} needs {} access, the suite grants {}", job.attack.plugin,
                       suite::to_string(facts.access), suite::to_string(*keys.access));
  if (model.classes() < 2) return "the model has a single class";
  if (keys.goal == Goal::kTargeted && model.classes() < 3)
    return "a targeted goal needs at least 3 classes";
  const TargetFacts target = facts_of(model);
  const Use use{job.attack.plugin, job.attack.params};
  if (std::string why = attack.no_form_for(threat, target, keys.goal); !why.empty()) return why;
  if (std::string why = unsupported_inside(use, threat, target, keys.goal, laboratory.plugins());
      !why.empty())
    return why;
  return laboratory.samples_problem(use);
}

CleanCount count_right(DefendedModel& model, const data::Dataset& data, int64_t samples) {
  CleanCount count;
  constexpr int64_t kRows = 250;  // the same for whoever counts: rows may depend on each other
  const std::vector<models::NamedTensor> tensors = model.network().tensors();
  const at::Device device =
      tensors.empty() ? at::Device(at::kCPU) : tensors.front().tensor.device();
  for (int64_t from = 0; from < samples; from += kRows) {
    const Tensor index = torch::arange(from, std::min(from + kRows, samples));
    const Tensor x = data.x(index).to(device), logits = model.bare_logits(x);
    const Tensor top = std::get<0>(logits.topk(2, 1));
    const Tensor right = (logits.argmax(1) == data.y(index).to(device)) & logits.isfinite().all(1);
    count.right += right.sum().item<int64_t>();
    count.ties += (top.select(1, 0) - top.select(1, 1) < results::kTie).sum().item<int64_t>();
    if (from == 0)
      count.random = !torch::allclose(model.bare_logits(x), logits, 1e-3, 1e-4, /*equal_nan=*/true);
  }
  return count;
}

namespace {
// How far two counts may lie apart: near ties may fall either way, and of a network that draws
// random numbers each count is one draw.
double tolerance(const CleanCount& found, int64_t declared, int64_t samples) {
  if (!found.random) return double(found.ties);
  constexpr double kDeviations = 4;  // one of 16,000 honest counts is farther away
  const double share = double(found.right + declared) / double(2 * samples);
  return double(found.ties) + kDeviations * std::sqrt(2 * double(samples) * share * (1 - share));
}
}  // namespace

std::string accuracy_problem(const suite::DefenseSpec& defense, DefendedModel& model,
                             const data::Dataset& data, const std::vector<int64_t>& indices) {
  for (const registry::DeclaredAccuracy& declared : defense.model.accuracy) {
    if (declared.dataset != data.id || declared.split != data.split) continue;
    // Comparable when the suite evaluates the very samples the entry speaks of, or more.
    if (declared.samples > int64_t(indices.size())) continue;
    bool same = true;
    for (int64_t i = 0; i < declared.samples && same; ++i) same = indices[size_t(i)] == i;
    if (!same) continue;
    const CleanCount found = count_right(model, data, declared.samples);
    if (double(std::abs(found.right - declared.correct)) >
        tolerance(found, declared.correct, declared.samples))
      return fmt::format(
          "the bare network is right on {} of the first {} {} images of {}, its entry declares {}: "
          "check the normalisation "
          "(mean, std), the weights and the order of the images",
          found.right, declared.samples, data.split, data.id, declared.correct);
  }
  return "";
}

namespace {
// All batches of the job. Throws what plugins throw.
void measure_all(const CellJob& job, Laboratory& laboratory, CellResult& result,
                 std::set<std::string>& changed) {
  results::CellRecord& record = result.record;
  DefendedModel& model = laboratory.defended(job.defense, job.data);
  const std::unique_ptr<Attack> attack = laboratory.attack({job.attack.plugin, job.attack.params});
  const AttackFacts facts = attack->facts();
  const ThreatModel threat = threat_model(job.threat.norm, job.threat.epsilon);
  if (const std::string why = reason_to_skip(job, *attack, model, threat, laboratory); !why.empty())
    return fail(result, results::Status::kSkipped, why);
  for (const std::string& text :
       remarks_of({job.attack.plugin, job.attack.params}, threat, facts_of(model),
                  job.attack.host.goal, laboratory.plugins()))
    record.flags.push_back(results::remark(text));
  record.stochastic = model.stochastic();
  record.trials =
      model.stochastic() ? job.scoring.trials_of(model.mc_samples(), model.shared_noise()) : 1;
  Findings findings;
  const SharedRuns shared(job.defense, job.attack, job.threat, job.seed, model, laboratory);
  std::vector<Tensor> adversarial;
  for (int64_t from = 0; from < record.samples; from += job.batch_size) {
    adversarial.push_back(
        measure(job, *attack, model, laboratory, from, shared, record, findings, changed));
    if (job.progress) job.progress(std::min(from + job.batch_size, record.samples), record.samples);
  }
  if (!(attack->facts() == facts))
    throw InvalidResult("what the attack says of itself (facts) has changed while it ran");
  if (const std::string why = findings.invalid(facts); !why.empty()) throw InvalidResult(why);
  if (const std::string why = model.changed_since_probing(); !why.empty()) throw InvalidResult(why);
  record.status = results::Status::kOk;
  results::summarise(record);
  if (const auto few = int64_t(record.robust_by_trial.size());
      few > 0 && few < results::kLeastSharedTrials)
    record.flags.push_back(
        {"images_only", {{"trials", few}, {"least", results::kLeastSharedTrials}}});
  for (results::Finding& flag : findings.flags(model, job.threat.epsilon, job.batch_size))
    record.flags.push_back(std::move(flag));
  const std::set<std::string>& before = laboratory.changed_by(job.defense.name);
  flag_changes(record, "the defense", before);
  flag_changes(record, "attack '" + job.attack.plugin + "'", changed, before);
  changed.insert(before.begin(), before.end());
  result.x_adv = torch::cat(adversarial);
}
}  // namespace

CellResult evaluate(const CellJob& job, Laboratory& laboratory) {
  const at::NoGradGuard no_graph;
  const auto start = std::chrono::steady_clock::now();
  ProcessState process;
  const OwnGenerator generator;
  OwnGenerator::seed(uint64_t(job.seed));
  CellResult result;
  results::CellRecord& record = result.record;
  record.samples = int64_t(job.indices.size());
  std::set<std::string> known;  // what plugins changed of the process and is flagged already
  try {
    measure_all(job, laboratory, result, known);
  } catch (const InvalidResult& e) {
    fail(result, results::Status::kInvalid, e.what());
  } catch (const Interrupted&) {
    laboratory.put_back();
    generator.put_back();
    throw;
  } catch (const PluginFailure& e) {
    fail(result, results::Status::kError, e.what());
  } catch (...) {  // a plugin's failure is this cell's, not the run's
    fail(result, results::Status::kError,
         "attack '" + job.attack.plugin + "': " + current_failure());
  }
  if (const std::string what = laboratory.put_back();
      !what.empty() && record.status == results::Status::kOk)
    fail(result, results::Status::kInvalid,
         "attack '" + job.attack.plugin + "' or a plugin of the defense writes into the tensor " +
             what + ", which was put back");
  generator.put_back();
  const std::vector<std::string> changed = process.put_back();
  if (record.status == results::Status::kOk)
    flag_changes(record, "the attack or the defense", {changed.begin(), changed.end()}, known);
  record.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace gauntlet::evaluation
