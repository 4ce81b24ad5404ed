#include "bundle/check_tables.h"

#include <fmt/format.h>

#include <cmath>

#include "base/bad_input.h"
#include "boards/audit.h"
#include "boards/scores.h"
#include "bundle/layout.h"
#include "evaluation/bounds.h"
#include "results/outcomes.h"
#include "suite/names.h"
#include "suite/suite.h"

namespace gauntlet::bundle {
namespace {

// A file of images in the bundle; they come back as float32 in [0, 1], as data sets are read.
std::pair<Tensor, std::vector<int64_t>> indexed(const BundleFile& bundle, const std::string& file,
                                                results::Kept kept) {
  const results::KeptImages images = bundle.images(file, kept);
  const auto* first = images.index.const_data_ptr<int64_t>();
  return {images.pixels(), {first, first + images.index.size(0)}};
}

Norm norm_of(const std::string& name) {
  if (const auto norm = value_for(suite::kNorms, name)) return *norm;
  std::string known;
  for (const std::string& word : words_of(suite::kNorms))
    known += (known.empty() ? "" : ", ") + word;
  throw BadInput("a threat's norm is '" + name + "', expected one of " + known);
}

std::vector<int64_t> indices_of(const results::CellRecord& record) {
  std::vector<int64_t> out;
  for (const results::Outcome& outcome : record.outcomes) out.push_back(outcome.index);
  return out;
}

class CellCheck {
 public:
  CellCheck(const BundleFile& bundle, const boards::BoardEntry& entry,
            const boards::BoardThreat& under, const boards::BoardAttack& attack,
            const boards::BoardAttack::Cell& cell, const CleanImages& clean, Findings& findings)
      : bundle_(bundle),
        entry_(entry),
        threat_(under.threat),
        cell_(cell),
        clean_(clean),
        findings_(findings),
        about_(fmt::format("{}: {}: {}, seed {}", entry.id, under.threat.name, attack.name,
                           cell.record.seed)) {}

  void all() {
    if (cell_.record.status != results::Status::kOk) return;
    for (const results::Outcome& outcome : cell_.record.outcomes) check_row(outcome);
    check_trials(cell_.record.clean_by_trial, &results::Outcome::clean_right);
    check_trials(cell_.record.robust_by_trial, &results::Outcome::robust_right);
    check_x_adv();
  }

 private:
  void add(const std::string& what) { findings_.add(about_, what); }
  void add(const results::Outcome& outcome, const std::string& what) {
    add(fmt::format("sample {}: {}", outcome.index, what));
  }

  // What follows from the judge's rules alone.
  void check_row(const results::Outcome& o) {
    const results::CellRecord& record = cell_.record;
    if (record.stochastic != (entry_.division == Division::kRandomized) &&
        entry_.division != Division::kCertified)
      return add(record.stochastic ? "its answers are drawn" : "its answers are not drawn");
    const bool right = o.predicted == o.label;
    if (record.stochastic) {
      // The answer of most trials, of which there are so many classes at the most.
      const int64_t classes = std::max<int64_t>(2, int64_t(entry_.class_names.size()));
      const bool most = 2 * o.robust_right > record.trials;
      if ((most && !right) || (right && classes * o.robust_right < record.trials))
        add(o, fmt::format("was answered right in {} of {} trials, which does not make {} the "
                           "answer of label {}",
                           o.robust_right, record.trials, o.predicted, o.label));
      return;
    }
    if (record.trials != 1) return add("a deterministic defense has one trial");
    if (o.robust_right != int64_t(right && o.clean_right == 1))
      add(o, fmt::format("is counted as {} under attack, but was answered {} ({}) and {} without "
                         "an attack",
                         o.robust_right ? "right" : "wrong", o.predicted, right ? "right" : "wrong",
                         o.clean_right ? "right" : "wrong"));
    if (o.predicted >= 0 && std::abs(o.margin) > results::kTie && right != (o.margin > 0))
      add(o, fmt::format("margin {:.6g} and answer {} of label {} contradict each other", o.margin,
                         o.predicted, o.label));
  }

  // Of noise that images share: the same answers, summed the other way.
  void check_trials(const std::vector<int64_t>& by_trial, int64_t results::Outcome::*right) {
    if (by_trial.empty()) return;
    if (!cell_.record.stochastic)
      return add("its answers are not drawn, yet it has right answers of trials");
    int64_t trials = 0, images = 0;
    for (const int64_t count : by_trial) trials += count;
    for (const results::Outcome& outcome : cell_.record.outcomes) images += outcome.*right;
    if (int64_t(by_trial.size()) != cell_.record.trials || trials != images)
      add(fmt::format("its trials have {} right answers, its samples {}", trials, images));
  }

  void check_x_adv() {
    const results::CellRecord& record = cell_.record;
    if (cell_.x_adv_sha256.empty() || !bundle_.has(x_adv_file(cell_.x_adv_sha256)))
      return add("its adversarial inputs are missing");
    const auto [x_adv, index] =
        indexed(bundle_, x_adv_file(cell_.x_adv_sha256), results::Kept::kAdversarial);
    const std::vector<int64_t> samples = indices_of(record);
    if (index != samples)
      return add("its adversarial inputs are not of the samples of its outcomes");
    for (const int64_t sample : samples)
      if (!clean_.has(sample)) return add(fmt::format("the bundle has no image {}", sample));
    const Tensor x = clean_.of(samples);
    if (x.sizes() != x_adv.sizes()) return add("its adversarial inputs have another shape");
    const ThreatModel threat =
        evaluation::threat_model(norm_of(threat_.norm), threat_.epsilon, x.options());
    const Tensor all = torch::ones({x.size(0)}, torch::kBool);
    if (const std::string why = evaluation::bounds_problem(threat, x, x_adv, all); !why.empty())
      return add(why);
    check_distances(threat.distance(x, x_adv).to(torch::kDouble).contiguous());
  }

