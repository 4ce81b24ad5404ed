#include "execution/audit_suite.h"

#include <map>

#include "evaluation/identity.h"
#include "evaluation/interrupted.h"
#include "evaluation/kept_fits.h"
#include "execution/answer.h"
#include "execution/prepare_rows.h"
#include "execution/row_auditor.h"

namespace gauntlet::execution {
namespace {

// The cells of a row that the store has as this build would answer them.
class KnownCells {
 public:
  KnownCells(const suite::Suite& suite, const data::Dataset& data,
             const evaluation::Laboratory& lab, const results::Store& store,
             const RunOptions& options)
      : suite_(suite), data_(data), lab_(lab), store_(store), options_(options) {}

  /// Of the cells from `first` on, one an attack, in the order of a run.
  std::vector<results::CellRecord> row(size_t first) {
    std::vector<results::CellRecord> out;
    for (size_t i = first; i < first + suite_.attacks.size(); ++i) {
      const suite::Job job = job_of(suite_, suite_.cells[i]);
      const std::string identity = evaluation::told_apart(
          evaluation::identity_of(evaluation::question(job, data_, options_.batch_size, lab_)),
          asked_);
      auto known = store_.find(
          identity, evaluation::identity_of(evaluation::answerer(job.defense, *job.attack, lab_)));
      if (!known) continue;
      known->attack = job.attack->name;
      out.push_back(std::move(*known));
    }
    return out;
  }

 private:
  const suite::Suite& suite_;
  const data::Dataset& data_;
  const evaluation::Laboratory& lab_;
  const results::Store& store_;
  const RunOptions& options_;
  std::map<std::string, int64_t> asked_;
};
}  // namespace

SuiteAudit audit_suite(const suite::Suite& suite, int64_t samples,
                       const library::PluginLibrary& plugins, const registry::Registry& registry,
                       results::Store& store, const RunOptions& options, RunEvents& events) {
  evaluation::Laboratory lab(plugins, registry, options.device);
  const data::Dataset data = registry.load(suite.data.entry, suite.data.split);
  for (const std::string& remark : data.remarks) events.remark(remark);
  evaluation::keep_fits(lab, store.artifacts(),
                        [&](const std::string& text) { events.remark(text); });
  prepare_rows(suite, data, lab);
  KnownCells known(suite, data, lab, store, options);
  const RowAuditor auditor(suite, data, lab, store, options, events, samples);
  SuiteAudit out;
  const size_t rows = suite.threats.size() * suite.defenses.size();
  try {
    for (size_t i = 0; i < rows; ++i) {
      // Cells are ordered by seed, then threat, then defense, then attack.
      const std::vector<results::CellRecord> cells = known.row(i * suite.attacks.size());
      const suite::Cell& first = suite.cells[i * suite.attacks.size()];
      out.recorded += !cells.empty();
      out.rows.push_back(
          auditor.probe(auditor.row(suite.defenses[first.defense], suite.threats[first.threat],
                                    first.seed, cells, /*probes=*/true),
                        i, rows));
    }
    out.complete = true;
  } catch (const evaluation::Interrupted&) {
  }
  return out;
}

}  // namespace gauntlet::execution
