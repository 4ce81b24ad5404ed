#include "evaluation/kept_fits.h"

#include "evaluation/identity.h"
#include "results/fitted_states.h"

namespace gauntlet::evaluation {
namespace {

class KeptFits final : public FitMemory {
 public:
  KeptFits(const Laboratory& laboratory, results::FittedStates states)
      : laboratory_(laboratory), states_(std::move(states)) {}

  DefendedModel::Fitted known(const ToFit& what) override {
    const FittingQuestion question = question_of(what);
    DefendedModel::Fitted out;
    for (size_t place = 0; place < what.stack.size(); ++place)
      if (auto state = states_.find(question.identity(place), laboratory_.device()))
        out[place] = std::move(*state);
    return out;
  }
  void keep(const ToFit& what, const DefendedModel::Fitted& states,
            const std::vector<Use>& attacks) override {
    const FittingQuestion question = question_of(what);
    for (const Use& attack : attacks)
      if (!question.names(attack)) return;
    for (const auto& [place, state] : states) states_.keep(question.identity(place), state);
  }

 private:
  FittingQuestion question_of(const ToFit& what) const {
    return {what.entry, what.stack, what.images, laboratory_};
  }

  const Laboratory& laboratory_;
  const results::FittedStates states_;
};
}  // namespace

void keep_fits(Laboratory& laboratory, const std::filesystem::path& folder,
               std::function<void(const std::string&)> remark) {
  laboratory.remember_fits(
      std::make_unique<KeptFits>(laboratory, results::FittedStates(folder, std::move(remark))));
}

}  // namespace gauntlet::evaluation
