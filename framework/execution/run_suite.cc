#include "execution/run_suite.h"

#include <algorithm>

#include "base/bad_input.h"
#include "base/sha256.h"
#include "evaluation/certify.h"
#include "evaluation/citations.h"
#include "evaluation/identity.h"
#include "evaluation/kept_fits.h"
#include "evaluation/process_state.h"
#include "evaluation/shared_rows.h"
#include "evaluation/worst_case.h"
#include "execution/local.h"
#include "execution/prepare_rows.h"
#include "execution/row_auditor.h"
#include "results/artifacts.h"

namespace gauntlet::execution {
namespace {
using nlohmann::json;
using results::CellRecord;
using results::Certification;
using results::Status;

class Runner {
 public:
  Runner(const suite::Suite& suite, const library::PluginLibrary& plugins,
         const registry::Registry& registry, results::Store& store, const RunOptions& options,
         RunEvents& events)
      : suite_(suite),
        store_(store),
        events_(events),
        lab_(plugins, registry, options.device),
        data_(registry.load(suite.data.entry, suite.data.split)),
        stop_(options.stop),
        share_(options.share),
        answerer_(data_, suite.data.indices, lab_, store, options, events),
        auditor_(suite, data_, lab_, store, options, events, suite.audit.samples) {}

  RunSummary run() {
    for (const std::string& remark : data_.remarks) events_.remark(remark);
    evaluation::keep_fits(lab_, store_.artifacts(),
                          [this](const std::string& text) { events_.remark(text); });
    prepare_rows(suite_, data_, lab_);
    if (share_) shared_ = evaluation::share_passes(suite_.defenses, lab_);
    store_.begin_run(suite_.name, settings().dump());
    events_.begin(jobs_.size());
    LocalExecutor executor(answerer_, events_, stop_);
    try {
      executor.run(jobs_, [&](size_t job, Answer answer) { take(job, std::move(answer)); });
      probe_rows();
      summary_.complete = true;
    } catch (const evaluation::Interrupted&) {
    }
    // What is left of an interrupted run.
    for (; audited_ < audits_.size(); ++audited_) keep(std::move(audits_[audited_].of_records));
    store_.end_run(summary_.complete);
    for (const auto& passes : shared_) summary_.shared_forwards += passes->spared();
    return summary_;
  }

 private:
  // The expanded suite, with what it asked of the data.
  json settings() const {
    json out = evaluation::settings_of(suite_);
    out["data"]["sha256"] = data_.sha256;
    out["data"]["classes"] = data_.class_names;
    std::tie(out["data"]["images"], out["data"]["images_sha256"]) = save_images();
    out["citations"] = evaluation::citations_of(suite_, lab_);
    return out;
  }

  // The images of this run beside what attacks made of them, so that whoever has the store can show
  // and check these: a file below artifacts/, named for what it holds, and its sum.
  std::pair<std::string, std::string> save_images() const {
    const Tensor index = torch::tensor(suite_.data.indices);
    const std::string name =
        "clean-" +
        evaluation::identity_of(evaluation::data_question(suite_.data, data_, suite_.data.indices))
            .substr(0, 16) +
        ".safetensors";
    const std::filesystem::path file = store_.artifacts() / name;
    const results::KeptImages images{data_.stored(index), index, data_.y(index)};
    return {name, holds(file, images) ? sha256_of_file(file)
                                      : results::write_images(file, results::Kept::kClean, images)};
  }

  // Whether these images are what lies there.
  static bool holds(const std::filesystem::path& file, const results::KeptImages& images) {
    const auto same = [](const Tensor& a, const Tensor& b) {
      return a.defined() && a.scalar_type() == b.scalar_type() && torch::equal(a, b);
    };
    try {
      const auto found = results::read_images(file, results::Kept::kClean, "");
      return same(found.x, images.x) && same(found.index, images.index) &&
             same(found.label, images.label);
    } catch (const BadInput&) {
      return false;
    }
  }

  void take(size_t number, Answer answer) {
    summary_.cached += answer.cached;
    if (auto* cell = std::get_if<CellRecord>(&answer.record)) {
      count(cell->status);
      events_.cell_end(*cell, answer.cached);
      take(number, std::move(*cell));
    } else {
      auto& certified = std::get<Certification>(answer.record);
      hold_against_attacks(jobs_[number], certified);
      count(certified.status);
      events_.certification_end(certified, answer.cached);
    }
  }

