#include "evaluation/kept_tensors.h"

namespace gauntlet::evaluation {
namespace {
// Bit for bit, so that NaN equals itself.
bool same_bytes(const Tensor& a, const Tensor& b) {
  if (a.sizes() != b.sizes() || a.scalar_type() != b.scalar_type()) return false;
  if (!a.device().is_cpu()) return a.equal(b);
  const Tensor left = a.contiguous(), right = b.contiguous();
  return std::memcmp(left.const_data_ptr(), right.const_data_ptr(), left.nbytes()) == 0;
}
}  // namespace

KeptTensors::KeptTensors(const models::Network& network) {
  for (const models::NamedTensor& named : network.tensors()) add(named.name, named.tensor);
}

void KeptTensors::add(const std::string& name, const Tensor& tensor) {
  all_.push_back({name, tensor.detach(), tensor.detach().clone()});
}

std::string KeptTensors::put_back() {
  const at::NoGradGuard no_graph;
  std::string first;
  for (One& one : all_) {
    if (same_bytes(one.tensor, one.copy)) continue;
    if (first.empty()) first = one.name;
    one.tensor.copy_(one.copy);
  }
  return first;
}

}  // namespace gauntlet::evaluation
