// A layer plugin as the network meets it: its hooks get the network's own tensors, so what they do
// with them is looked at.
#pragma once
#include <string>

#include "gauntlet/defense.h"

namespace gauntlet::evaluation {

class GuardedLayers final : public PerturbsLayers {
 public:
  /// `name`: as suites know the plugin, which outlives this.
  GuardedLayers(std::string name, PerturbsLayers& plugin);

  void declare(const Layer& layer, Parameters& parameters) override;
  Tensor weight(const Layer& layer, const Tensor& w, Noise& noise) override;
  Tensor input(const Layer& layer, const Tensor& a, Noise& noise) override;
  Tensor output(const Layer& layer, const Tensor& a, Noise& noise) override;
  Tensor activation(const Activation& place, const Tensor& a, Noise& noise) override;
  Tensor penalty(const Layer& layer) override;
  bool couples_rows() const override;

 private:
  using Hook = Tensor (PerturbsLayers::*)(const Layer&, const Tensor&, Noise&);
  Tensor call(Hook hook, const char* name, const char* lent, const Layer& layer, const Tensor& t,
              Noise& noise);

  const std::string who_;
  PerturbsLayers& plugin_;
};

}  // namespace gauntlet::evaluation
