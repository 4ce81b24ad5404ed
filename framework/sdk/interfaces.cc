// Key functions: one vtable and one type_info each, in libgauntlet.
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "gauntlet/defense.h"

namespace gauntlet {

Interface::~Interface() = default;
AccessError::~AccessError() = default;

// What lends none, a plugin's own test for one, need not say so.
Batch Host::samples(int64_t) { throw std::logic_error("no training images are lent here"); }
Batch Fitting::data(int64_t) { throw std::logic_error("no more training images are lent here"); }

Tensor per_image(const Tensor& per_row) { return per_row.view({-1, 1, 1, 1}); }

Gradient Target::gradient_through(const Tensor& z, const std::function<Tensor(const Tensor&)>& map,
                                  const Loss& loss, const Query& query) {
  const at::AutoGradMode with_graph(true);
  const Tensor leaf = z.detach().requires_grad_(true), x = map(leaf);
  Gradient g = gradient(x.detach(), loss, query);
  g.x = torch::autograd::grad({x}, {leaf}, {g.x})[0];
  return g;
}

Rows Task::rows(const Tensor& sample) const {
  const Tensor s = sample.defined() ? sample : torch::arange(x.size(0), y.options());
  return {s, y.index_select(0, s), target.defined() ? target.index_select(0, s) : Tensor{}};
}
Tensor Task::copies(int64_t n) const {
  return torch::arange(x.size(0), y.options()).repeat_interleave(n);
}
std::string Attack::no_form_for(const ThreatModel& threat, const TargetFacts& target,
                                Goal goal) const {
  const std::vector<Norm> norms = facts().norms;
  if (std::find(norms.begin(), norms.end(), threat.norm) != norms.end())
    return unsupported(threat, target, goal);
  std::string known;
  for (const Norm norm : norms) known += (known.empty() ? "" : ", ") + name_of(norm);
  return "it has no form for the threat " + name_of(threat.norm) + ", only for " + known;
}

Tensor Task::full(double value) const { return torch::full({x.size(0)}, value, x.options()); }

}  // namespace gauntlet
