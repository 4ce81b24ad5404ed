// What a laboratory asks before it fits, and tells afterwards.
#pragma once
#include <vector>

#include "evaluation/defended_model.h"
#include "evaluation/training_images.h"
#include "registry/entries.h"

namespace gauntlet::evaluation {

/// A model whose stack is fitted.
struct ToFit {
  const registry::ModelEntry& entry;
  const std::vector<Use>& stack;
  TrainingImages& images;
};

/// What wrappers were fitted to in other runs.
struct FitMemory {
  virtual ~FitMemory() = default;
  /// States from fits of the very same.
  virtual DefendedModel::Fitted known(const ToFit& what) = 0;
  /// `attacks`: those that the fits asked for.
  virtual void keep(const ToFit& what, const DefendedModel::Fitted& states,
                    const std::vector<Use>& attacks) = 0;
};

}  // namespace gauntlet::evaluation
