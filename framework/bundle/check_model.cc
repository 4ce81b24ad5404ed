#include "bundle/check_model.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <cmath>

#include "base/bad_input.h"
#include "base/sha256.h"
#include "bundle/chance.h"
#include "bundle/check_certificates.h"
#include "evaluation/division.h"
#include "evaluation/identity.h"
#include "evaluation/judge.h"
#include "evaluation/worst_case.h"
#include "gauntlet/statistics.h"
#include "results/outcomes.h"

namespace gauntlet::bundle {
namespace {
using nlohmann::json;

// Of margins, between machines whose float32 sums differ in their order.
constexpr double kMarginTolerance = 1e-3;
// Trials of draws that images share, from which on two counts are compared by chance.
constexpr int64_t kFewestShared = 16;

double tolerance(double margin) { return kMarginTolerance * std::max(1.0, std::abs(margin)); }

bool margins_agree(double claimed, double found) {
  return std::abs(claimed - found) <= tolerance(found);
}

// The verdicts on one cell's inputs, counted as the tables count.
struct Answers {
  std::vector<int64_t> clean, robust, robust_first, predicted;  // first: half of the trials
  std::vector<double> margin, clean_margin;
  Tensor confidence;  // [n, K] of the adversarial inputs, first trial
  std::vector<int64_t> clean_by_trial, robust_by_trial;
};

template <class T>
void append(std::vector<T>& to, const Tensor& values, at::ScalarType type) {
  const Tensor host = values.to(at::kCPU, type).contiguous();
  const T* first = host.template const_data_ptr<T>();
  to.insert(to.end(), first, first + host.numel());
}

// Older entries say of a plugin inside of another what was chosen, and not what it left to
// defaults.
bool agrees(const json& said, const json& own) {
  if (said == own) return true;
  if (said.type() != own.type() || !own.is_structured()) return false;
  const bool is_inner = own.is_object() && own.contains("use") && !own.contains("params");
  if (!is_inner && said.size() != own.size()) return false;
  if (own.is_array()) return std::equal(said.begin(), said.end(), own.begin(), own.end(), agrees);
  for (const auto& [key, value] : said.items())
    if (!own.contains(key) || !agrees(value, own.at(key))) return false;
  return !is_inner || said.contains("use");
}

class ModelEntryCheck {
 public:
  ModelEntryCheck(const BundleFile& bundle, const boards::BoardEntry& entry,
                  const suite::Suite& suite, const data::Dataset& data, evaluation::Laboratory& lab,
                  double level, Findings& findings)
      : bundle_(bundle),
        entry_(entry),
        suite_(suite),
        defense_(suite.defenses.front()),
        data_(data),
        lab_(lab),
        level_(level),
        findings_(findings),
        model_(lab.defended(defense_, data)),
        environment_(json::parse(entry.environment)) {}

  ModelChecked all() {
    check_row();
    for (const boards::BoardThreat& under : entry_.threats)
      for (const boards::BoardAttack& attack : under.attacks)
        for (const boards::BoardAttack::Cell& cell : attack.cells) check(under, attack, cell);
    if (suite_.certify)
      checked_.conclusive &=
          check_certificates(entry_, suite_, data_, same_threads(), lab_, level_, findings_);
    return checked_;
  }

 private:
  // That the row is what the entry says it is.
  void check_row() {
    if (const std::string why = division_problem(*suite_.board, defense_.name, model_);
        !why.empty())
      findings_.add(entry_.id, why);
    const json said = json::parse(entry_.parameters),
               own = parameters_of(defense_, lab_).at("defense");
    if (entry_.model != own.at("model") || entry_.weights_sha256 != own.at("weights_sha256"))
      findings_.add(entry_.id,
                    fmt::format("it is of model '{}' with weights {}, the row of {} "
                                "with {}",
                                entry_.model, entry_.weights_sha256, own.at("model").dump(),
                                own.at("weights_sha256").dump()));
    // Entries of before that do not say how images are normalised.
    const bool older = !said.contains("mean");
    for (const char* key : {"model", "architecture", "weights_sha256", "learned_sha256",
                            "layer_plugins", "stack", "training"})
      check_part(said, own, key);
    if (!older)
      for (const char* key : {"input", "classes", "mean", "std", "options"})
        check_part(said, own, key);
  }

  void check_part(const json& said, const json& own, const char* key) {
    const json theirs = said.value(key, json()), ours = own.value(key, json());
    if (!agrees(theirs, ours))
      findings_.add(entry_.id, fmt::format("its {} is {}, that of the row is {}", key,
                                           theirs.dump(), ours.dump()));
  }

