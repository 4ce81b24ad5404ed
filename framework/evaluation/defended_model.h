// A network, the plugins in its layers, and the wrappers around it: what an attack is aimed at and
// what the judge asks.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "evaluation/draw_memory.h"
#include "evaluation/guarded_layers.h"
#include "evaluation/streams.h"
#include "gauntlet/defense.h"
#include "models/network.h"
#include "results/fitted_states.h"

namespace gauntlet::evaluation {

/// [R] bool: rows of one draw that say nothing.
Tensor faulty_rows(const Outputs& one_draw);

class DefendedModel final : public View {
 public:
  /// A wrapper of the stack and the name suites know it by.
  struct Wrapper {
    std::string name;
    std::shared_ptr<Defense> defense;
  };
  /// Layer plugins have declared their tensors already (Network::declare). `stack` is ordered
  /// innermost first. `layer_names`: of the layer plugins, for messages. Throws BadInput for a
  /// stack that has no meaning: two voters, two detectors, a plugin that only trains or belongs
  /// into layers; InvalidResult for what a plugin says of itself and cannot be.
  DefendedModel(std::shared_ptr<models::Network> network,
                std::vector<std::shared_ptr<Defense>> layer_plugins, std::vector<Wrapper> stack,
                const std::vector<std::string>& layer_names = {});

  /// Finds the kinds of noise by repeated forwards of x, [n >= 2, C, H, W]. Before it the worst is
  /// assumed.
  void probe(const Tensor& x);
  /// Why what probe() found may not hold any more: it is asked the same again and answers
  /// otherwise; empty: it does not, or it was not probed.
  std::string changed_since_probing();
  bool stochastic() const { return stochastic_; }
  bool shared_noise() const { return shared_noise_; }  ///< one draw for all rows of a forward
  bool couples_rows() const { return couples_rows_; }  ///< a row's result depends on the others
  /// Uses a random generator that the host does not control: passes cannot be repeated.
  bool own_randomness() const { return own_randomness_; }
  bool surrogate() const { return surrogate_; }  ///< gradients are of a stand-in
  Votes* votes() const { return votes_; }
  Refuses* refuses() const { return refuses_; }
  Certifies* certifies() const { return certifies_; }
  SuggestsLoss* suggests() const { return suggests_; }
  models::Network& network() const { return *network_; }
  int64_t classes() const { return network_->spec().classes; }
  /// Passes of the base model behind one decision: M of a vote, else 1.
  int64_t mc_samples() const { return mc_samples_; }
  /// [R, K]: one ballot of the voting wrapper. Throws InvalidResult for a malformed ballot.
  Tensor ballot(const Outputs& one_draw) const;
  /// The certifier's answer, through call_plugin().
  double alpha() const;
  Certificate certificate(const Tensor& x, View& view, Noise& noise);
  /// What the defense suggests, on outputs and rows that it must leave as they are. It may ask
  /// `view`, which the loss keeps.
  Loss adaptive_loss(Goal goal, const std::shared_ptr<View>& view);
  /// Rows one forward with gradients may hold at a time.
  int64_t memory_rows() const { return memory_rows_; }

  /// What layer plugins add to losses of training, a number; undefined: nothing.
  Tensor penalty() const;

  /// States of wrappers, by their place in the stack.
  using Fitted = std::map<size_t, results::FittedState>;
  /// Fits every wrapper that learns from training data (Fits), innermost first. One whose state is
  /// known from an earlier fit takes that up, if it can. Returns copies of the states of the
  /// others.
  Fitted fit(Fitting& fitting, const Fitted& known = {});
  bool fits() const;
  /// Fitted values by wrapper name; empty before fit().
  std::vector<std::pair<std::string, std::map<std::string, Tensor>>> fitted() const;

  /// Tensors that wrappers have of their own (Learns), by wrapper name.
  std::vector<std::pair<std::string, std::map<std::string, Tensor>>> learned() const;

  /// One draw for R rows; noise.key.id has R entries. Differentiable in x where autograd is on.
  /// Heads are `features` and what wrappers read (ReadsFeatures).
  Outputs pass(const Tensor& x, const Noise& noise, models::Mode mode,
               const std::vector<std::string>& features = {});
  /// Why a certificate does not hold for the whole defense; empty: it holds.
  std::string certificate_problem() const;

  /// The network alone, without wrappers and with the noise in its layers off: [R, K].
  Tensor bare_logits(const Tensor& x);

