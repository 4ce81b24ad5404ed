#include "execution/answer.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <functional>

#include "analysis/certification.h"
#include "audit/near_chance.h"
#include "base/bad_input.h"
#include "evaluation/bounds.h"
#include "evaluation/cell.h"
#include "evaluation/certify.h"
#include "evaluation/findings.h"
#include "evaluation/identity.h"
#include "evaluation/process_state.h"
#include "evaluation/timing.h"
#include "gauntlet/version.h"
#include "results/artifacts.h"
#include "results/outcomes.h"

namespace gauntlet::execution {
namespace {
using nlohmann::json;
using results::CellRecord;
using results::Certification;
using results::Status;

// Samples of one transaction: what an interrupted run loses at most. Few of a certification, since
// a sample may take 100,000 passes; copies of a sample fill a forward, so few are not slower.
constexpr int64_t shard_of(const CellRecord&) { return 1000; }
constexpr int64_t shard_of(const Certification&) { return 25; }

suite::Job part_of(const suite::Job& job, int64_t from, int64_t samples) {
  suite::Job part = job;
  const auto begin = job.data.indices.begin();
  const int64_t to = std::min<int64_t>(int64_t(job.data.indices.size()), from + samples);
  part.data.indices = {begin + from, begin + to};
  return part;
}

void merge(CellRecord& whole, const CellRecord& part) {
  whole.outcomes.insert(whole.outcomes.end(), part.outcomes.begin(), part.outcomes.end());
  whole.scores.clean.insert(whole.scores.clean.end(), part.scores.clean.begin(),
                            part.scores.clean.end());
  whole.scores.attacked.insert(whole.scores.attacked.end(), part.scores.attacked.begin(),
                               part.scores.attacked.end());
  results::merge(whole.flags, part.flags);
  for (const auto by_trial : {&CellRecord::clean_by_trial, &CellRecord::robust_by_trial})
    std::transform((whole.*by_trial).begin(), (whole.*by_trial).end(), (part.*by_trial).begin(),
                   (whole.*by_trial).begin(), std::plus<>());
  whole.seconds += part.seconds;
  whole.ledger += part.ledger;
}

void merge(Certification& whole, const Certification& part) {
  whole.certificates.insert(whole.certificates.end(), part.certificates.begin(),
                            part.certificates.end());
  whole.forwards += part.forwards;
  whole.seconds += part.seconds;
}

template <class Record>
Record failed(Status status, const std::string& reason, const suite::Job& job) {
  Record record;
  record.status = status, record.reason = reason;
  record.samples = int64_t(job.data.indices.size());
  return record;
}

std::optional<CellRecord> find_in(const results::Store& store, const std::string& identity,
                                  const std::string& fingerprint, const CellRecord&) {
  return store.find(identity, fingerprint);
}
std::optional<Certification> find_in(const results::Store& store, const std::string& identity,
                                     const std::string& fingerprint, const Certification&) {
  return store.find_certification(identity, fingerprint);
}

// Why the file that belongs to a record of the store is of no use; "": it is there, or none does.
std::string file_problem(const results::Store& store, const CellRecord& record) {
  return results::artifact_problem(store.artifacts() / record.x_adv, record.x_adv_sha256);
}
std::string file_problem(const results::Store&, const Certification&) { return ""; }

void add_to_run(results::Store& store, const CellRecord& record) {
  store.add_to_run(record.identity, record.fingerprint);
}
void add_to_run(results::Store& store, const Certification& record) {
  store.add_certification_to_run(record.identity, record.fingerprint);
}
}  // namespace

Answerer::Answerer(const data::Dataset& data, const std::vector<int64_t>& samples,
                   evaluation::Laboratory& laboratory, results::Store& store,
                   const RunOptions& options, RunEvents& events)
    : data_(data),
      samples_(samples),
      lab_(laboratory),
      store_(store),
      options_(options),
      events_(events),
      most_threads_(at::get_num_threads()) {}

Answer Answerer::answer(const suite::Job& job) {
  return job.attack ? answer<CellRecord>(job) : answer<Certification>(job);
}

template <class Record>
Answer Answerer::answer(const suite::Job& job) {
  const json by = answerer(job, Record{});
  const std::string fingerprint = evaluation::identity_of(by),
                    asked = evaluation::identity_of(question(job, Record{}));
  // Columns may overlap, such as pgd and one of pgd-steps: the same answer under two names.
  const std::string identity = evaluation::told_apart(asked, asked_);
  std::optional<Record> known = find<Record>(identity, fingerprint);
  if (!known && asked != identity) known = find<Record>(asked, fingerprint);
  const bool cached = known.has_value();
  Record record = cached ? std::move(*known) : measure<Record>(job, identity, by);
  if (!cached) stamp(record, job, by);
  // Names are of this suite, whoever asked the same question before.
  record.identity = identity, record.fingerprint = fingerprint;
  name(job, record);
  store_.put(record);
  add_to_run(store_, record);
  return {std::move(record), cached};
}

// Shards one after another; those of an interrupted run are found in the store.
template <class Record>
Record Answerer::measure(const suite::Job& job, const std::string& identity, const json& by) {
  if (const std::string why = accuracy_problem_of(job.defense); !why.empty())
    return failed<Record>(Status::kError, why, job);
  if (job.attack) take_threads(job.defense);
  Record whole;
  std::vector<Tensor> x_adv;
  const auto n = int64_t(job.data.indices.size());
  for (int64_t from = 0; from < n; from += shard_of(whole)) {
    Record part = shard<Record>(job, from, n, by, x_adv);
    if (part.status != Status::kOk) return failed<Record>(part.status, part.reason, job);
    if (from == 0)
      whole = std::move(part);
    else
      merge(whole, part);
  }
  whole.identity = identity, whole.fingerprint = evaluation::identity_of(by);
  finish(job, whole);
  if constexpr (std::is_same_v<Record, CellRecord>)
    keep_images(job.data.indices, torch::cat(x_adv), whole);
  return whole;
}

// Samples [from, from + shard) of `of`. Where that is all, the record is the job's own and is
// stored with it.
template <class Record>
Record Answerer::shard(const suite::Job& job, int64_t from, int64_t of, const json& by,
                       std::vector<Tensor>& x_adv) {
  const suite::Job part = part_of(job, from, shard_of(Record{}));
  const auto samples = int64_t(part.data.indices.size());
  const std::string asked = evaluation::identity_of(question(part, Record{})),
                    fingerprint = evaluation::identity_of(by);
  if (samples < of) {
    std::optional<Record> known = find<Record>(asked, fingerprint);
    if (known && known->status == Status::kOk) {
      if constexpr (std::is_same_v<Record, CellRecord>)
        x_adv.push_back(results::read_images(store_.artifacts() / known->x_adv,
                                             results::Kept::kAdversarial, known->x_adv_sha256)
                            .x);
      events_.samples(from + samples, of);
      return std::move(*known);
    }
  }
  Record record;
  Tensor x;
  evaluate(part, from, of, record, x);
  record.identity = asked, record.fingerprint = fingerprint;
  if (record.status == Status::kOk) {
    x_adv.push_back(x);
    if (samples < of) {
      if constexpr (std::is_same_v<Record, CellRecord>) keep_images(part.data.indices, x, record);
      stamp(record, part, by);  // a shard may be all that another suite asks for
      record.suite = job.suite;
      store_.put(record);
    }
    events_.samples(from + samples, of);
  }
  return record;
}

// An answer of the store, whole: what it lost is told of and computed again.
template <class Record>
std::optional<Record> Answerer::find(const std::string& identity, const std::string& fingerprint) {
  std::optional<Record> known = find_in(store_, identity, fingerprint, Record{});
  tell_damage(store_, events_);
  if (!known || known->status != Status::kOk) return known;
  const std::string problem = file_problem(store_, *known);
  if (problem.empty()) return known;
  events_.remark(problem.substr(0, problem.find(';')) + "; it is computed again");
  return std::nullopt;
}

template <class Record>
void Answerer::stamp(Record& record, const suite::Job& job, const json& by) const {
  json environment = by;
  environment["threads"] = at::get_num_threads();
  environment["gauntlet"] = GAUNTLET_VERSION;
  if (job.attack) environment["batch_size"] = options_.batch_size;
  record.environment = environment.dump();
  record.finished = results::utc_now();
}

json Answerer::question(const suite::Job& job, const CellRecord&) const {
  return evaluation::question(job, data_, options_.batch_size, lab_);
}
json Answerer::question(const suite::Job& job, const Certification&) const {
  return evaluation::certification_question(job, data_, lab_);
}

json Answerer::answerer(const suite::Job& job, const CellRecord&) const {
  return evaluation::answerer(job.defense, *job.attack, lab_);
}
json Answerer::answerer(const suite::Job& job, const Certification&) const {
  return evaluation::answerer(job.defense, lab_);
}

void Answerer::name(const suite::Job& job, CellRecord& record) const {
  record.suite = job.suite, record.defense = job.defense.name, record.attack = job.attack->name;
  record.dataset = data_.id, record.split = data_.split;
  record.threat = evaluation::threat_of(job.threat), record.seed = job.seed;
  record.parameters = evaluation::parameters_of(job, data_, lab_).dump();
}
void Answerer::name(const suite::Job& job, Certification& record) const {
  record.suite = job.suite, record.defense = job.defense.name, record.seed = job.seed;
  record.dataset = data_.id, record.split = data_.split;
  json parameters = evaluation::parameters_of(job.defense, lab_);
  parameters["data"] = evaluation::data_parameters(job.data, data_, job.data.indices);
  record.parameters = parameters.dump();
}

void Answerer::evaluate(const suite::Job& job, int64_t from, int64_t of, CellRecord& record,
                        Tensor& x_adv) {
  evaluation::CellResult result =
      evaluation::evaluate({job.scoring, job.defense, *job.attack, job.threat, job.seed, data_,
                            job.data.indices, options_.batch_size, options_.compact, options_.stop,
                            [&](int64_t done, int64_t) { events_.samples(from + done, of); }},
                           lab_);
  record = std::move(result.record), x_adv = result.x_adv;
}
void Answerer::evaluate(const suite::Job& job, int64_t, int64_t, Certification& record, Tensor&) {
  record =
      evaluation::certify({job.defense, job.seed, data_, job.data.indices, options_.stop}, lab_);
}

void Answerer::finish(const suite::Job& job, CellRecord& record) {
  results::summarise(record);
  const Goal goal = job.attack->host.goal;
  evaluation::count_all_samples(record, goal,
                                evaluation::settles(job.scoring, goal, record.stochastic));
  flag_near_chance(record, job);
}
void Answerer::finish(const suite::Job&, Certification& record) { analysis::summarise(record); }

void Answerer::keep_images(const std::vector<int64_t>& indices, const Tensor& x_adv,
                           CellRecord& record) const {
  const std::filesystem::path file = store_.artifact(record.identity, record.fingerprint);
  record.x_adv_sha256 =
      results::write_images(file, results::Kept::kAdversarial, {x_adv, torch::tensor(indices)});
  record.x_adv = file.filename().string();
}

const std::string& Answerer::accuracy_problem_of(const suite::DefenseSpec& defense) {
  const auto [it, fresh] = accuracy_problems_.try_emplace(defense.name);
  if (fresh) try {
      it->second =
          evaluation::accuracy_problem(defense, lab_.defended(defense, data_), data_, samples_);
    } catch (const BadInput&) {
      throw;
    } catch (...) {  // every cell says it for itself
    }
  return it->second;
}

void Answerer::flag_near_chance(CellRecord& record, const suite::Job& job) {
  evaluation::DefendedModel& model = lab_.defended(job.defense, data_);
  if (!audit::near_chance(record.clean_accuracy, model.classes(), record.samples)) return;
  const auto [it, fresh] = likely_causes_.try_emplace(job.defense.name);
  if (fresh) it->second = audit::likely_cause(model, data_, samples_, lab_.device());
  record.flags.push_back(
      audit::near_chance_finding(record.clean_accuracy, model.classes(), it->second));
}

// Measured once a network, and only where a cell of it is computed.
void Answerer::take_threads(const suite::DefenseSpec& defense) {
  if (!options_.measure_threads) return;
  const auto [it, fresh] = threads_.try_emplace({defense.model.id, defense.model.weights.string()});
  if (fresh) try {
      it->second = most_threads_;
      const evaluation::ProcessState process;  // what the defense's plugins change is put back
      it->second = evaluation::time_gradients(lab_.defended(defense, data_), data_, lab_,
                                              options_.batch_size, most_threads_)
                       .threads;
    } catch (const BadInput&) {
      throw;
    } catch (...) {  // every cell says it for itself
    }
  at::set_num_threads(it->second);
}

void tell_damage(const results::Store& store, RunEvents& events) {
  for (const std::string& sentence : store.take_damage())
    events.remark(sentence + "; it is computed again");
}

}  // namespace gauntlet::execution