  void check(const boards::BoardThreat& under, const boards::BoardAttack& attack,
             const boards::BoardAttack::Cell& cell) {
    const results::CellRecord& record = cell.record;
    const std::string about =
        fmt::format("{}: {}: {}, seed {}", entry_.id, under.threat.name, attack.name, record.seed);
    const int64_t trials =
        model_.stochastic() ? suite_.scoring.trials_of(model_.mc_samples(), shares_draws()) : 1;
    if (record.trials != trials || record.stochastic != model_.stochastic())
      return findings_.add(about, fmt::format("it has {} trials, the board's scoring asks for {}",
                                              record.trials, trials));
    const bool shared = shares_draws();
    // An interval needs to know what images share.
    for (const auto* by_trial : {&record.clean_by_trial, &record.robust_by_trial})
      if (by_trial->empty() == shared)
        return findings_.add(about, shared
                                        ? "the right answers of its trials are missing: its images "
                                          "share draws"
                                        : "its images share no draws, yet it has right answers of "
                                          "trials");
    const bool same = same_build(attack, record);
    checked_.same_build &= same;
    if (same) check_identity(about, under, attack, record);
    const Answers found = answers(cell);
    if (model_.stochastic())
      same ? compare_draws(about, record, found) : compare_by_chance(about, record, found);
    else
      compare_answers(about, record, found, same);
  }

  const suite::AttackSpec* spec_of(const boards::BoardAttack& attack) const {
    for (const suite::AttackSpec& spec : suite_.attacks)
      if (spec.name == attack.name) return &spec;
    return nullptr;
  }

  bool same_threads() const { return environment_.value("threads", 0) == at::get_num_threads(); }

  // Whether what answered then answers now. Of attacks beside the board's own only the defense's
  // part can be told: their plugins may not be here.
  bool same_build(const boards::BoardAttack& attack, const results::CellRecord& record) const {
    if (!same_threads()) return false;
    if (const suite::AttackSpec* spec = spec_of(attack))
      return evaluation::identity_of(answerer(defense_, *spec, lab_)) == record.fingerprint;
    json own = answerer(defense_, lab_), said = environment_;
    for (const auto& [name, digest] : own.at("plugins").items())
      if (said.value("plugins", json::object()).value(name, "") != digest) return false;
    own.erase("plugins");
    for (const auto& [key, value] : own.items())
      if (said.value(key, json()) != value) return false;
    return true;
  }

  void check_identity(const std::string& about, const boards::BoardThreat& under,
                      const boards::BoardAttack& attack, const results::CellRecord& record) {
    const suite::AttackSpec* spec = spec_of(attack);
    if (!spec) return;
    suite::Cell cell{0, size_t(spec - suite_.attacks.data()), 0, record.seed};
    for (size_t t = 0; t < suite_.threats.size(); ++t)
      if (suite_.threats[t].name == under.threat.name) cell.threat = t;
    suite::Job job = suite::job_of(suite_, cell);
    job.data.indices = indices_of(record);
    if (const std::string why = lab_.samples_problem({spec->plugin, spec->params}); !why.empty()) {
      checked_.notes.push_back(about + ": its identity was not compared: " + why);
      return;
    }
    const std::string own =
        evaluation::identity_of(evaluation::question(job, data_, batch_size(), lab_));
    // A run that asks the same twice tells the answers apart by a number.
    if (record.identity != own && !record.identity.starts_with(own + "-"))
      findings_.add(about, "its identity " + record.identity +
                               " is not that of the board's question, " + own +
                               ": data, model, attack, threat, scoring or seed differ");
  }

  static std::vector<int64_t> indices_of(const results::CellRecord& record) {
    std::vector<int64_t> out;
    for (const results::Outcome& outcome : record.outcomes) out.push_back(outcome.index);
    return out;
  }
  int64_t batch_size() const {
    return std::max<int64_t>(1, environment_.value("batch_size", int64_t{250}));
  }

