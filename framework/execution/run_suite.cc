#include "execution/run_suite.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/version.h>

#include <algorithm>
#include <functional>

#include "base/bad_input.h"
#include "base/sha256.h"
#include "evaluation/citations.h"
#include "evaluation/division.h"
#include "evaluation/identity.h"
#include "evaluation/near_chance.h"
#include "evaluation/process_state.h"
#include "evaluation/timing.h"
#include "evaluation/worst_case.h"
#include "execution/certifications.h"
#include "execution/damage.h"
#include "gauntlet/params.h"
#include "gauntlet/version.h"
#include "models/safetensors.h"
#include "results/artifacts.h"
#include "results/row_findings.h"

namespace gauntlet {
namespace {
using nlohmann::json;

constexpr int64_t kShardSamples =
    1000;  // of one transaction: what an interrupted run loses at most

class Runner {
 public:
  Runner(const Suite& suite, const PluginLibrary& plugins, const Registry& registry, Store& store,
         const RunOptions& options, RunEvents& events)
      : suite_(suite),
        store_(store),
        options_(options),
        events_(events),
        lab_(plugins, registry, options.device),
        data_(registry.load(suite.data.entry, suite.data.split)) {}

  RunSummary run() {
    for (const std::string& remark : data_.remarks) events_.remark(remark);
    prepare();
    store_.begin_run(suite_.name, settings().dump());
    events_.begin(suite_.cells.size() + suite_.certified.size());
    try {
      // Cells of one seed, threat and defense follow one another: their worst case comes after
      // them.
      std::vector<CellRecord> group;
      for (size_t i = 0; i < suite_.cells.size(); ++i) {
        group.push_back(cell(i));
        if (i + 1 < suite_.cells.size() && same_group(suite_.cells[i], suite_.cells[i + 1]))
          continue;
        add_worst_case(group, suite_.defenses[suite_.cells[i].defense]);
        group.clear();
      }
      certify();
      summary_.complete = true;
    } catch (const Interrupted&) {
    }
    store_.end_run(summary_.complete);
    return summary_;
  }

 private:
  // The expanded suite, with what it asked of the data.
  json settings() const {
    json out = settings_of(suite_);
    out["data"]["sha256"] = data_.sha256;
    out["data"]["classes"] = data_.class_names;
    const std::string images = save_images();
    out["data"]["images"] = images;
    out["data"]["images_sha256"] = sha256_of_file(store_.artifacts() / images);
    out["citations"] = citations_of(suite_, lab_);
    return out;
  }

  // The images of this run beside what attacks made of them, so that whoever has the store can show
  // and check these: a file below artifacts/, named for what it holds.
  std::string save_images() const {
    const Tensor index = torch::tensor(suite_.data.indices);
    const std::string name =
        "clean-" +
        identity_of(data_question(suite_.data, data_, suite_.data.indices)).substr(0, 16) +
        ".safetensors";
    const std::filesystem::path file = store_.artifacts() / name;
    const std::map<std::string, Tensor> images = {
        {"x", data_.stored(index)}, {"label", data_.y(index)}, {"index", index}};
    if (!holds(file, images)) write_safetensors(file, images);
    return name;
  }

  // Whether these tensors are what lies there.
  static bool holds(const std::filesystem::path& file,
                    const std::map<std::string, Tensor>& tensors) {
    try {
      const std::map<std::string, Tensor> found = read_safetensors(file);
      return std::equal(found.begin(), found.end(), tensors.begin(), tensors.end(),
                        [](const auto& a, const auto& b) {
                          return a.first == b.first &&
                                 a.second.scalar_type() == b.second.scalar_type() &&
                                 torch::equal(a.second, b.second);
                        });
    } catch (const BadInput&) {
      return false;
    }
  }

  static bool same_group(const Cell& a, const Cell& b) {
    return a.seed == b.seed && a.threat == b.threat && a.defense == b.defense;
  }