  struct Decision {
    Tensor answer;      ///< [R] class, kRefused or kNoAnswer
    Tensor confidence;  ///< [R, K] mean ballot of the draws taken, or logits where nothing votes
    Tensor faulty;      ///< [R] bool: logits or a detector's score of some draw were not finite
    int64_t forwards;   ///< rows forwarded: a row takes part until nothing can change its answer
    /// [R] of the detector, where one stands, else undefined: above 0 refused. Of a vote, the share
    /// of draws that refuse, less one half. What is not a number refuses, and is infinite.
    Tensor score = {};
  };
  static constexpr int64_t kRefused = -1;
  /// What comes out is not finite: an error of the defense, and never right. Where a vote draws,
  /// such a draw is a ballot for it, as heavy as any can be, and for no class.
  static constexpr int64_t kNoAnswer = -2;
  /// The answer of the whole defense in float32, unfolded: what the judge uses. `memory`: draws
  /// that are known are counted but not computed again, the others are kept there; null: all are
  /// computed.
  Decision decide(const Tensor& x, const Noise& noise, models::Mode mode = models::Mode::kEvaluate,
                  DrawMemory* memory = nullptr);
  /// Whether a vote takes draws of which all that it sees are logits that depend on image and noise
  /// alone: other votes may count the same ones.
  bool shares_draws() const;
  /// [R, K] sum of the ballots of draws 0, 1, … of this noise, for inputs of the vote. `before` is
  /// told the rows of each forward.
  Tensor ballots(const Tensor& x, const Noise& noise, int64_t draws,
                 const std::function<void(int64_t)>& before = {});

  // View, lent to detectors during a pass and to what fits.
  Outputs pass(const Tensor& x, const std::vector<std::string>& features = {}) override;
  Tensor ballots(const Tensor& x, int64_t draws) override;

 private:
  static bool couples(const Tensor& x, const Noise& noise, const Tensor& first,
                      const std::function<Tensor(const Tensor&, const Noise&)>& logits);
  Tensor transformed(Tensor x, const Noise& noise, size_t from, size_t to);
  Outputs inner_pass(const Tensor& x, const Noise& noise, models::Mode mode,
                     const std::vector<std::string>& features = {});
  void ask_features(const Wrapper& wrapper);
  void fit(const Wrapper& wrapper, Fits& fits, Fitting& fitting);
  std::vector<std::string> with_features(const std::vector<std::string>& features) const;
  Decision vote(const Tensor& input, const Noise& noise, models::Mode mode, DrawMemory* memory);
  Outputs drawn(const Tensor& x, const Noise& noise, const Tensor& rows, int64_t first,
                int64_t group, models::Mode mode, DrawMemory::Vote* known);
  Decision single(const Tensor& x, const Noise& noise, models::Mode mode);
  int64_t draws_at_once(int64_t rows, int64_t left) const;
  Tensor ballot_of(const Outputs& one_draw, const Tensor& faulty) const;
  Tensor summed(const Tensor& x, const Noise& noise, int64_t draws, size_t wrappers,
                const std::function<void(int64_t)>& before);
  void lend(const Noise& noise, models::Mode mode, size_t wrappers);
  void ask_vote();
  std::string name_of(const Interface* ability) const;
  Tensor probing_answer(const Tensor& x, const Noise& noise);
  Tensor score(const Tensor& x, const Outputs& out);

  std::shared_ptr<models::Network> network_;
  std::vector<std::shared_ptr<Defense>> layer_plugins_;
  std::vector<Wrapper> stack_;
  std::vector<std::unique_ptr<GuardedLayers>> guards_;
  std::vector<PerturbsLayers*> perturbs_;
  Votes* votes_ = nullptr;
  Refuses* refuses_ = nullptr;
  SuggestsLoss* suggests_ = nullptr;
  Certifies* certifies_ = nullptr;
  std::vector<std::string> features_;  // that wrappers read
  size_t inner_ = 0;  // wrappers [0, inner_) take part in every draw of a vote, the rest before it
  bool stochastic_ = true, shared_noise_ = true, couples_rows_ = false, surrogate_ = false,
       own_randomness_ = false;
  int64_t memory_rows_ = 256, mc_samples_ = 1;
  Tensor probed_x_, probed_;  // inputs and answers of probe(); undefined: not probed
  Noise view_noise_;          // of the pass that lends the View
  models::Mode view_mode_ = models::Mode::kEvaluate;
  size_t view_wrappers_ = 0;  // [0, view_wrappers_) stand between the View's x and the network
  uint64_t view_uses_ = 0;    // of view_noise_, so that each is fresh
};

}  // namespace gauntlet::evaluation
