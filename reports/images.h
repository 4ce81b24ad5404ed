// What attacks did to each image of a run, over evaluation seeds.
#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "reports/summary.h"
#include "results/run_records.h"

namespace gauntlet::reports {

/// Shares of right answers, one an image of RunImages; mean over trials and seeds. NaN where an
/// image was not among the samples.
struct ImageRates {
  std::vector<float> clean, robust;
  bool empty() const { return robust.empty(); }
};

class RunImages {
 public:
  /// Reads the outcomes of every cell with a result, one after another.
  RunImages(const Summary& summary, const results::OutcomesOf& outcomes);

  size_t size() const { return labels_.size(); }
  int64_t label(size_t image) const { return labels_[image]; }
  /// In the data set's split.
  int64_t index(size_t image) const { return indices_[image]; }
  /// One a class: its name where the run says it, else its number.
  const std::vector<std::string>& classes() const { return classes_; }

  /// Empty where the group has no result under every seed.
  const ImageRates& of(const Group<results::CellRecord>& group) const;
  /// Of each image the lowest rate over the attacks with a result; empty where there is none.
  ImageRates worst(const std::string& defense, const results::Threat& threat) const;

 private:
  ImageRates read(const Group<results::CellRecord>& group, const results::OutcomesOf& outcomes);
  size_t place_of(const results::Outcome& outcome);

  const Summary& summary_;
  std::vector<int64_t> indices_, labels_;
  std::unordered_map<int64_t, size_t> places_;
  std::vector<std::string> classes_;
  std::vector<ImageRates> rates_;  // one a group of the summary
};

/// Mean over the images of each class; NaN where a class has none.
std::vector<double> by_class(const RunImages& images, const std::vector<float>& rates);

}  // namespace gauntlet::reports