  // Everything that can be wrong with models is found here, before any cell.
  void prepare() {
    if (data_.size() == 0) throw BadInput("data set '" + data_.id + "' is empty");
    lab_.probe_with(data_);
    std::string problems;
    const auto add = [&](const std::string& problem) {
      problems += (problems.empty() || problem.empty() ? "" : "\n") + problem;
    };
    for (const DefenseSpec& defense : suite_.defenses) try {
        const DefendedModel& model = lab_.defended(defense, data_);
        if (suite_.board) add(division_problem(*suite_.board, defense.name, model));
      } catch (const BadInput& e) {
        add(e.what());
      } catch (const ParamError& e) {
        add("defense '" + defense.name + "': " + e.what());
      } catch (const Interrupted&) {
        throw;
      } catch (...) {  // a plugin of this row; its cells say what, the others are measured
      }
    if (suite_.board) add(audit_problem(suite_, lab_.plugins()));
    if (!problems.empty()) throw BadInput(problems);
  }

  std::vector<int64_t> samples_of(const AttackSpec& attack) const {
    std::vector<int64_t> indices = suite_.data.indices;
    if (attack.host.samples > 0 && attack.host.samples < int64_t(indices.size()))
      indices.resize(size_t(attack.host.samples));
    return indices;
  }

  CellRecord cell(size_t number) {
    const Cell& cell = suite_.cells[number];
    const DefenseSpec& defense = suite_.defenses[cell.defense];
    const AttackSpec& attack = suite_.attacks[cell.attack];
    const ThreatSpec& threat = suite_.threats[cell.threat];
    if (options_.stop && options_.stop->load()) throw Interrupted{};
    events_.cell_begin(number,
                       defense.name + " × " + attack.name +
                           (suite_.threats.size() > 1 ? " × " + threat.name : "") +
                           (suite_.seeds.size() > 1 ? fmt::format(" × seed {}", cell.seed) : ""));
    const std::vector<int64_t> indices = samples_of(attack);
    const json environment = answerer(defense, attack, lab_);
    const std::string fingerprint = sha256_of(environment);
    const std::string asked =
        identity_of(question(suite_, cell, data_, indices, options_.batch_size, lab_));
    // Columns may overlap, such as pgd and one of pgd-steps: the same answer under two names.
    const std::string identity = told_apart(asked, asked_);
    std::optional<CellRecord> known = find(identity, fingerprint);
    if (!known && asked != identity) known = find(asked, fingerprint);
    const bool cached = known.has_value();
    CellRecord record = cached ? *known : measure(cell, indices, fingerprint, identity);
    // Names are of this suite, whoever asked the same question before.
    record.identity = identity, record.fingerprint = fingerprint;
    record.suite = suite_.name, record.defense = defense.name, record.attack = attack.name;
    record.dataset = data_.id, record.split = data_.split;
    record.threat = threat.name, record.norm = to_string(threat.norm),
    record.epsilon = threat.epsilon;
    record.seed = cell.seed;
    record.parameters = parameters_of(suite_, cell, data_, indices, lab_).dump();
    if (!cached) {
      record.environment = describe_environment(environment).dump();
      record.finished = utc_now();
    }
    store_.put(record);
    store_.add_to_run(identity, fingerprint);
    count(record.status, cached);
    events_.cell_end(record, cached);
    if (!suite_.certified.empty()) cells_.push_back(without_outcomes(record));
    return record;
  }

  static CellRecord without_outcomes(CellRecord record) {
    record.outcomes = {};
    return record;
  }

  // After the attacks, whose successes its certificates are held against.
  void certify() {
    Certifications certifications(suite_, data_, lab_, store_, options_, events_);
    for (size_t i = 0; i < suite_.certified.size(); ++i) {
      const DefenseSpec& defense = suite_.defenses[suite_.certified[i].defense];
      const auto [record, cached] = certifications.run(i, accuracy_problem_of(defense), cells_);
      count(record.status, cached);
    }
  }

