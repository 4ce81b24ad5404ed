// Running averages of a network's weights.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "models/network.h"
#include "training/recipe.h"

namespace gauntlet::training {

/// The average that AveragingSpec describes; without one nothing happens.
class WeightAverage {
 public:
  explicit WeightAverage(const AveragingSpec& spec) : spec_(spec) {}

  /// To be called after each step; `epoch`: 12.5 is half of the 13th; `epoch_ends`: no step follows
  /// in it.
  void update(const models::Network& network, double epoch, bool epoch_ends) {
    update(network.tensors(), epoch, epoch_ends);
  }
  void update(const std::vector<models::NamedTensor>& tensors, double epoch, bool epoch_ends);
  /// Whether anything has been averaged yet.
  bool defined() const { return count_ > 0; }
  /// Values by name, and "count": how many went in.
  std::map<std::string, Tensor> state() const;
  void restore(const std::map<std::string, Tensor>& state);

  /// While it lives the network has the averaged values; then its own again, bit for bit. So have
  /// the tensors `beside` it, which update() was given, too.
  class InPlace {
   public:
    InPlace(const WeightAverage& average, models::Network& network,
            const std::vector<models::NamedTensor>& beside = {});
    ~InPlace();
    InPlace(const InPlace&) = delete;
    InPlace& operator=(const InPlace&) = delete;

   private:
    models::Network& network_;
    std::vector<models::NamedTensor> tensors_;
    std::map<std::string, Tensor> own_;
  };

 private:
  const AveragingSpec spec_;
  std::map<std::string, Tensor> values_;
  int64_t count_ = 0;
};

}  // namespace gauntlet::training
