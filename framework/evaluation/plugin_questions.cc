// What a defended model asks of its plugins one by one, and what it takes for an answer.
#include "evaluation/defended_model.h"
#include "evaluation/loss_call.h"
#include "evaluation/plugin_call.h"

namespace gauntlet::evaluation {

std::string DefendedModel::name_of(const Interface* ability) const {
  for (const Wrapper& wrapper : stack_)
    if (dynamic_cast<const void*>(wrapper.defense.get()) == dynamic_cast<const void*>(ability))
      return "'" + wrapper.name + "'";
  return "the defense";
}

// What a vote says of itself, asked once.
void DefendedModel::ask_vote() {
  if (!votes_) return;
  const std::string who = name_of(votes_);
  mc_samples_ = call_plugin(who, "mc_samples", {}, [&] { return votes_->mc_samples(); });
  constexpr int64_t kMost = kStepUnit / kDrawUnit - 1;
  if (mc_samples_ < 1 || mc_samples_ > kMost)
    throw InvalidResult(who + ": mc_samples() is " + std::to_string(mc_samples_) +
                        ", expected 1 to " + std::to_string(kMost));
  const double lead = call_plugin(who, "lead", {}, [&] { return votes_->lead(); });
  if (!(lead > 0))
    throw InvalidResult(who + ": lead() is " + std::to_string(lead) + ", expected more than 0");
  const auto average = int(call_plugin(who, "surrogate", {}, [&] { return votes_->surrogate(); }));
  if (average < int(Average::kLoss) || average > int(Average::kBallot))
    throw InvalidResult(who + ": surrogate() is none of the averages");
}

Tensor DefendedModel::score(const Tensor& x, const Outputs& out) {
  const std::string who = name_of(refuses_);
  Lent lent("the inputs", x);
  lent.add(out);
  for (const Wrapper& wrapper : stack_)
    if (dynamic_cast<const Refuses*>(wrapper.defense.get()) == refuses_) lent.add(*wrapper.defense);
  const Tensor given =
      call_plugin(who, "score", lent, [&] { return refuses_->score(x, out, *this); });
  // Of any precision: its sign is what counts.
  const bool floating = given.defined() && given.is_floating_point();
  const at::ScalarType type = out.logits.scalar_type();
  require_result(who, "score", given, {{x.size(0)}, floating ? given.scalar_type() : type});
  return given.to(type);
}

Tensor DefendedModel::penalty() const {
  Tensor sum;
  for (PerturbsLayers* plugin : perturbs_)
    for (const Layer& layer : network_->layers())
      if (const Tensor one = plugin->penalty(layer); one.defined())
        sum = sum.defined() ? sum + one : one;
  return sum;
}

double DefendedModel::alpha() const {
  return call_plugin(name_of(certifies_), "alpha", {}, [&] { return certifies_->alpha(); });
}

Certificate DefendedModel::certificate(const Tensor& x, View& view, Noise& noise) {
  Lent lent("the inputs", x);
  lent.add(noise);
  return call_plugin(name_of(certifies_), "certify", lent,
                     [&] { return certifies_->certify(x, view, noise); });
}

Loss DefendedModel::adaptive_loss(Goal goal, const std::shared_ptr<View>& view) {
  const std::string who = name_of(suggests_);
  const bool reads = dynamic_cast<const ReadsFeatures*>(suggests_) != nullptr;
  const Loss given =
      call_plugin(who, "adaptive_loss", {}, [&] { return suggests_->adaptive_loss(goal, *view); });
  if (!given) throw InvalidResult(who + ": adaptive_loss() gave no function");
  return [who, reads, view, loss = given](const Outputs& out, const Rows& rows) {
    if (reads && out.heads.empty())
      throw InvalidResult(who +
                          ": the loss that it suggests reads values inside the network, which are "
                          "of single draws: give the attack average = \"loss\"");
    return loss_of(loss, out, rows, who);
  };
}

}  // namespace gauntlet::evaluation