  // Shards one after another; those of an interrupted run are found in the store.
  CellRecord measure(const Cell& cell, const std::vector<int64_t>& indices,
                     const std::string& fingerprint, const std::string& identity) {
    const DefenseSpec& defense = suite_.defenses[cell.defense];
    if (const std::string why = accuracy_problem_of(defense); !why.empty())
      return failed(Status::kError, why, indices);
    take_threads(defense);
    CellRecord whole;
    std::vector<Tensor> adversarial;
    const int64_t n = int64_t(indices.size());
    for (int64_t from = 0; from < n; from += kShardSamples) {
      const std::vector<int64_t> part(indices.begin() + from,
                                      indices.begin() + std::min(n, from + kShardSamples));
      const bool single = int64_t(part.size()) == n;
      auto [record, x] = shard(cell, part, single, from, n, fingerprint);
      if (record.status != Status::kOk) return failed(record.status, record.reason, indices);
      adversarial.push_back(x);
      merge(whole, record, from == 0);
    }
    summarise(whole);
    flag_near_chance(whole, defense);
    whole.identity = identity, whole.fingerprint = fingerprint;
    save(whole, torch::cat(adversarial), indices);
    return whole;
  }

  // Measured once a network, and only where a cell of it is computed.
  void take_threads(const DefenseSpec& defense) {
    if (!options_.measure_threads) return;
    const auto [it, fresh] =
        threads_.try_emplace({defense.model.id, defense.model.weights.string()});
    if (fresh) try {
        it->second = most_threads_;
        const ProcessState process;  // what the defense's plugins change is put back
        it->second = time_gradients(lab_.defended(defense, data_), data_, lab_, options_.batch_size,
                                    most_threads_)
                         .threads;
      } catch (const BadInput&) {
        throw;
      } catch (...) {  // every cell says it for itself
      }
    at::set_num_threads(it->second);
  }

  std::pair<CellRecord, Tensor> shard(const Cell& cell, const std::vector<int64_t>& part,
                                      bool single, int64_t from, int64_t n,
                                      const std::string& fingerprint) {
    const std::string identity =
        identity_of(question(suite_, cell, data_, part, options_.batch_size, lab_));
    if (!single)
      if (auto known = find(identity, fingerprint); known && known->status == Status::kOk) {
        events_.samples(from + int64_t(part.size()), n);
        return {*known, load(*known)};
      }
    const CellJob job{suite_,
                      suite_.defenses[cell.defense],
                      suite_.attacks[cell.attack],
                      suite_.threats[cell.threat],
                      cell.seed,
                      data_,
                      part,
                      options_.batch_size,
                      options_.compact,
                      options_.stop,
                      [&](int64_t done, int64_t) { events_.samples(from + done, n); }};
    CellResult result = evaluate(job, lab_);
    CellRecord& record = result.record;
    record.identity = identity, record.fingerprint = fingerprint;
    if (!single && record.status == Status::kOk) {
      record.suite = suite_.name;
      save(record, result.x_adv, part);
      store_.put(record);
    }
    return {record, result.x_adv};
  }

  static void merge(CellRecord& whole, const CellRecord& part, bool first) {
    if (first) {
      whole = part;
      return;
    }
    whole.outcomes.insert(whole.outcomes.end(), part.outcomes.begin(), part.outcomes.end());
    for (const std::string& flag : part.flags)  // what is true of each shard is said once
      if (std::find(whole.flags.begin(), whole.flags.end(), flag) == whole.flags.end())
        whole.flags.push_back(flag);
    for (const auto by_trial : {&CellRecord::clean_by_trial, &CellRecord::robust_by_trial})
      std::transform((whole.*by_trial).begin(), (whole.*by_trial).end(), (part.*by_trial).begin(),
                     (whole.*by_trial).begin(), std::plus<>());
    whole.seconds += part.seconds;
    whole.ledger += part.ledger;
  }

  static CellRecord failed(Status status, const std::string& reason,
                           const std::vector<int64_t>& indices) {
    CellRecord record;
    record.status = status, record.reason = reason, record.samples = int64_t(indices.size());
    return record;
  }

  const std::string& accuracy_problem_of(const DefenseSpec& defense) {
    const auto [it, fresh] = accuracy_problems_.try_emplace(defense.name);
    if (fresh) try {
        it->second =
            accuracy_problem(defense, lab_.defended(defense, data_), data_, suite_.data.indices);
      } catch (const BadInput&) {
        throw;
      } catch (...) {  // every cell says it for itself
      }
    return it->second;
  }

