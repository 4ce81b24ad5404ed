// The Target that attacks are given: counts, limits, tracks, confirms, compacts, averages.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "evaluation/defended_model.h"
#include "evaluation/rules.h"

namespace gauntlet::evaluation {

class HostTarget final : public Target {
 public:
  /// `granted`: what this attack may ask for. `minimal_norm`: hits do not retire a sample; the
  /// smallest is kept. `confidence`: as in AttackFacts.
  HostTarget(DefendedModel& model, const Task& task, const CraftBatch& batch,
             const CraftRules& rules, Access granted, bool minimal_norm, double confidence = 0);

  TargetFacts facts() const override;
  int64_t mc_samples() const override;
  Tensor decisions(const Tensor& x, const Query& query) override;
  Outputs scores(const Tensor& x, const Query& query) override;
  Tensor losses(const Tensor& x, const Loss& loss, const Query& query) override;
  std::vector<Gradient> gradients(const Tensor& x, const std::vector<Loss>& losses,
                                  const Query& query) override;
  void propose(const Tensor& x) override;
  Tensor active() const override { return (retired_ | spent_ | aside_).logical_not(); }
  Tensor budget_left() const override;

  /// The answer of a finished run: confirmed hits, what stopped samples proposed, else `returned`
  /// (undefined: the attack was stopped).
  Tensor settle(const Tensor& returned) const;
  /// Stops attacking these samples; [N] bool.
  void retire(const Tensor& samples) { retired_ = retired_ | samples; }
  /// Samples whose answer is the attack's own: neither hit nor stopped; [N] bool.
  Tensor open() const { return active() & best_norm_.isinf(); }
  /// Samples with a confirmed hit; [N] bool.
  Tensor hit() const { return best_norm_.isfinite(); }
  const Tensor& queries() const { return requested_; }
  /// Which active samples had uninformative queries; [N] bool each.
  struct Told {
    Tensor all_zero;  ///< gradients were asked for, and every one was exactly 0
    /// Some loss was exactly 0 short of the decision boundary, or some gradient where the goal was
    /// not reached.
    Tensor nothing;
    Tensor only_nothing;  ///< true if this holds for every query of the sample
    Tensor not_finite;    ///< some loss or gradient was not
    Tensor bounds;        ///< no pixel on a bound of the box had a gradient, most others had one
  };
  Told told() const;
  /// Attacks these samples again, and no others: gradients are asked for a hair inside the box, and
  /// told() begins anew.
  void retry(const Tensor& samples);
  results::Ledger ledger() const;
  int64_t refuted() const { return refuted_; }
  bool asked() const { return asked_; }
  /// Whether images of a batch that share draws were asked about at different times: which draws
  /// each is shown then depends on the others.
  bool uneven() const { return uneven_; }

  /// Whether a query showed what is not in single draws: M, a decision, a mean of ballots.
  bool saw_vote() const { return saw_vote_; }
  /// Leaves these out of the next run, and no others; [N] bool.
  void set_aside(const Tensor& samples) { aside_ = samples; }
  Progress progress() const { return {taken_, requested_, pulled_, notes_, calls_, noted_}; }
  /// Goes on from there with these samples, [N] bool; the others stay as they are.
  void resume(const Progress& from, const Tensor& samples);

 private:
  struct Pass {   // a query after the host's rules: what is computed of it
    bool whole;   // row i is sample i
    Rows all;     // its R rows
    Tensor keep;  // [r] which of them are computed; undefined: all, in order
    Rows rows;    // those
    Tensor x;
    Noise noise;
    int64_t draws;
    Average average;
    std::vector<std::string> features = {};  // of single draws
  };
  struct Chunk {  // rows [from, from + count) of a pass, `draws` times
    Tensor leaf;
    Outputs outputs;
    Rows rows;
    int64_t from, count, draws;
  };
  class Sum;  // over draws, per row
  // Columns of notes_: counts of uninformative queries per sample, by kind.
  enum Note { kAsked, kGradients, kZero, kNothing, kNotFinite, kBounds, kNotes };

  Pass enter(Access least, const Tensor& x, const Query& query, int64_t draws, int64_t losses);
  void charge(const Pass& pass, int64_t draws, int64_t losses);
  static void check_features(const Query& query, bool of_draws, const char* why);
  Noise noise_of(const Pass& pass, const Query& query);
  int64_t draws_of(const Query& query) const;
  void each(const Pass& pass, bool graph, const std::function<void(const Chunk&)>& body);
  Tensor packed_mean(const Pass& pass, Average average);
  void differentiate(const Pass& pass, const std::vector<Loss>& losses,
                     const std::vector<Tensor>& pull, std::vector<Sum>& slopes,
                     std::vector<Sum>& values, Sum* logits);
  Tensor packed(const Outputs& outputs, Average average) const;
  Outputs unpacked(const Tensor& packed, Average average) const;
  Outputs finish(const Pass& pass, const Outputs& outputs, const Tensor& gap,
                 const Tensor& unanswered = {});
  static Tensor spread(const Pass& pass, const Tensor& computed);
  void note(const Pass& pass, const Tensor& loss, const Tensor& slope, const Tensor& gap);
  Tensor masked_at_bounds(const Pass& pass, const Tensor& slope) const;
  Tensor asked_at(const Tensor& x) const;
  void remember(const Pass& pass, const Outputs& outputs);
  void track(const Pass& pass, const Outputs& outputs, const Tensor& gap, const Tensor& unanswered);
  void confirm(const Pass& pass, const Tensor& hits, const Tensor& sure);

  DefendedModel& model_;
  const Task& task_;
  const CraftRules rules_;
  const Access granted_;
  const bool minimal_norm_, tracks_, budgeted_;
  const double confidence_;
  const Tensor index_;
  Noise noise_;
  // Per sample, [N, ...].
  Tensor taken_, requested_, pulled_, retired_, spent_, aside_, best_, best_norm_, doubtful_, last_,
      proposal_, notes_;
  Outputs memory_;
  results::Ledger ledger_;
  int64_t calls_ = 0, refuted_ = 0, noted_ = 0;
  bool asked_ = false, inwards_ = false, uneven_ = false;
  mutable bool saw_vote_ = false;
};

}  // namespace gauntlet::evaluation
