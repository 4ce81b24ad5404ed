#pragma once
#include <filesystem>
#include <vector>

#include "registry/entries.h"
#include "training/checkpoint.h"
#include "training/session.h"

namespace gauntlet::training {

struct TrainingResult {
  bool finished = false;  ///< false: stopped; `train` again with resume
  bool found = false;     ///< resuming, it was there already: nothing was done
  std::vector<EpochLog> log;
  int64_t selected_epoch = 0;            ///< whose weights were taken; 1 is the first
  double seconds = 0;                    ///< of all epochs, also those before a resume
  std::filesystem::path entry, weights;  ///< what train() wrote
  std::vector<registry::DeclaredAccuracy> accuracy;
  NamedTensors method_tensors;   ///< what the method trained beside the network, selected with it
  NamedTensors wrapper_tensors;  ///< of wrappers, "<plugin>.<name>", selected with the network
  bool averaged = false;         ///< the weights are the average that the recipe asks for
};

}  // namespace gauntlet::training