  void flag_near_chance(CellRecord& record, const DefenseSpec& defense) {
    DefendedModel& model = lab_.defended(defense, data_);
    if (!near_chance(record.clean_accuracy, model.classes(), record.samples)) return;
    const auto [it, fresh] = likely_causes_.try_emplace(defense.name);
    if (fresh) it->second = likely_cause(model, data_, suite_.data.indices, lab_.device());
    record.flags.push_back(near_chance_text(record.clean_accuracy, model.classes(), it->second));
  }

  void add_worst_case(const std::vector<CellRecord>& group, const DefenseSpec& defense) {
    const auto load_x = [&](const CellRecord& record) { return load(record); };
    const std::string identity = worst_case_identity(group),
                      fingerprint = worst_case_fingerprint(group);
    const ProcessState process;  // what the defense's plugins change is put back
    std::optional<WorstCase> result = store_.find_worst_case(identity, fingerprint);
    tell_damage(store_, events_);
    if (!result) result = worst_case(group, defense, data_, lab_, load_x);
    // Names are of this suite, whoever asked the same question before.
    result->suite = suite_.name, result->defense = defense.name,
    result->threat = group.front().threat;
    for (std::string& finding : findings_of_row(group))
      if (std::find(result->flags.begin(), result->flags.end(), finding) == result->flags.end())
        result->flags.push_back(std::move(finding));
    store_.put(*result);
    store_.add_worst_case_to_run(identity, fingerprint);
  }

  void save(CellRecord& record, const Tensor& x, const std::vector<int64_t>& indices) const {
    const std::filesystem::path file = store_.artifact(record.identity, record.fingerprint);
    write_safetensors(file, {{"x_adv", x}, {"index", torch::tensor(indices)}});
    record.x_adv = file.filename().string(), record.x_adv_sha256 = sha256_of_file(file);
  }
  Tensor load(const CellRecord& record) const {
    const std::filesystem::path file = store_.artifacts() / record.x_adv;
    return parse_safetensors(read_artifact(file, record.x_adv_sha256), file.string()).at("x_adv");
  }

  // An answer of the store, whole: what it lost is told of and computed again.
  std::optional<CellRecord> find(const std::string& identity, const std::string& fingerprint) {
    std::optional<CellRecord> known = store_.find(identity, fingerprint);
    tell_damage(store_, events_);
    if (!known || known->status != Status::kOk) return known;
    const std::string problem =
        artifact_problem(store_.artifacts() / known->x_adv, known->x_adv_sha256);
    if (problem.empty()) return known;
    events_.remark(problem.substr(0, problem.find(';')) + "; it is computed again");
    return std::nullopt;
  }

  static std::string sha256_of(const json& value) { return identity_of(value); }

  json describe_environment(const json& answered) const {
    json out = answered;
    out["threads"] = at::get_num_threads();
    out["batch_size"] = options_.batch_size;
    out["gauntlet"] = GAUNTLET_VERSION;
    return out;
  }

  void count(Status status, bool cached) {
    switch (status) {
      case Status::kOk:
        ++summary_.ok;
        break;
      case Status::kInvalid:
        ++summary_.invalid;
        break;
      case Status::kError:
        ++summary_.error;
        break;
      case Status::kSkipped:
        ++summary_.skipped;
        break;
    }
    summary_.cached += cached;
  }

  const Suite& suite_;
  Store& store_;
  const RunOptions& options_;
  RunEvents& events_;
  Laboratory lab_;
  const Dataset data_;
  std::map<std::string, std::string> accuracy_problems_, likely_causes_;  // by row
  const int most_threads_ = at::get_num_threads();
  std::map<std::pair<std::string, std::string>, int> threads_;  // that help a network
  std::map<std::string, int64_t> asked_;                        // identities of this run
  std::vector<CellRecord> cells_;  // of this run, without outcomes; only where rows are certified
  RunSummary summary_;
};
}  // namespace

RunSummary run_suite(const Suite& suite, const PluginLibrary& plugins, const Registry& registry,
                     Store& store, const RunOptions& options, RunEvents& events) {
  return Runner(suite, plugins, registry, store, options, events).run();
}

}  // namespace gauntlet
