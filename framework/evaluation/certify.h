// Certifying a defense, and holding its certificates against what attacks found.
#pragma once
#include <atomic>
#include <functional>
#include <optional>

#include "evaluation/interrupted.h"
#include "evaluation/laboratory.h"

namespace gauntlet::evaluation {

struct CertifyJob {
  const suite::DefenseSpec& defense;
  int64_t seed = 0;
  const data::Dataset& data;
  std::vector<int64_t> indices;  ///< samples of this shard
  const std::atomic<bool>* stop = nullptr;
};

/// A record without identity and names. Never throws for the certifier's own failure: that is its
/// status. Throws Interrupted.
results::Certification certify(const CertifyJob& job, Laboratory& laboratory);

/// What the model's certifier says of [N, C, H, W]; adds the network's passes to `forwards`. Throws
/// what the plugin throws, InvalidResult for what cannot be a certificate, and Interrupted.
Certificate certificates(DefendedModel& model, const Tensor& x, const Noise& noise,
                         int64_t& forwards, const std::atomic<bool>* stop = nullptr);

/// A finding where a cell's adversarial inputs [N, C, H, W] lie inside their sample's certified
/// radius and are yet answered otherwise, further draws of the vote confirming it; nullopt where
/// none does. `cell` has its outcomes.
std::optional<results::Finding> contradiction(DefendedModel& model, const data::Dataset& data,
                                              at::Device device,
                                              const results::Certification& certified,
                                              const results::CellRecord& cell, const Tensor& x_adv);

}  // namespace gauntlet::evaluation
