#include "data/dataset.h"

#include "base/bad_input.h"
#include "data/read_ahead.h"

namespace gauntlet::data {

std::vector<int64_t> Dataset::image_shape() const {
  return source ? source->images().shape() : images.sizes().slice(1).vec();
}

Tensor Dataset::stored(const Tensor& index) const {
  return source ? source->read(index) : images.index_select(0, index);
}

Tensor Dataset::x(const Tensor& index) const {
  const Tensor images = stored(index);
  return images.scalar_type() == torch::kByte ? images.to(torch::kFloat).div_(255) : images;
}

void Dataset::prefetch(const Tensor& index) const {
  if (source) source->prefetch(index);
}

void decode_on_demand(Dataset& data, std::unique_ptr<ImageSource> source) {
  data.images = Tensor();
  data.source = std::make_shared<ReadAhead>(std::move(source));
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

}  // namespace gauntlet::data
