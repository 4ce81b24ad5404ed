#include "ensemble.h"

#include <torch/csrc/autograd/autograd.h>

#include <cmath>

namespace gauntlet::transfer {
namespace {

// Keys of draws that both passes of a gradient see; the inner attack's own are smaller.
constexpr int64_t kOwnKeys = int64_t{1} << 21;

// Which rows of a query go together so that no sample is among them twice.
std::vector<Tensor> without_copies(const Tensor& rows) {
  const Tensor host = rows.cpu().contiguous();
  std::map<int64_t, size_t> seen;
  std::vector<std::vector<int64_t>> parts;
  for (int64_t i = 0; i < host.size(0); ++i) {
    const size_t copy = seen[host.const_data_ptr<int64_t>()[i]]++;
    if (copy == parts.size()) parts.emplace_back();
    parts[copy].push_back(i);
  }
  std::vector<Tensor> out;
  for (const auto& part : parts) out.push_back(torch::tensor(part, rows.options()));
  return out;
}

// The loss of one member whose gradient is its share of the joint one's: linear in its outputs.
// What it holds is per sample, for the host may leave rows out.
Loss linear_loss(const Tensor& logits_pull, const Tensor& reject_pull) {
  return [=](const Outputs& out, const Rows& rows) {
    const Tensor l = (out.logits * rows.of(logits_pull)).sum(1);
    return reject_pull.defined() ? l + out.reject * rows.of(reject_pull) : l;
  };
}

Tensor per_sample(const Tensor& per_row, const Tensor& sample, int64_t samples) {
  std::vector<int64_t> shape = per_row.sizes().vec();
  shape[0] = samples;
  return torch::zeros(shape, per_row.options()).index_copy_(0, sample, per_row);
}

// What the joint loss of these outputs is, and how it pulls on each of them.
struct Pulls {
  Tensor loss;                         // [R]
  std::vector<Tensor> logits, reject;  // by member, [N, ...]; reject may be undefined
};
Pulls pulls_of(const Loss& loss, const std::vector<Outputs>& shown,
               const std::function<Outputs(const std::vector<Outputs>&)>& joint, const Rows& rows,
               int64_t samples) {
  const at::AutoGradMode graph(true);
  std::vector<Outputs> leaves;
  std::vector<Tensor> inputs;
  const auto leaf = [&](const Tensor& t) {
    return t.defined() ? inputs.emplace_back(t.detach().requires_grad_(true)) : Tensor();
  };
  for (const Outputs& out : shown) {
    const Tensor logits = leaf(out.logits);
    leaves.push_back({logits, leaf(out.reject), {}});
  }
  const Tensor value = loss(joint(leaves), rows);
  std::vector<Tensor> grads(inputs.size());
  if (value.requires_grad())
    grads = torch::autograd::grad({value.sum()}, inputs, {}, false, false, /*allow_unused=*/true);
  Pulls pulls{value.detach(), {}, {}};
  size_t next = 0;
  const auto pull = [&](const Tensor& t) {
    if (!t.defined()) return Tensor();
    const Tensor& g = grads[next++];
    return per_sample(g.defined() ? g : torch::zeros_like(t), rows.sample, samples);
  };
  for (const Outputs& out : shown) {
    pulls.logits.push_back(pull(out.logits));
    pulls.reject.push_back(pull(out.reject));
  }
  return pulls;
}
}  // namespace

TargetFacts Ensemble::facts() const {
  TargetFacts all = members_.front()->facts();
  all.features.clear();  // members are asked for their scores
  for (const Target* member : members_) {
    const TargetFacts one = member->facts();
    all.stochastic |= one.stochastic;
    all.surrogate |= one.surrogate;
    all.refuses |= one.refuses;
  }
  return all;
}

int64_t Ensemble::mc_samples() const {
  int64_t most = 1;
  for (const Target* member : members_) most = std::max(most, member->mc_samples());
  return most;
}

Outputs Ensemble::joint(const std::vector<Outputs>& members) const {
  const bool of_logits = average_ == Average::kLogit;
  std::vector<Tensor> shares;
  Tensor reject;
  for (const Outputs& out : members) {
    shares.push_back(of_logits ? out.logits : out.logits.log_softmax(1));
    if (out.reject.defined())
      reject = reject.defined() ? torch::maximum(reject, out.reject) : out.reject;
  }
  const Tensor all = torch::stack(shares);
  if (of_logits) return {all.mean(0), reject, {}};
  // The logarithm of the mean probability, which small ones do not drop out of.
  return {all.logsumexp(0) - std::log(double(members.size())), reject, {}};
}

Tensor Ensemble::decisions(const Tensor& x, const Query& query) {
  std::vector<Outputs> shown;
  for (Target* member : members_) {
    Query all = query;  // each with all its votes
    all.draws = member->mc_samples();
    all.average = Average::kBallot;
    shown.push_back(member->scores(x, all));
  }
  const Outputs out = joint(shown);
  const Tensor answer = out.logits.argmax(1);
  return out.reject.defined() ? answer.masked_fill(out.reject > 0, -1) : answer;
}

Outputs Ensemble::scores(const Tensor& x, const Query& query) {
  std::vector<Outputs> shown;
  for (Target* member : members_) shown.push_back(member->scores(x, query));
  return joint(shown);
}

Tensor Ensemble::losses(const Tensor& x, const Loss& loss, const Query& query) {
  return loss(scores(x, query), task_.rows(query.rows));
}

std::vector<Gradient> Ensemble::gradients(const Tensor& x, const std::vector<Loss>& losses,
                                          const Query& query) {
  if (!query.rows.defined()) return one_row_a_sample(x, losses, query);
  std::vector<std::vector<Gradient>> parts;
  std::vector<Tensor> order = without_copies(query.rows);
  for (const Tensor& rows : order) {
    Query part = query;
    part.rows = query.rows.index_select(0, rows);
    parts.push_back(one_row_a_sample(x.index_select(0, rows), losses, part));
  }
  const Tensor back = torch::cat(order).argsort();
  std::vector<Gradient> out;
  for (size_t j = 0; j < losses.size(); ++j) {
    const auto whole = [&](const std::function<Tensor(const Gradient&)>& of) {
      std::vector<Tensor> values;
      for (const auto& part : parts) values.push_back(of(part[j]));
      return values.front().defined() ? torch::cat(values).index_select(0, back) : Tensor();
    };
    out.push_back({whole([](const Gradient& g) { return g.x; }),
                   whole([](const Gradient& g) { return g.loss; }),
                   {whole([](const Gradient& g) { return g.outputs.logits; }),
                    whole([](const Gradient& g) { return g.outputs.reject; }),
                    {}}});
  }
  return out;
}

std::vector<Gradient> Ensemble::one_row_a_sample(const Tensor& x, const std::vector<Loss>& losses,
                                                 Query query) {
  if (query.noise == Draw::kFresh) {
    query.noise = Draw::kFixed;
    query.key = kOwnKeys + calls_++;
  }
  std::vector<Outputs> shown;
  for (Target* member : members_) shown.push_back(member->scores(x, query));
  const Rows rows = task_.rows(query.rows);
  std::vector<Pulls> pulls;
  const auto together = [&](const std::vector<Outputs>& outputs) { return joint(outputs); };
  for (const Loss& loss : losses)
    pulls.push_back(pulls_of(loss, shown, together, rows, task_.x.size(0)));
  const Outputs all = joint(shown);
  std::vector<Gradient> out;
  for (const Pulls& one : pulls) out.push_back({torch::zeros_like(x), one.loss, all});
  for (size_t m = 0; m < members_.size(); ++m) {
    std::vector<Loss> mine;
    for (const Pulls& one : pulls) mine.push_back(linear_loss(one.logits[m], one.reject[m]));
    const std::vector<Gradient> share = members_[m]->gradients(x, mine, query);
    for (size_t j = 0; j < losses.size(); ++j) out[j].x = out[j].x + share[j].x;
  }
  return out;
}

}  // namespace gauntlet::transfer