  void check_distances(const Tensor& found) {
    // Six digits are kept, of a float32 sum.
    constexpr double kAbsolute = 1e-6, kRelative = 1e-4;
    const double* distance = found.const_data_ptr<double>();
    for (const results::Outcome& outcome : cell_.record.outcomes) {
      const double own = *distance++;
      if (!(std::abs(own - outcome.distance) <= kAbsolute + kRelative * own))
        return add(outcome,
                   fmt::format("its adversarial input is {:.6g} from the clean image, the table "
                               "says {:.6g}",
                               own, outcome.distance));
    }
  }

  const BundleFile& bundle_;
  const boards::BoardEntry& entry_;
  const results::Threat& threat_;
  const boards::BoardAttack::Cell& cell_;
  const CleanImages& clean_;
  Findings& findings_;
  const std::string about_;
};

// One image has one label, whatever attacks it.
void check_labels(const boards::BoardEntry& entry, Findings& findings) {
  std::map<int64_t, int64_t> labels;
  for (const boards::BoardThreat& under : entry.threats)
    for (const boards::BoardAttack& attack : under.attacks)
      for (const boards::BoardAttack::Cell& cell : attack.cells)
        for (const results::Outcome& outcome : cell.record.outcomes)
          if (labels.try_emplace(outcome.index, outcome.label).first->second != outcome.label)
            return findings.add(entry.id, fmt::format("sample {} has two labels", outcome.index));
}

// Only what is drawn can be judged on further draws.
void check_rescored(const boards::BoardEntry& entry, Findings& findings) {
  for (const boards::BoardThreat& under : entry.threats)
    for (const boards::BoardAttack& attack : under.attacks)
      for (const boards::BoardAttack::Cell& cell : attack.cells)
        if (under.rescored_accuracy && cell.record.status == results::Status::kOk &&
            !cell.record.stochastic)
          return findings.add(entry.id + ": " + under.threat.name,
                              "a deterministic model has no rescored accuracy");
}
}  // namespace

CleanImages::CleanImages(const BundleFile& bundle) {
  std::vector<int64_t> index;
  std::tie(images, index) = indexed(bundle, kImages, results::Kept::kClean);
  for (size_t i = 0; i < index.size(); ++i)
    if (!rows.emplace(index[i], int64_t(i)).second)
      throw BadInput(fmt::format("{}: sample {} is there twice", kImages, index[i]));
}

Tensor CleanImages::of(const std::vector<int64_t>& samples) const {
  std::vector<int64_t> at;
  for (const int64_t sample : samples) at.push_back(rows.at(sample));
  return images.index_select(0, torch::tensor(at, torch::kLong));
}

Tensor x_adv_of(const BundleFile& bundle, const boards::BoardAttack::Cell& cell) {
  return indexed(bundle, x_adv_file(cell.x_adv_sha256), results::Kept::kAdversarial).first;
}

void check_data(const BundleFile& bundle, const CleanImages& clean, const data::Dataset& data,
                Findings& findings) {
  for (const auto& [sample, row] : clean.rows) {
    if (sample < 0 || sample >= data.size())
      return findings.add(kImages, fmt::format("the data set has no sample {}", sample));
    const Tensor own = data.x(torch::tensor({sample})), given = clean.images.narrow(0, row, 1);
    if (own.sizes() != given.sizes() || !torch::equal(own, given)) {
      findings.add(kImages, fmt::format("sample {} is not the image of data set {}, split {}",
                                        sample, data.id, data.split));
      break;
    }
  }
  const Tensor labels = data.labels.contiguous();
  for (const boards::BoardEntry& entry : bundle.entries()) {
    if (entry.dataset_sha256 != data.sha256)
      findings.add(entry.id, "the data set has SHA-256 " + data.sha256 + ", the entry declares " +
                                 entry.dataset_sha256);
    for (const boards::BoardThreat& under : entry.threats)
      for (const boards::BoardAttack& attack : under.attacks)
        for (const boards::BoardAttack::Cell& cell : attack.cells)
          for (const results::Outcome& outcome : cell.record.outcomes)
            if (outcome.index < 0 || outcome.index >= data.size() ||
                labels.const_data_ptr<int64_t>()[outcome.index] != outcome.label) {
              findings.add(entry.id, fmt::format("sample {} has label {} in {}, which is not the "
                                                 "data set's",
                                                 outcome.index, outcome.label, attack.name));
              return;
            }
  }
}

void check_tables(const BundleFile& bundle, const boards::BoardEntry& entry,
                  const suite::Board& board, const CleanImages& clean, Findings& findings) {
  for (const boards::BoardThreat& under : entry.threats)
    for (const boards::BoardAttack& attack : under.attacks)
      for (const boards::BoardAttack::Cell& cell : attack.cells)
        CellCheck(bundle, entry, under, attack, cell, clean, findings).all();
  check_labels(entry, findings);
  check_rescored(entry, findings);
  for (const std::string& sentence : contradictions(entry)) findings.add(entry.id, sentence);
  const std::vector<std::string> found = audit(entry, board.audit);
  for (const std::string& finding : found)
    if (std::find(entry.findings.begin(), entry.findings.end(), finding) == entry.findings.end())
      findings.add(entry.id, "the audit has a finding that the entry lacks: " + finding);
  for (const std::string& finding : entry.findings)
    if (std::find(found.begin(), found.end(), finding) == found.end())
      findings.add(entry.id, "the entry has a finding that the audit does not confirm: " + finding);
}

}  // namespace gauntlet::bundle