  // Columns of a row follow one another: their worst case comes after them.
  void take(size_t number, CellRecord cell) {
    if (!suite_.certified.empty()) {
      cells_.push_back(cell);
      cells_.back().outcomes.clear();
    }
    row_.push_back(std::move(cell));
    if (number + 1 < jobs_.size() && suite::same_row(jobs_[number], jobs_[number + 1])) return;
    add_worst_case(jobs_[number].defense);
    add_audit(number);
    row_.clear();
  }

  void add_worst_case(const suite::DefenseSpec& defense) {
    const std::string identity = evaluation::worst_case_identity(row_),
                      fingerprint = evaluation::worst_case_fingerprint(row_);
    std::optional<results::WorstCase> result = store_.find_worst_case(identity, fingerprint);
    tell_damage(store_, events_);
    if (!result) result = evaluation::worst_case(row_);
    // Names are of this suite, whoever asked the same question before.
    result->suite = suite_.name, result->defense = defense.name;
    result->threat = row_.front().threat;
    store_.put(*result);
    store_.add_worst_case_to_run(identity, fingerprint);
  }

  // Probes, which take long, wait for all cells; with them the audits, to stay in the order of
  // rows.
  void add_audit(size_t number) {
    const suite::Cell& cell = suite_.cells[number];
    const bool probes = suite_.audit.samples > 0 && cell.seed == suite_.seeds.front();
    AuditedRow row = auditor_.row(suite_.defenses[cell.defense], suite_.threats[cell.threat],
                                  cell.seed, row_, probes);
    if (suite_.audit.samples > 0)
      audits_.push_back(std::move(row));
    else
      keep(std::move(row.of_records));
  }

  void probe_rows() {
    const auto of = size_t(std::count_if(audits_.begin(), audits_.end(),
                                         [](const AuditedRow& row) { return row.probes; }));
    for (size_t probed = 0; audited_ < audits_.size(); ++audited_) {
      AuditedRow& row = audits_[audited_];
      keep(row.probes ? auditor_.probe(row, probed++, of) : std::move(row.of_records));
    }
  }

  void keep(results::RowAudit audit) {
    summary_.audit = std::max(summary_.audit, worst(audit.checks));
    store_.put(audit);
    store_.add_audit_to_run(audit.identity, audit.fingerprint);
  }

  // What attacks of this run found inside its certified radii becomes flags of the certification.
  void hold_against_attacks(const suite::Job& job, Certification& certified) {
    certified.flags.clear();
    if (certified.status == Status::kOk)
      for (const CellRecord& cell : cells_)
        if (cell.defense == job.defense.name && cell.seed == job.seed && cell.status == Status::kOk)
          if (auto found = contradiction_by(job, certified, cell))
            certified.flags.push_back(std::move(*found));
    store_.put(certified);
  }

  std::optional<results::Finding> contradiction_by(const suite::Job& job,
                                                   const Certification& certified,
                                                   CellRecord cell) {
    try {
      cell.outcomes = store_.outcomes(cell.identity, cell.fingerprint);
      return evaluation::contradiction(lab_.defended(job.defense, data_), data_, lab_.device(),
                                       certified, cell, x_adv_of(cell));
    } catch (const std::exception& error) {  // certificates stand, unchecked: the report says so
      return results::Finding{
          "not_held_against",
          {{"attack", cell.attack}, {"threat", cell.threat.name}, {"why", error.what()}}};
    }
  }

  Tensor x_adv_of(const CellRecord& record) const {
    return results::read_images(store_.artifacts() / record.x_adv, results::Kept::kAdversarial,
                                record.x_adv_sha256)
        .pixels();
  }

  void count(Status status) {
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
  }

  const suite::Suite& suite_;
  const std::vector<suite::Job> jobs_ = suite::jobs_of(suite_);
  results::Store& store_;
  RunEvents& events_;
  evaluation::Laboratory lab_;
  const data::Dataset data_;
  const std::atomic<bool>* stop_;
  const bool share_;
  std::vector<std::shared_ptr<evaluation::SharedPasses>> shared_;
  Answerer answerer_;
  const RowAuditor auditor_;
  std::vector<CellRecord> row_;     // answered columns of the row that is under way
  std::vector<CellRecord> cells_;   // without outcomes; only where rows are certified
  std::vector<AuditedRow> audits_;  // only where probes are asked for
  size_t audited_ = 0;              // of them, those that are in the run
  RunSummary summary_;
};
}  // namespace

RunSummary run_suite(const suite::Suite& suite, const library::PluginLibrary& plugins,
                     const registry::Registry& registry, results::Store& store,
                     const RunOptions& options, RunEvents& events) {
  return Runner(suite, plugins, registry, store, options, events).run();
}

}  // namespace gauntlet::execution
