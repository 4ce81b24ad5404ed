// Images of a training split, for what is fitted and for attackers who know some.
#pragma once
#include <optional>
#include <string>

#include "data/dataset.h"
#include "registry/registry.h"

namespace gauntlet::evaluation {

class TrainingImages {
 public:
  /// Of a data set with a split "train", or else of the one that it is a subset of. Reads nothing
  /// yet.
  TrainingImages(const registry::Registry& registry, registry::DatasetEntry entry);
  /// Of images at hand.
  explicit TrainingImages(data::Dataset data);

  /// Why there are none, one sentence; empty: there are. Looks for the files, and reads none.
  std::string problem() const;
  const registry::DatasetEntry& entry() const { return entry_; }
  /// Null where there is none.
  const registry::DatasetEntry::Split* split() const { return entry_.find_split("train"); }
  /// Images of the split. Where problem() says one, this and what follows may throw BadInput.
  int64_t size();
  /// Of the files' contents, as they were read.
  std::string sha256();

  /// The last n, in their order.
  Batch last(int64_t n, at::Device device);
  /// The first n of an order that is drawn once and for all; all of them if there are fewer. The
  /// data set is let go, and these are kept.
  Batch some(int64_t n, at::Device device);

 private:
  const data::Dataset& data();
  Batch batch(const Tensor& index, at::Device device);

  const registry::Registry* registry_ = nullptr;
  registry::DatasetEntry entry_;
  std::optional<data::Dataset> data_;
  std::string sha256_;  // also once the data set is let go
  Batch some_;
};

}  // namespace gauntlet::evaluation
