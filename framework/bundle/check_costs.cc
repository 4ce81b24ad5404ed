#include "bundle/check_costs.h"

#include <fmt/format.h>

#include <algorithm>

#include "bundle/value_at.h"
#include "evaluation/identity.h"

namespace gauntlet::bundle {
namespace {
using nlohmann::json;

// Queries that a run of an attack asks of an image which nothing decides before its end, on one
// draw; 0 where they depend on the answers.
int64_t queries_of_a_run(const suite::AttackSpec& spec) {
  if (spec.plugin == "fgsm") return 1;
  if (spec.plugin != "pgd") return 0;
  const auto steps = spec.params.find("steps");
  const auto* number = steps == spec.params.end() ? nullptr : steps->second.get<int64_t>();
  return number ? *number : 0;
}

class CostCheck {
 public:
  CostCheck(std::string about, const results::CellRecord& record, const suite::AttackSpec* spec,
            const suite::Scoring& scoring, Findings& findings)
      : about_(std::move(about)),
        record_(record),
        spec_(spec),
        tracks_(!record.stochastic && scoring.success == suite::Success::kAny),
        findings_(findings) {}

  void all() {
    if (record_.status != results::Status::kOk) return;
    check_sums();
    for (const results::Outcome& outcome : record_.outcomes)
      if (const std::string why = problem_of(outcome); !why.empty())
        return findings_.add(about_, fmt::format("sample {}: {}", outcome.index, why));
  }

 private:
  void check_sums() {
    int64_t queries = 0;
    for (const results::Outcome& outcome : record_.outcomes) queries += outcome.queries;
    const results::Ledger& ledger = record_.ledger;
    if (ledger.queries != queries || ledger.forwards != queries)
      findings_.add(about_, fmt::format("its ledger has {} queries and {} forward passes, its "
                                        "samples {} queries",
                                        ledger.queries, ledger.forwards, queries));
    if (ledger.scoring_forwards < record_.samples * record_.trials)
      findings_.add(about_, fmt::format("its ledger has {} passes for scores, {} samples in {} "
                                        "trials need more",
                                        ledger.scoring_forwards, record_.samples, record_.trials));
    if (spec_ && spec_->host.access && *spec_->host.access < Access::kGradient &&
        ledger.backwards > 0)
      findings_.add(about_, "its ledger has backward passes, which the board does not grant");
  }

  std::string problem_of(const results::Outcome& o) const {
    if (o.queries < 0) return "has fewer than 0 queries";
    if (!spec_) return "";
    const suite::HostKeys& host = spec_->host;
    if (host.max_queries > 0 && o.queries > host.max_queries)
      return fmt::format("has {} queries, the board grants {}", o.queries, host.max_queries);
    const bool untargeted = host.goal == Goal::kUntargeted;
    if (tracks_ && untargeted && o.clean_right == 0)
      return o.queries == 0
                 ? ""
                 : fmt::format("is wrong without an attack, yet has {} queries", o.queries);
    return run_problem(o);
  }

  // Who withstands is asked all; of noise every run is finished.
  std::string run_problem(const results::Outcome& o) const {
    const suite::HostKeys& host = spec_->host;
    const int64_t run = queries_of_a_run(*spec_) * (record_.stochastic ? host.draws : 1);
    if (run == 0 || host.max_queries > 0) return "";
    const bool withstood = tracks_ && o.robust_right > 0;
    if ((withstood || record_.stochastic) && o.queries % run != 0)
      return fmt::format("has {} queries, no number of runs of {}", o.queries, run);
    if (withstood && o.queries < run * host.restarts)
      return fmt::format("withstood {} queries, the board asks {}", o.queries, run * host.restarts);
    // The loss that a defense suggests, or a margin where cross-entropy vanishes, may be tried too.
    if (o.queries > 3 * run * host.restarts)
      return fmt::format("has {} queries, the board's runs are {}", o.queries, run * host.restarts);
    return "";
  }

  const std::string about_;
  const results::CellRecord& record_;
  const suite::AttackSpec* spec_;
  const bool tracks_;
  Findings& findings_;
};

// What the entry says of a table of keys, as far as it says anything: older ones know fewer.
void check_keys(const std::string& about, const json& said, const json& expected,
                Findings& findings) {
  for (const auto& [key, value] : expected.items()) {
    const json own = value_at(said, key.c_str());
    if (!own.is_null() && value_at(own, "value") != value)
      findings.add(about, fmt::format("its {} is {}, the board says {}", key,
                                      value_at(own, "value").dump(), value.dump()));
  }
}
}  // namespace

void check_costs(const boards::BoardEntry& entry, const suite::Suite& columns, Findings& findings) {
  const json settings = evaluation::settings_of(columns);
  for (const boards::BoardThreat& under : entry.threats)
    for (const boards::BoardAttack& attack : under.attacks) {
      const suite::AttackSpec* spec = nullptr;
      for (const suite::AttackSpec& each : columns.attacks)
        if (!attack.additional && each.name == attack.name) spec = &each;
      const std::string about = fmt::format("{}: {}: {}", entry.id, under.threat.name, attack.name);
      for (const boards::BoardAttack::Cell& cell : attack.cells)
        CostCheck(fmt::format("{}, seed {}", about, cell.record.seed), cell.record, spec,
                  columns.scoring, findings)
            .all();
      const json said = json::parse(attack.parameters);
      check_keys(about, value_at(said, "scoring"), settings.at("scoring"), findings);
      if (spec)
        check_keys(about, value_at(said, "host"),
                   settings.at("attacks").at(size_t(spec - columns.attacks.data())).at("host"),
                   findings);
    }
}

}  // namespace gauntlet::bundle
