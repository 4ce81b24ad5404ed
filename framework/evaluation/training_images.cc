#include "evaluation/training_images.h"

#include <algorithm>

#include "base/bad_input.h"
#include "evaluation/streams.h"

namespace gauntlet::evaluation {
namespace {

// A subset for tests has labels and classes of the whole, and its training images.
registry::DatasetEntry with_training(const registry::Registry& registry,
                                     registry::DatasetEntry entry) {
  if (entry.find_split("train") || entry.embedded_of.empty()) return entry;
  const std::vector<std::string> known = registry.dataset_ids();
  if (!std::binary_search(known.begin(), known.end(), entry.embedded_of)) return entry;
  registry::DatasetEntry whole = registry.dataset(entry.embedded_of);
  return whole.find_split("train") ? whole : entry;
}

// [n] int64: an order of so many images that has nothing to do with theirs.
Tensor drawn_order(int64_t n) {
  Noise noise = noise_for(0, Stream::kSamples, torch::arange(n));
  return at::argsort(noise.uniform({1}).view(-1), /*stable=*/true, /*dim=*/0);
}

Batch copy_of_first(const Batch& batch, int64_t n) {
  const auto first = [n](const Tensor& t) { return t.narrow(0, 0, n).clone(); };
  return {first(batch.x), first(batch.y), first(batch.sample)};
}
}  // namespace

TrainingImages::TrainingImages(const registry::Registry& registry, registry::DatasetEntry entry)
    : registry_(&registry), entry_(with_training(registry, std::move(entry))) {}

TrainingImages::TrainingImages(data::Dataset data) : data_(std::move(data)) {
  entry_.id = data_->id;
}

std::string TrainingImages::problem() const {
  if (data_) return "";
  if (!split()) return "data set '" + entry_.id + "' has no training split";
  for (const registry::DatasetEntry::DataFile& file : split()->files)
    if (!registry_->find(file))
      return "the training images of data set '" + entry_.id +
             "' are not here: " + file.path.string() + " is absent";
  return "";
}

int64_t TrainingImages::size() { return split() ? split()->samples : data().size(); }

const data::Dataset& TrainingImages::data() {
  if (!data_) data_ = registry_->load(entry_, "train");
  return *data_;
}

std::string TrainingImages::sha256() {
  if (sha256_.empty()) sha256_ = data().sha256;
  return sha256_;
}

Batch TrainingImages::batch(const Tensor& index, at::Device device) {
  return {data().x(index).to(device), data().y(index).to(device), index.to(device)};
}

Batch TrainingImages::last(int64_t n, at::Device device) {
  return batch(torch::arange(size() - n, size()), device);
}

Batch TrainingImages::some(int64_t n, at::Device device) {
  n = std::min(n, size());
  if (!some_.x.defined() || some_.x.size(0) < n) {
    some_ = batch(drawn_order(size()).narrow(0, 0, n), device);
    if (registry_) data_.reset();
  }
  return copy_of_first(some_, n);
}

}  // namespace gauntlet::evaluation
