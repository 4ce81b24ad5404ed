// What kFolded keeps of the weights: batch norm in them, in the layout convolutions like best.
#include "models/host_network.h"

namespace gauntlet::models {
namespace {
Tensor fast_layout(const Tensor& weight) {
  return weight.dim() == 4 ? weight.contiguous(at::MemoryFormat::ChannelsLast)
                           : weight.contiguous();
}
}  // namespace

// The part of a batch norm that passes go through.
NormBranch HostNetwork::branch_of(const Node& norm) const {
  if (branch_ == 0) return {norm.weight, norm.bias, norm.mean, norm.variance};
  return norm.branches.at(size_t(branch_) - 1);
}

std::vector<Tensor> HostNetwork::sources(const Node& node) const {
  const NormBranch own = node.op == Node::Op::kBatchNorm
                             ? branch_of(node)
                             : NormBranch{node.weight, node.bias, node.mean, node.variance};
  std::vector<Tensor> all{own.weight, own.bias, own.mean, own.variance};
  if (node.batch_norm >= 0) {
    const NormBranch norm = branch_of(nodes_[size_t(node.batch_norm)]);
    all.insert(all.end(), {norm.weight, norm.bias, norm.mean, norm.variance});
  }
  return all;
}

const HostNetwork::Folded& HostNetwork::folded(const Node& node, Mode mode) {
  int64_t version = 0;
  for (const Tensor& tensor : sources(node))
    if (tensor.defined() && !tensor.is_inference()) version += tensor._version();
  Folded& kept = folded_[size_t(&node - nodes_.data())];
  if (kept.version != version || kept.half != halves(mode) || kept.branch != branch_) {
    const at::NoGradGuard no_graph;
    kept = {};
    kept.version = version, kept.half = halves(mode), kept.branch = branch_;
    fold(node, kept);
    for (Tensor* tensor : {&kept.weight, &kept.bias, &kept.raw_weight, &kept.raw_bias})
      if (kept.half && tensor->defined()) *tensor = tensor->to(torch::kBFloat16);
  }
  return kept;
}

void HostNetwork::fold(const Node& node, Folded& out) const {
  if (node.op == Node::Op::kNormalise) {
    out.multiplier = 1 / node.variance;
    out.shift = -node.mean / node.variance;
    return;
  }
  const bool layer = node.layer >= 0;
  if (layer) {
    out.weight = out.raw_weight = fast_layout(node.weight.detach());
    out.bias = out.raw_bias = node.bias.defined() ? node.bias.detach() : node.bias;
  }
  if (layer && node.batch_norm < 0) return;
  const Node& norm = layer ? nodes_[size_t(node.batch_norm)] : node;
  const NormBranch own = branch_of(norm);
  const Tensor scale = own.weight / (own.variance + norm.norm_options.eps).sqrt(),
               shift = own.bias - own.mean * scale;
  std::vector<int64_t> image(norm.shape.size(), 1);
  image[0] = -1;
  if (!layer) {
    out.multiplier = scale.view(image), out.shift = shift.view(image);
    return;
  }
  std::vector<int64_t> filters(size_t(node.weight.dim()), 1);
  filters[0] = -1;
  out.scale = scale.view(filters);
  out.weight = fast_layout(node.weight * out.scale);
  out.bias = node.bias.defined() ? node.bias * scale + shift : shift;
}

}  // namespace gauntlet::models
