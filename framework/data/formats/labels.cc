#include "data/formats/labels.h"

#include <limits>

#include "base/bad_input.h"

namespace gauntlet::data {

void check_labels(const Tensor& labels, int64_t classes, const std::string& file, int64_t first) {
  // Where nobody said how many classes there are, that is another's sentence.
  const int64_t last = classes > 0 ? first + classes - 1 : std::numeric_limits<int64_t>::max();
  if (labels.min().item<int64_t>() >= first && labels.max().item<int64_t>() <= last) return;
  const Tensor wrong = ((labels < first) | (labels > last)).nonzero();
  const int64_t at = wrong[0].item<int64_t>();
  const bool from_one = first == 0 && classes > 0 && labels.min().item<int64_t>() == 1 &&
                        labels.max().item<int64_t>() == classes;
  throw BadInput(file + ": the label of image " + std::to_string(at) + " is " +
                 std::to_string(labels[at].item<int64_t>()) + ", expected " +
                 std::to_string(first) +
                 (classes > 0 ? " to " + std::to_string(last) : std::string(" or above")) + " (" +
                 std::to_string(wrong.size(0)) + " such labels)" +
                 (from_one ? "; they begin at 1: subtract 1" : ""));
}

}  // namespace gauntlet::data