  // In the batches of the run, on its draws.
  Answers answers(const boards::BoardAttack::Cell& cell) {
    const at::NoGradGuard no_graph;
    const results::CellRecord& record = cell.record;
    const Tensor x_adv = x_adv_of(bundle_, cell),
                 all = torch::tensor(indices_of(record), torch::kLong);
    Answers out;
    std::vector<Tensor> confidence;
    for (int64_t from = 0; from < all.size(0); from += batch_size()) {
      const Tensor index = all.narrow(0, from, std::min(batch_size(), all.size(0) - from));
      const evaluation::CraftBatch batch{data_.x(index).to(lab_.device()),
                                         data_.y(index).to(lab_.device()), index.to(lab_.device())};
      const auto seed = uint64_t(record.seed);
      const evaluation::Verdict& clean = lab_.clean(defense_, model_, batch, seed, record.trials);
      const evaluation::Verdict robust =
          judge(model_, x_adv.narrow(0, from, index.size(0)).to(lab_.device()), batch.y,
                batch.index, seed, evaluation::Stream::kScoring, record.trials);
      // As the run counts: who errs without an attack errs under it.
      const Tensor survived = model_.stochastic() ? robust.right : robust.right & clean.right;
      append(out.clean, clean.right.to(torch::kLong).sum(0), at::kLong);
      append(out.robust, survived.to(torch::kLong).sum(0), at::kLong);
      append(out.robust_first, survived.narrow(0, 0, record.trials / 2).to(torch::kLong).sum(0),
             at::kLong);
      append(out.predicted, robust.predicted, at::kLong);
      append(out.margin, robust.margin, at::kDouble);
      append(out.clean_margin, clean.margin, at::kDouble);
      confidence.push_back(robust.confidence.cpu());
      if (!shares_draws()) continue;
      evaluation::add_by_trial(out.clean_by_trial, clean.right);
      evaluation::add_by_trial(out.robust_by_trial, robust.right);
    }
    if (!confidence.empty()) out.confidence = torch::cat(confidence).to(torch::kDouble);
    return out;
  }

  void add(const std::string& about, const results::Outcome& o, const std::string& what) {
    findings_.add(about, fmt::format("sample {}: {}", o.index, what));
  }

  void compare_answers(const std::string& about, const results::CellRecord& record,
                       const Answers& found, bool same) {
    Flips clean, robust;
    for (size_t i = 0; i < record.outcomes.size(); ++i) {
      const results::Outcome& o = record.outcomes[i];
      if (!margins_agree(o.margin, found.margin[i]))
        add(about, o,
            fmt::format("the table has margin {:.6g}, the model gives {:.6g}", o.margin,
                        found.margin[i]));
      // What is as good as equal may fall either way on another build.
      const auto tie = [&](double margin) {
        return std::abs(margin) <= (same ? results::kTie : tolerance(margin));
      };
      if (tie(found.clean_margin[i]))
        clean.add(o.clean_right, found.clean[i]);
      else if (o.clean_right != found.clean[i])
        add(about, o,
            fmt::format("the table has it {} without an attack, the model answers {}",
                        o.clean_right ? "right" : "wrong", found.clean[i] ? "right" : "wrong"));
      const bool class_agrees = o.predicted == found.predicted[i] ||
                                (!same && as_good(found.confidence[int64_t(i)], o.predicted));
      if (tie(found.clean_margin[i]) || tie(found.margin[i]))
        robust.add(o.robust_right, found.robust[i]);
      else if (o.robust_right != found.robust[i] || !class_agrees)
        add(about, o,
            fmt::format("the table has it {} under attack (class {}), the model's answer is {} "
                        "(class {})",
                        o.robust_right ? "right" : "wrong", o.predicted,
                        found.robust[i] ? "right" : "wrong", found.predicted[i]));
    }
    compare_flips(about, "without an attack", clean);
    compare_flips(about, "under attack", robust);
  }

  // Which of two wrong classes leads may change with the build; so may whether one is refused.
  static bool as_good(const Tensor& confidence, int64_t predicted) {
    if (predicted >= confidence.size(0)) return false;
    if (predicted < 0) return true;
    const double most = confidence.max().item<double>();
    return margins_agree(confidence[predicted].item<double>(), most);
  }

  // Answers that differ where margins are as good as 0.
  struct Flips {
    int64_t table = 0, here = 0;  // right in the table alone, and here alone
    void add(int64_t claimed, int64_t found) { table += claimed > found, here += claimed < found; }
  };

  // An attack stops just beyond the boundary, so that on another build more may be right; not
  // fewer.
  void compare_flips(const std::string& about, const char* when, const Flips& flips) {
    if (flips.table > flips.here &&
        binomial_p_value(flips.table, flips.table + flips.here) < level_)
      findings_.add(about, fmt::format("of answers {} with margins as good as 0, {} are right in "
                                       "the table and wrong here, {} the other way, which is more "
                                       "than chance",
                                       when, flips.table, flips.here));
  }

  void compare_draws(const std::string& about, const results::CellRecord& record,
                     const Answers& found) {
    for (size_t i = 0; i < record.outcomes.size(); ++i) {
      const results::Outcome& o = record.outcomes[i];
      if (o.clean_right != found.clean[i])
        add(about, o,
            fmt::format("the table has {} of {} right without an attack, the model "
                        "answers {} on the same draws",
                        o.clean_right, record.trials, found.clean[i]));
      if (o.robust_right != found.robust[i] || o.predicted != found.predicted[i])
        add(about, o,
            fmt::format("the table has {} of {} right under attack (class {}), the model "
                        "answers {} (class {}) on the same draws",
                        o.robust_right, record.trials, o.predicted, found.robust[i],
                        found.predicted[i]));
      if (o.robust_first && *o.robust_first != found.robust_first[i])
        add(about, o,
            fmt::format("the table has {} right in the first half of the trials, the model "
                        "answers {} on the same draws",
                        *o.robust_first, found.robust_first[i]));
      if (!margins_agree(o.margin, found.margin[i]))
        add(about, o,
            fmt::format("the table has margin {:.6g}, the model gives {:.6g} on the same "
                        "draw",
                        o.margin, found.margin[i]));
    }
    if (record.clean_by_trial != found.clean_by_trial ||
        record.robust_by_trial != found.robust_by_trial)
      findings_.add(about, "the right answers of its trials are not those on the same draws");
  }

