// A run that never was, with everything a report must be able to show: results, an invalid cell, an
// error, a skipped cell, a stochastic defense, several seeds, awkward names.
#pragma once
#include "analysis/certification.h"
#include "results/intervals.h"
#include "results/run_records.h"

namespace gauntlet {

/// A run of which no outcome is kept.
inline results::RunRecords without_outcomes(const results::Store::Run& run) {
  return {run, [](const results::CellRecord&) { return std::vector<results::Outcome>(); }};
}

inline results::CellRecord synthetic_cell(const std::string& defense, const std::string& attack,
                                          double accuracy, int64_t seed = 0) {
  results::CellRecord record;
  record.identity = "id-" + defense + "-" + attack + "-" + std::to_string(seed);
  record.fingerprint = "f00d";
  record.suite = "synthetic";
  record.defense = defense;
  record.attack = attack;
  record.dataset = "fashion-mnist-1k";
  record.split = "test";
  record.threat = {"linf", "linf", 0.1};
  record.seed = seed;
  record.status = results::Status::kOk;
  record.samples = 1000;
  record.clean_accuracy = 0.875;
  record.robust_accuracy = record.majority_accuracy = record.worst_trial_accuracy = accuracy;
  record.interval = results::wilson(static_cast<int64_t>(1000 * accuracy), 1000);
  record.parameters = R"({"attack": {"plugin": ")" + attack + R"(", "params": {
    "steps": {"value": 20, "default": 10}, "loss": {"value": "cross_entropy",
    "default": "cross_entropy"}}}, "host": {"restarts": {"value": 1, "default": 1}},
    "defense": {"model": "fashion-mnist/at", "weights_sha256": "ab12", "stack": []},
    "scoring": {"trials": {"value": 1, "default": 1}}})";
  record.environment = R"({"gauntlet": "0.1.0", "torch": "2.11.0", "device": "cpu", "threads": 2})";
  record.ledger = {20000, 20000, 20000, 15000, 15000, 0, 0, 1000};
  record.seconds = 2.5;
  record.finished = "2026-01-31T12:00:00Z";
  return record;
}

inline results::CellRecord failed_cell(const std::string& defense, const std::string& attack,
                                       results::Status status, const std::string& reason,
                                       int64_t seed = 0) {
  // An accuracy is left in the record on purpose: no report may show it.
  results::CellRecord record = synthetic_cell(defense, attack, 0.987, seed);
  record.status = status;
  record.reason = reason;
  return record;
}

inline results::WorstCase synthetic_worst_case(const std::string& defense, double accuracy,
                                               bool complete, int64_t seed = 0) {
  results::WorstCase record;
  record.identity = "worst-" + defense + std::to_string(seed);
  record.fingerprint = "f00d";
  record.suite = "synthetic";
  record.defense = defense;
  record.threat = {"linf", "linf", 0.1};
  record.seed = seed;
  record.samples = 1000;
  record.clean_accuracy = 0.875;
  record.robust_accuracy = accuracy;
  record.interval = results::wilson(static_cast<int64_t>(1000 * accuracy), 1000);
  record.attacks = {"fgsm", "pgd"};
  record.decided_by = {{"fgsm", 10}, {"pgd", 990}};
  record.complete = complete;
  if (!complete) record.missing = {"nattack (invalid)"};
  return record;
}

inline results::Store::Run empty_run() {
  results::Store::Run run;
  run.suite = "synthetic";
  run.settings = R"({"schema": 1, "name": "synthetic", "seeds": [0], "training_logs": {
      "synthetic/<at>": {"columns": ["epoch", "loss", "validation_clean"],
                         "rows": [[1, 2.25, 0.5], [2, 1.5, null], [3, 1.25, 0.75]]}}})";
  run.started = "2026-01-31T11:59:00Z";
  run.finished = "2026-01-31T12:03:00Z";
  run.complete = true;
  return run;
}

