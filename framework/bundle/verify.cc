#include "bundle/verify.h"

#include <ATen/Parallel.h>

#include "base/bad_input.h"
#include "bundle/check_board.h"
#include "bundle/check_costs.h"
#include "bundle/check_model.h"
#include "bundle/check_tables.h"
#include "bundle/rows.h"
#include "bundle/value_at.h"
#include "suite/read_suite.h"

namespace gauntlet::bundle {
namespace {
using namespace bundle;

// Of all tests of a bundle together.
constexpr double kLevel = 0.001;
constexpr int kMostThreads = 1024;  // that an entry of a stranger may ask for

// As many threads as an entry was made with, until it is verified.
class ThreadsOf {
 public:
  explicit ThreadsOf(const boards::BoardEntry& entry) {
    const auto threads = value_at(nlohmann::json::parse(entry.environment), "threads");
    if (!threads.is_number_integer()) return;
    const auto number = threads.get<int64_t>();
    if (number >= 1 && number <= kMostThreads) at::set_num_threads(int(number));
  }
  ThreadsOf(const ThreadsOf&) = delete;
  ThreadsOf& operator=(const ThreadsOf&) = delete;
  ~ThreadsOf() { at::set_num_threads(before_); }

 private:
  const int before_ = at::get_num_threads();
};

class Verifier {
 public:
  Verifier(const BundleFile& bundle, const library::PluginLibrary& plugins,
           const registry::Registry& registry, const VerifyOptions& options)
      : bundle_(bundle),
        plugins_(plugins),
        registry_(registry),
        options_(options),
        lab_(plugins, registry, options.device) {}

  Verification run() {
    for (const std::string& sentence : bundle_.changed_files()) findings_.add("files", sentence);
    if (const std::optional<suite::Board> board = board_of_entries()) verify_on(*board);
    out_.failures = findings_.sentences();
    return std::move(out_);
  }

 private:
  // The board that all entries are on; a failure where it is not known here.
  std::optional<suite::Board> board_of_entries() {
    const BoardName& name = bundle_.entries().front().board;
    suite::known_boards();  // definitions that are wrong here are no failure of the bundle
    try {
      return suite::find_board(to_string(name));
    } catch (const BadInput& error) {
      findings_.add("board", error.what());
      return {};
    }
  }

  void verify_on(const suite::Board& board) {
    const suite::Suite columns = suite::board_columns(board, plugins_, registry_);
    check_board(bundle_, columns, findings_);
    const CleanImages clean(bundle_);
    const std::optional<data::Dataset> data = load(columns.data);
    if (data) check_data(bundle_, clean, *data, findings_);
    // Files, board and data are of every row.
    const bool sound = findings_.size() == 0;
    for (const boards::BoardEntry& entry : bundle_.entries()) {
      const size_t before = findings_.size();
      check_tables(bundle_, entry, board, clean, findings_);
      check_costs(entry, columns, findings_);
      // What is wrong on paper is not asked of a model.
      const bool reached = sound && findings_.size() == before && data && options_.model &&
                           verify_by_model(entry, board, *data);
      const bool holds = sound && findings_.size() == before;
      out_.rows.push_back({entry.id, entry.defense,
                           !holds    ? boards::Verified::kNot
                           : reached ? boards::Verified::kModel
                                     : boards::Verified::kTables,
                           reached && same_build_});
    }
  }

  std::optional<data::Dataset> load(const suite::DataSpec& spec) {
    try {
      data::Dataset data = registry_.load(spec.entry, spec.split);
      lab_.probe_with(data);
      lab_.lend_samples_of(spec.entry, spec.split);
      return data;
    } catch (const BadInput& error) {
      out_.notes.push_back(
          "clean images and labels were not held against the data set, and no "
          "model was asked: " +
          std::string(error.what()));
      return {};
    }
  }

  // False: the model, its weights or plugins are not here, or cannot tell.
  bool verify_by_model(const boards::BoardEntry& entry, const suite::Board& board,
                       const data::Dataset& data) {
    same_build_ = true;
    if (const std::string why = weights_problem(entry, registry_); !why.empty()) {
      findings_.add(entry.id, why);
      return false;
    }
    std::optional<ThreadsOf> threads;
    if (options_.threads_of_entry) threads.emplace(entry);
    std::optional<suite::Suite> suite;
    try {
      suite = suite_of(bundle_.settings(), entry.defense, board, plugins_, registry_);
      lab_.defended(suite->defenses.front(), data);
    } catch (const BadInput& error) {
      out_.notes.push_back(entry.id + ": the model was not asked: " + error.what());
      return false;
    }
    const ModelChecked checked =
        check_model(bundle_, entry, *suite, data, lab_, kLevel / double(tests()), findings_);
    same_build_ &= checked.same_build;
    out_.notes.insert(out_.notes.end(), checked.notes.begin(), checked.notes.end());
    if (checked.conclusive) return true;
    out_.notes.push_back(entry.id +
                         ": another build made it, and its images share draws in too few trials to "
                         "tell chance from a claim that does not hold");
    return false;
  }

  // Against chance, of the whole bundle: two of images, two of accuracies and two of their spread a
  // cell, or two of margins; one a threat; of a certificate's record, one and one a radius.
  size_t tests() const {
    size_t count = 1;
    for (const boards::BoardEntry& entry : bundle_.entries()) {
      count += entry.certifications.size() * (1 + entry.certified_at.size());
      for (const boards::BoardThreat& under : entry.threats) {
        count += 1;
        for (const boards::BoardAttack& attack : under.attacks) count += 6 * attack.cells.size();
      }
    }
    return count;
  }

  const BundleFile& bundle_;
  const library::PluginLibrary& plugins_;
  const registry::Registry& registry_;
  const VerifyOptions options_;
  evaluation::Laboratory lab_;
  Findings findings_;
  Verification out_;
  bool same_build_ = true;  // of the entry that was asked last
};
}  // namespace

Verification verify(const BundleFile& bundle, const library::PluginLibrary& plugins,
                    const registry::Registry& registry, const VerifyOptions& options) {
  try {
    return Verifier(bundle, plugins, registry, options).run();
  } catch (const nlohmann::json::exception& error) {
    throw BadInput("settings.json: is not what a run writes (" + std::string(error.what()) + ")");
  }
}

}  // namespace gauntlet::bundle
