#include "evaluation/loss_call.h"

#include "base/shape_text.h"
#include "evaluation/plugin_call.h"

namespace gauntlet::evaluation {

Tensor loss_of(const Loss& loss, const Outputs& outputs, const Rows& rows, const std::string& who) {
  const auto copy = [](const Tensor& t) { return t.defined() ? t.clone() : t; };
  const Rows lent_rows{copy(rows.sample), copy(rows.y), copy(rows.target)};
  Lent lent;
  lent.add(outputs);
  const Tensor value = loss(outputs, lent_rows);
  require_untouched(who, "loss", lent);
  if (!value.defined() || value.dim() != 1 || value.size(0) != rows.sample.size(0))
    throw InvalidResult(who + ": its loss gave " +
                        (value.defined() ? "shape " + shape_text(value.sizes()) : "no tensor") +
                        ", expected [" + std::to_string(rows.sample.size(0)) +
                        "], one number a row");
  return value;
}

}  // namespace gauntlet::evaluation
