/// @file
/// For a plugin's own tests: loads the built plugin, and gives it a target whose best answer is
/// known. Not a part of what plugins and host agree on, so it does not enter the ABI digest.
#pragma once
#include <dlfcn.h>
#include <torch/csrc/autograd/autograd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "gauntlet/plugin.h"

namespace gauntlet::plugin_test {

/// The entry of a plugin file. Throws std::runtime_error if it cannot be loaded.
inline const Entry& load(const std::string& file) {
  void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);  // never closed
  const void* const entry = library ? dlsym(library, "gauntlet_plugin_entry") : nullptr;
  if (!entry) throw std::runtime_error(dlerror());
  return *static_cast<const Entry*>(entry);
}

/// The file of a plugin that is built with Gauntlet itself: built("attacks/pgd"). Throws
/// std::runtime_error where ctest did not start the test.
inline std::string built(const std::string& name) {
  const char* const folder = std::getenv("GAUNTLET_BUILD_DIR");
  if (!folder) throw std::runtime_error("GAUNTLET_BUILD_DIR is not set: start the test with ctest");
  return std::string(folder) + "/plugins/" + name + ".so";
}

/// Noise for n samples; equal seeds give equal noise.
inline Noise noise_for(int64_t n, uint64_t seed = 1) {
  Noise noise;
  noise.key.seed = seed;
  noise.key.id = torch::arange(n);
  noise.key.place = torch::zeros({n}, torch::kLong);
  return noise;
}

/// A classifier with logits W x + b, weights [K, C*H*W], that grants every access and sets no
/// limit.
class LinearTarget final : public Target {
 public:
  /// [K, C*H*W], [K], and the classes [N] of the samples that will be asked about.
  LinearTarget(Tensor weight, Tensor bias, Tensor y)
      : weight_(std::move(weight)), bias_(std::move(bias)), y_(std::move(y)) {}

  TargetFacts facts() const override { return {weight_.size(0), false, false, false}; }
  int64_t mc_samples() const override { return 1; }
  Tensor decisions(const Tensor& x, const Query& = {}) override { return logits(x).argmax(1); }
  Outputs scores(const Tensor& x, const Query& = {}) override { return {logits(x), {}}; }
  Tensor losses(const Tensor& x, const Loss& loss, const Query& query = {}) override {
    return loss({logits(x), {}}, rows(query));
  }
  std::vector<Gradient> gradients(const Tensor& x, const std::vector<Loss>& losses,
                                  const Query& query = {}) override {
    const at::AutoGradMode with_graph(true);
    const Tensor leaf = x.detach().requires_grad_(true);
    const Outputs outputs{logits(leaf), {}};
    std::vector<Gradient> out;
    for (const Loss& loss : losses) {
      const Tensor value = loss(outputs, rows(query));
      const Tensor gradient = torch::autograd::grad({value.sum()}, {leaf}, {}, true)[0];
      out.push_back({gradient, value.detach(), {outputs.logits.detach(), {}}});
    }
    return out;
  }
  void propose(const Tensor&) override {}
  Tensor active() const override { return torch::ones_like(y_, torch::kBool); }
  Tensor budget_left() const override { return torch::full_like(y_, 1'000'000); }

 private:
  Tensor logits(const Tensor& x) const { return torch::linear(x.flatten(1), weight_, bias_); }
  Rows rows(const Query& query) const {
    const Tensor sample = query.rows.defined() ? query.rows : torch::arange(y_.size(0));
    return {sample, y_.index_select(0, sample), {}};
  }

  Tensor weight_, bias_, y_;
};

/// Lends nothing: for attacks that need neither a source model nor another attack.
struct NoHost final : Host {
  Target& source(const ModelRef& model) override {
    throw std::logic_error("this test has no source model '" + model.id + "'");
  }
  std::unique_ptr<Attack> attack(const Use& use) override {
    throw std::logic_error("this test has no attack '" + use.plugin + "'");
  }
};

}  // namespace gauntlet::plugin_test
