// What a row is probed with.
#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "suite/suite.h"

namespace gauntlet::audit {

/// One row under one threat, on some 200 images.
struct ProbeJob {
  const suite::DefenseSpec& defense;
  const suite::ThreatSpec& threat;
  const std::vector<suite::AttackSpec>& attacks;  ///< of the suite: the strongest is run longer
  std::map<std::string, double> left;             ///< robust accuracy by their names, where known
  const data::Dataset& data;
  std::vector<int64_t> indices;  ///< samples of the data set
  int64_t seed = 0;
  const std::atomic<bool>* stop = nullptr;
  /// Groups of questions, from when their number is known.
  std::function<void(int64_t done, int64_t of)> progress = {};
};

}  // namespace gauntlet::audit