  bool shares_draws() const { return model_.stochastic() && model_.shared_noise(); }

  // Too few trials of draws that images share show too little of what these do.
  bool tells_by_chance(int64_t trials) const { return !shares_draws() || trials >= kFewestShared; }

  void compare_by_chance(const std::string& about, const results::CellRecord& record,
                         const Answers& found) {
    checked_.conclusive &= tells_by_chance(record.trials);
    Counts clean{{}, record.trials, record.clean_by_trial},
        robust{{}, record.trials, record.robust_by_trial};
    std::vector<int64_t> first;
    for (size_t i = 0; i < record.outcomes.size(); ++i) {
      const results::Outcome& o = record.outcomes[i];
      clean.by_image.push_back(o.clean_right), robust.by_image.push_back(o.robust_right);
      if (o.robust_first) first.push_back(*o.robust_first);
      const auto test = [&](const char* when, int64_t claimed, int64_t own) {
        if (fisher_p_value(claimed, record.trials, own, record.trials) >=
            level_ / double(record.outcomes.size()))
          return;
        add(about, o,
            fmt::format("the table has {} of {} right {}, the model answers {}, which is "
                        "more than chance",
                        claimed, record.trials, when, own));
      };
      test("without an attack", o.clean_right, found.clean[i]);
      test("under attack", o.robust_right, found.robust[i]);
    }
    if (!shares_draws() && first.size() == record.outcomes.size() &&
        halves_p_value(robust, first) < level_)
      findings_.add(about, "its right answers lie in one half of the trials by more than chance");
    if (!tells_by_chance(record.trials)) return;
    compare_counts(about, "clean", clean, {found.clean, record.trials, found.clean_by_trial});
    compare_counts(about, "robust", robust, {found.robust, record.trials, found.robust_by_trial});
  }

  void compare_counts(const std::string& about, const std::string& which, const Counts& claimed,
                      const Counts& found) {
    if (accuracy_p_value(claimed, found) < level_)
      findings_.add(about,
                    "its " + which + " accuracy differs from the model's by more than chance");
    if (spread_p_value(claimed, found) < level_)
      findings_.add(about, "its " + which +
                               " accuracies of trials spread otherwise than the model's, by more "
                               "than chance");
  }

  const BundleFile& bundle_;
  const boards::BoardEntry& entry_;
  const suite::Suite& suite_;
  const suite::DefenseSpec& defense_;
  const data::Dataset& data_;
  evaluation::Laboratory& lab_;
  const double level_;
  Findings& findings_;
  evaluation::DefendedModel& model_;
  const json environment_;
  ModelChecked checked_;
};
}  // namespace

std::string weights_problem(const boards::BoardEntry& entry, const registry::Registry& registry) {
  const std::vector<std::string> ids = registry.model_ids();
  if (std::find(ids.begin(), ids.end(), entry.model) == ids.end()) return "";
  const registry::ModelEntry model = registry.model(entry.model);
  if (model.sha256 != entry.weights_sha256)
    return "the registry's model '" + entry.model + "' has weights with SHA-256 " + model.sha256 +
           ", the entry was made with " + entry.weights_sha256;
  const json learned = json::parse(entry.parameters).value("learned_sha256", json());
  if (!learned.is_null() && learned != json(model.learned.sha256))
    return "what was trained beside the network of the registry's model '" + entry.model +
           "' has SHA-256 " + json(model.learned.sha256).dump() + ", the entry was made with " +
           learned.dump();
  if (!std::filesystem::is_regular_file(model.weights)) return "";
  if (const std::string found = sha256_of_file(model.weights); found != entry.weights_sha256)
    return model.weights.filename().string() + " of model '" + entry.model + "' has SHA-256 " +
           found + ", the entry was made with " + entry.weights_sha256;
  return "";
}

ModelChecked check_model(const BundleFile& bundle, const boards::BoardEntry& entry,
                         const suite::Suite& suite, const data::Dataset& data,
                         evaluation::Laboratory& laboratory, double level, Findings& findings) {
  return ModelEntryCheck(bundle, entry, suite, data, laboratory, level, findings).all();
}

}  // namespace gauntlet::bundle
