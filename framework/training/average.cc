#include "training/average.h"

#include <algorithm>

namespace gauntlet::training {
namespace {
void put(models::Network& network, const std::vector<models::NamedTensor>& tensors,
         const std::map<std::string, Tensor>& values) {
  if (values.empty()) return;
  const at::NoGradGuard no_graph;
  for (const models::NamedTensor& named : tensors) named.tensor.copy_(values.at(named.name));
  network.weights_changed();
}
}  // namespace

void WeightAverage::update(const std::vector<models::NamedTensor>& tensors, double epoch,
                           bool epoch_ends) {
  using Type = AveragingSpec::Type;
  const bool swa = spec_.type == Type::kSwa;
  if (spec_.type == Type::kNone || epoch < spec_.from_epoch || (swa && !epoch_ends)) return;
  const at::NoGradGuard no_graph;
  ++count_;
  const double t = double(count_),
               fresh = swa ? 1 / t : 1 - std::min(spec_.decay, t / (9 + t));  // of the new weights
  for (const models::NamedTensor& named : tensors) {
    Tensor& value = values_[named.name];
    if (value.defined())
      value.lerp_(named.tensor, fresh);
    else
      value = named.tensor.detach().clone();
  }
}

std::map<std::string, Tensor> WeightAverage::state() const {
  if (!defined()) return {};
  std::map<std::string, Tensor> all;
  for (const auto& [name, value] : values_) all["values/" + name] = value;
  all["count"] = torch::full({1}, count_, torch::kLong);
  return all;
}

void WeightAverage::restore(const std::map<std::string, Tensor>& state) {
  for (const auto& [name, tensor] : state)
    if (name == "count")
      count_ = tensor.item<int64_t>();
    else
      values_[name.substr(std::string("values/").size())] = tensor.clone();
}

WeightAverage::InPlace::InPlace(const WeightAverage& average, models::Network& network,
                                const std::vector<models::NamedTensor>& beside)
    : network_(network), tensors_(network.tensors()) {
  if (!average.defined()) return;
  tensors_.insert(tensors_.end(), beside.begin(), beside.end());
  for (const models::NamedTensor& named : tensors_)
    own_[named.name] = named.tensor.detach().clone();
  put(network, tensors_, average.values_);
}

WeightAverage::InPlace::~InPlace() { put(network_, tensors_, own_); }

}  // namespace gauntlet::training
