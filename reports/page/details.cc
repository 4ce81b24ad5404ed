// What stands behind each number: the detail of a cell, failures, audit findings.
#include <fmt/format.h>

#include <cmath>
#include <set>

#include "base/duration.h"
#include "reports/audits.h"
#include "reports/page/view.h"
#include "reports/text/text.h"

namespace gauntlet::reports::page {
namespace {

/// A table of facts with a column a seed. A fact nobody has is left out.
class Facts {
 public:
  template <typename Record>
  void add(const std::string& name, const Group<Record>& group, const auto& text_of) {
    View values = View::array();
    bool any = false;
    for (const Record* record : group.records) {
      const std::string text = text_of(*record);
      any = any || !text.empty();
      values.push_back({{"value", text.empty() ? "—" : text}});
    }
    if (any) rows_.push_back({{"name", name}, {"values", values}});
  }
  View rows() const { return rows_; }

 private:
  View rows_ = View::array();
};

/// Of a result; "" for a record that holds none.
auto share(double results::CellRecord::*field) {
  return [field](const results::CellRecord& r) {
    return has_result(r) ? percent(r.*field) + " %" : std::string();
  };
}

std::string interval_sentence(const results::Interval& interval) {
  return interval_text(interval) + " % (" + percent(interval.level).substr(0, 2) + " %, " +
         interval.method + ", unit " + interval.unit + ")";
}

std::string passes(int64_t forwards, int64_t backwards) {
  return grouped(forwards) + " forward, " + grouped(backwards) + " backward";
}

void add_cost(Facts& facts, const Group<results::CellRecord>& group) {
  facts.add("passes requested", group, [](const results::CellRecord& r) {
    return passes(r.ledger.forwards, r.ledger.backwards) + ", " + grouped(r.ledger.queries) +
           " queries";
  });
  facts.add("passes executed", group, [](const results::CellRecord& r) {
    return passes(r.ledger.executed_forwards, r.ledger.executed_backwards);
  });
  facts.add("passes of sources", group, [](const results::CellRecord& r) {
    const results::Ledger& ledger = r.ledger;
    return ledger.source_forwards + ledger.source_backwards == 0
               ? ""
               : passes(ledger.source_forwards, ledger.source_backwards);
  });
  facts.add("scoring passes", group, [](const results::CellRecord& r) {
    return grouped(r.ledger.scoring_forwards) + " forward";
  });
  facts.add("time", group, [](const results::CellRecord& r) {
    return std::isfinite(r.seconds) ? duration(r.seconds) : std::string();
  });
}

void add_derived(Facts& facts, const Group<results::CellRecord>& group) {
  facts.add("detector, AUC", group, [](const results::CellRecord& r) {
    return has_result(r) && r.detector ? fmt::format("{:.3f}", r.detector->auc) : std::string();
  });
  for (const size_t i : {size_t{0}, size_t{1}})
    facts.add(i == 0 ? "detected at 1 %" : "detected at 5 %", group,
              [i](const results::CellRecord& r) {
                if (!has_result(r) || !r.detector || r.detector->at.size() <= i)
                  return std::string();
                const auto& at = r.detector->at[i];
                return percent(at.true_positive_rate) + " %, " + interval_sentence(at.interval);
              });
  facts.add("hypocritical risk", group, [](const results::CellRecord& r) {
    if (!has_result(r) || !r.hypocritical) return std::string();
    return percent(r.hypocritical->risk) + " % of " + counted(r.hypocritical->images, "image") +
           ", " + interval_sentence(r.hypocritical->interval);
  });
}

View cell_facts(const Group<results::CellRecord>& group) {
  Facts facts;
  facts.add("status", group, [](const results::CellRecord& r) { return to_string(r.status); });
  facts.add("reason", group,
            [](const results::CellRecord& r) { return has_result(r) ? std::string() : r.reason; });
  facts.add("robust accuracy", group, share(&results::CellRecord::robust_accuracy));
  facts.add("interval", group, [](const results::CellRecord& r) {
    return has_result(r) ? interval_sentence(r.interval) : std::string();
  });
  facts.add("clean accuracy", group, share(&results::CellRecord::clean_accuracy));
  facts.add("majority of trials", group, [](const results::CellRecord& r) {
    return has_result(r) && r.trials > 1 ? percent(r.majority_accuracy) + " %" : std::string();
  });
  facts.add("right in every trial", group, [](const results::CellRecord& r) {
    return has_result(r) && r.trials > 1 ? percent(r.worst_trial_accuracy) + " %" : std::string();
  });
  add_derived(facts, group);
  facts.add("images", group, [](const results::CellRecord& r) { return grouped(r.samples); });
  facts.add("trials", group, [](const results::CellRecord& r) {
    return grouped(r.trials) + (r.stochastic ? " fresh draws of a stochastic defense" : "");
  });
  facts.add("ties", group, [](const results::CellRecord& r) {
    return has_result(r) && r.ties ? grouped(r.ties) : std::string();
  });
  facts.add("audit", group,
            [](const results::CellRecord& r) { return joined(sentences(r.flags)); });
  add_cost(facts, group);
  facts.add("finished", group, [](const results::CellRecord& r) { return r.finished; });
  facts.add("adversarial inputs", group, [](const results::CellRecord& r) {
    return r.x_adv.empty() ? "" : "artifacts/" + r.x_adv;
  });
  facts.add("their SHA-256", group, [](const results::CellRecord& r) { return r.x_adv_sha256; });
  facts.add("identity", group, [](const results::CellRecord& r) { return r.identity; });
  facts.add("fingerprint", group, [](const results::CellRecord& r) { return r.fingerprint; });
  return facts.rows();
}

View worst_facts(const Group<results::WorstCase>& group) {
  Facts facts;
  const auto of_result = [](auto text_of) {
    return [text_of](const results::WorstCase& r) {
      return has_result(r) ? text_of(r) : std::string();
    };
  };
  facts.add("robust accuracy", group, of_result([](const results::WorstCase& r) {
              return (r.complete ? "" : "≤ ") + percent(r.robust_accuracy) + " %";
            }));
  facts.add("interval", group,
            of_result([](const results::WorstCase& r) { return interval_sentence(r.interval); }));
  facts.add("clean accuracy", group, of_result([](const results::WorstCase& r) {
              return percent(r.clean_accuracy) + " %";
            }));
  facts.add("images", group, [](const results::WorstCase& r) { return grouped(r.samples); });
  facts.add("trials", group, [](const results::WorstCase& r) { return grouped(r.trials); });
  facts.add("over attacks", group, [](const results::WorstCase& r) { return joined(r.attacks); });
  facts.add("without result", group, [](const results::WorstCase& r) { return joined(r.missing); });
  facts.add("decided by", group, [](const results::WorstCase& r) {
    std::vector<std::string> texts;
    for (const auto& [attack, count] : r.decided_by)
      texts.push_back(attack + " " + counted(count, "image"));
    return joined(texts);
  });
  facts.add("reason", group, [](const results::WorstCase& r) { return r.reason; });
  facts.add("audit", group, [](const results::WorstCase& r) { return joined(sentences(r.flags)); });
  facts.add("identity", group, [](const results::WorstCase& r) { return r.identity; });
  return facts.rows();
}

template <typename Record>
View detail_of(const Summary& summary, const Group<Record>& group, const std::string& attack,
               const View& facts) {
  View seeds = View::array();
  for (const Record* record : group.records)
    seeds.push_back({{"seed", std::to_string(record->seed)}});
  return {{"anchor", anchor(summary, group)}, {"defense", group.defense}, {"attack", attack},
          {"threat", title_of(group.threat)}, {"seeds", seeds},           {"facts", facts}};
}

/// "at under pgd, linf, ε = 0.1, seed 2"
std::string place_of(const Summary& summary, const results::CellRecord& r) {
  return r.defense + " under " + r.attack + ", " + title_of(r.threat) +
         (summary.seeds.size() > 1 ? ", seed " + std::to_string(r.seed) : "");
}

}  // namespace

View details_of(const Summary& summary) {
  View details = View::array();
  for (const auto& group : summary.cells)
    details.push_back(detail_of(summary, group, group.attack, cell_facts(group)));
  for (const auto& group : summary.worst_cases)
    details.push_back(detail_of(summary, group, "worst case", worst_facts(group)));
  return details;
}

View failures_of(const Summary& summary) {
  View failures = View::array();
  for (const results::CellRecord& record : summary.run.cells)
    if (!has_result(record))
      failures.push_back({{"place", place_of(summary, record)},
                          {"status", to_string(record.status)},
                          {"reason", record.reason}});
  for (const results::Certification& record : summary.run.certifications)
    if (!has_result(record))
      failures.push_back(
          {{"place", record.defense + ", certified" +
                         (summary.seeds.size() > 1 ? ", seed " + std::to_string(record.seed) : "")},
           {"status", to_string(record.status)},
           {"reason", record.reason}});
  return failures;
}

View findings_of(const Summary& summary) {
  View out = View::array();
  for (const results::CellRecord& record : summary.run.cells)
    for (const results::Finding& flag : record.flags)
      if (!told_by_audit(flag, record, summary.run.audits))
        out.push_back({{"place", place_of(summary, record)}, {"finding", sentence(flag)}});
  for (const auto& worst : summary.worst_cases) {
    std::set<std::string> told;  // with the column
    for (const std::string& attack : summary.attacks)
      if (const auto* group = summary.cell(worst.defense, attack, worst.threat))
        for (const std::string& flag : findings(*group)) told.insert(attack + ": " + flag);
    for (const std::string& flag : findings(worst))
      if (!told.contains(flag))
        out.push_back({{"place", worst.defense + ", worst case, " + title_of(worst.threat)},
                       {"finding", flag}});
  }
  return out;
}

}  // namespace gauntlet::reports::page
