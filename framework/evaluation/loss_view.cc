#include "evaluation/loss_view.h"

#include <stdexcept>

#include "base/shape_text.h"

namespace gauntlet::evaluation {

Noise LossView::noise_of(const Tensor& x) const {
  if (!x.defined() || x.dim() != 4)
    throw std::invalid_argument("View: a suggested loss asks about " +
                                (x.defined() ? shape_text(x.sizes()) : "no tensor") +
                                ", expected images [R, C, H, W]");
  return noise_for(seed_, Stream::kSuggested,
                   torch::arange(x.size(0), x.options().dtype(torch::kLong)));
}

Outputs LossView::pass(const Tensor& x, const std::vector<std::string>& features) {
  const Noise noise = noise_of(x);
  forwards_ += x.size(0);
  return model_.pass(x, noise, mode_, features);
}

Tensor LossView::ballots(const Tensor& x, int64_t draws) {
  return model_.ballots(x, further(noise_of(x), 1), draws,
                        [&](int64_t rows) { forwards_ += rows; });
}

}  // namespace gauntlet::evaluation
