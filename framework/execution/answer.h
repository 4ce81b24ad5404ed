// How a record comes to be: found in the store, or measured shard by shard, stamped and stored. The
// same for cells and certifications.
#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "evaluation/laboratory.h"
#include "execution/events.h"
#include "results/store.h"
#include "suite/job.h"

namespace gauntlet::execution {

/// A record of the store, and whether it was there before.
struct Answer {
  std::variant<results::CellRecord, results::Certification> record;
  bool cached = false;
};

/// Answers jobs about one data set with one laboratory, one after another.
class Answerer {
 public:
  /// `samples`: of the whole suite; what is said of a row's clean accuracy is said of these.
  Answerer(const data::Dataset& data, const std::vector<int64_t>& samples,
           evaluation::Laboratory& laboratory, results::Store& store, const RunOptions& options,
           RunEvents& events);

  /// The job's record, which then is in the store and in its run. Never throws for a plugin's
  /// failure: that is the record's status. Throws Interrupted.
  Answer answer(const suite::Job& job);

 private:
  template <class Record>
  Answer answer(const suite::Job& job);
  template <class Record>
  Record measure(const suite::Job& job, const std::string& identity, const nlohmann::json& by);
  template <class Record>
  Record shard(const suite::Job& job, int64_t from, int64_t of, const nlohmann::json& by,
               std::vector<Tensor>& x_adv);
  template <class Record>
  std::optional<Record> find(const std::string& identity, const std::string& fingerprint);
  template <class Record>
  void stamp(Record& record, const suite::Job& job, const nlohmann::json& by) const;

  // What the kinds do differently; the record tells them apart.
  nlohmann::json question(const suite::Job& job, const results::CellRecord&) const;
  nlohmann::json question(const suite::Job& job, const results::Certification&) const;
  nlohmann::json answerer(const suite::Job& job, const results::CellRecord&) const;
  nlohmann::json answerer(const suite::Job& job, const results::Certification&) const;
  void name(const suite::Job& job, results::CellRecord& record) const;
  void name(const suite::Job& job, results::Certification& record) const;
  void evaluate(const suite::Job& job, int64_t from, int64_t of, results::CellRecord& record,
                Tensor& x_adv);
  void evaluate(const suite::Job& job, int64_t from, int64_t of, results::Certification& record,
                Tensor& x_adv);
  void finish(const suite::Job& job, results::CellRecord& record);
  static void finish(const suite::Job& job, results::Certification& record);
  void keep_images(const std::vector<int64_t>& indices, const Tensor& x_adv,
                   results::CellRecord& record) const;

  const std::string& accuracy_problem_of(const suite::DefenseSpec& defense);
  void flag_near_chance(results::CellRecord& record, const suite::Job& job);
  void take_threads(const suite::DefenseSpec& defense);

  const data::Dataset& data_;
  const std::vector<int64_t>& samples_;
  evaluation::Laboratory& lab_;
  results::Store& store_;
  const RunOptions& options_;
  RunEvents& events_;
  const int most_threads_;
  std::map<std::string, std::string> accuracy_problems_;        // by row
  std::map<std::string, results::Finding> likely_causes_;       // by row
  std::map<std::pair<std::string, std::string>, int> threads_;  // that help a network
  std::map<std::string, int64_t> asked_;                        // identities of this run
};

/// Says of records that the store lost, and that a run asked for, that they are computed again.
void tell_damage(const results::Store& store, RunEvents& events);

}  // namespace gauntlet::execution