/// One seed; statuses of every kind; a stochastic row.
inline results::Store::Run synthetic_run() {
  results::Store::Run run = empty_run();
  results::CellRecord noisy = synthetic_cell("smoothing, \"soft\"", "pgd", 0.4375);
  noisy.stochastic = true;
  noisy.trials = 5;
  noisy.majority_accuracy = 0.45;
  noisy.worst_trial_accuracy = 0.25;
  noisy.interval = {0.41, 0.465, 0.95, "image", "normal over images"};
  noisy.flags = {results::remark("x_adv equals x for 12 of 1,000 samples")};
  run.cells = {
      synthetic_cell("undefended", "fgsm", 0.125),
      synthetic_cell("undefended", "pgd", 0),
      failed_cell("undefended", "nattack", results::Status::kInvalid,
                  "3 of 1,000 rows left the ball, by at most 0.02"),
      failed_cell("smoothing, \"soft\"", "fgsm", results::Status::kError,
                  "fgsm: line one\nline two | \"quoted\", and a comma"),
      noisy,
      failed_cell("smoothing, \"soft\"", "nattack", results::Status::kSkipped, "interrupted"),
      synthetic_cell("at", "fgsm", 0.75),
      synthetic_cell("at", "pgd", 0.71),
      synthetic_cell("at", "nattack", 0.8),
  };
  run.worst_cases = {synthetic_worst_case("undefended", 0, false),
                     synthetic_worst_case("smoothing, \"soft\"", 0.4, false),
                     synthetic_worst_case("at", 0.7, true)};
  run.worst_cases[1].attacks = {"pgd"};
  run.worst_cases[1].decided_by = {{"pgd", 1000}};
  run.worst_cases[1].missing = {"fgsm (error)", "nattack (skipped)"};
  run.worst_cases[2].attacks.push_back("nattack");
  return run;
}

/// Three seeds; one cell fails under one of them.
inline results::Store::Run run_of_seeds() {
  results::Store::Run run = empty_run();
  for (int64_t seed = 0; seed < 3; ++seed) {
    run.cells.push_back(synthetic_cell("at", "pgd", 0.5 + 0.01 * seed, seed));
    run.cells.push_back(
        seed == 1 ? failed_cell("at", "fgsm", results::Status::kError, "out of memory", seed)
                  : synthetic_cell("at", "fgsm", 0.625, seed));
    run.worst_cases.push_back(synthetic_worst_case("at", 0.5 + 0.01 * seed, seed != 1, seed));
  }
  return run;
}

inline results::Certification synthetic_certification(const std::string& defense, double scale,
                                                      int64_t seed = 0) {
  results::Certification record;
  record.identity = "certified-" + defense + std::to_string(seed);
  record.fingerprint = "f00d";
  record.suite = "synthetic";
  record.defense = defense;
  record.dataset = "fashion-mnist-1k";
  record.split = "test";
  record.seed = seed;
  record.status = results::Status::kOk;
  record.alpha = 0.001;
  for (int64_t i = 0; i < 10; ++i)  // images 0 to 6 right, 7 wrong, 8 and 9 abstained
    record.certificates.push_back({i, 3,
                                   i < 7    ? 3
                                   : i == 7 ? 5
                                            : -1,
                                   i < 8 ? scale * double(i + 1) : 0});
  analysis::summarise(record);
  record.parameters = R"({"defense": {"model": "fashion-mnist/at"}})";
  record.environment = R"({"device": "cpu"})";
  record.forwards = 11000;
  record.seconds = 1.5;
  record.finished = "2026-01-31T12:01:00Z";
  return record;
}

/// Certificates of two defenses beside attacks in L2 on one of them; a third failed.
inline results::Store::Run certified_run() {
  results::Store::Run run = empty_run();
  for (const double epsilon : {0.5, 0.25}) {
    results::CellRecord cell = synthetic_cell("smoothed", "pgd", epsilon == 0.25 ? 0.8 : 0.6);
    results::WorstCase worst = synthetic_worst_case("smoothed", cell.robust_accuracy, true);
    cell.threat = worst.threat = {epsilon == 0.25 ? "quarter" : "half", "l2", epsilon};
    run.cells.push_back(cell);
    run.worst_cases.push_back(worst);
  }
  run.certifications = {synthetic_certification("smoothed", 0.1),
                        synthetic_certification("other, \"half\"", 0.05),
                        synthetic_certification("broken", 0.987)};
  run.certifications[0].flags = {
      results::remark("pgd under half changed the answer of 1 of 10 images")};
  run.certifications[2].status = results::Status::kError;
  run.certifications[2].reason = "certifier: line one\nline two | \"quoted\", and a comma";
  return run;
}

/// A defense compared with its baseline: above it, equal, below, and without a result.
inline results::Store::Run compared_run() {
  results::Store::Run run = empty_run();
  const auto add = [&](const std::string& attack, double value, double p_below) {
    results::Difference one;
    one.defense = "vote, \"soft\"", one.baseline = "at", one.attack = attack;
    one.threat = {"linf", "linf", 0.1};
    one.ok = p_below >= 0;
    one.samples = one.ok ? 1000 : 0;
    one.value = value, one.p_below = std::max(0.0, p_below);
    one.interval = {value - 0.02, value + 0.02, 0.95, "image", "Agresti-Min"};
    run.differences.push_back(one);
  };
  add("", -0.031, 0.001);
  add("pgd", 0.052, 0.999);
  add("epgd", 0, 0.5);
  add("nattack", 0.987, -1);
  for (const char* attack : {"pgd", "epgd", "nattack"})
    run.cells.push_back(synthetic_cell("at", attack, 0.5));
  return run;
}

}  // namespace gauntlet
