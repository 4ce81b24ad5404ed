#include "data/dataset.h"

#include "base/bad_input.h"

namespace gauntlet {

Tensor Dataset::x(const Tensor& index) const {
  return images.index_select(0, index).to(torch::kFloat).div_(255);
}

Dataset stratified_subset(const Dataset& data, int64_t per_class) {
  const int64_t classes = data.labels.max().item<int64_t>() + 1;
  std::vector<Tensor> chosen;
  for (int64_t c = 0; c < classes; ++c) {
    const Tensor members = (data.labels == c).nonzero().squeeze(1);
    if (members.size(0) < per_class)
      throw BadInput("class " + std::to_string(c) + " has " + std::to_string(members.size(0)) +
                     " samples, " + std::to_string(per_class) + " are wanted");
    chosen.push_back(members.narrow(0, 0, per_class));
  }
  const Tensor index = std::get<0>(torch::cat(chosen).sort());
  Dataset subset = data;
  subset.images = data.images.index_select(0, index);
  subset.labels = data.labels.index_select(0, index);
  subset.sha256.clear();
  return subset;
}

}  // namespace gauntlet
