// The interpreter of a graph.
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "models/graph.h"
#include "models/network.h"

namespace gauntlet::models {

class HostNetwork final : public Network {
 public:
  HostNetwork(NetworkSpec spec, std::vector<Node> nodes);

  const NetworkSpec& spec() const override { return spec_; }
  Outputs forward(const Tensor& x, const Noise& noise, const std::vector<PerturbsLayers*>& plugins,
                  Mode mode, const std::vector<std::string>& features = {}) override;
  std::vector<std::string> features() const override;
  int64_t batch_norm_branches() const override;
  int64_t use_branch(int64_t branch) override { return std::exchange(branch_, branch); }
  const std::vector<Layer>& layers() const override { return layers_; }
  void declare(PerturbsLayers& plugin, const std::string& prefix) override;
  std::vector<NamedTensor> tensors() const override;
  void weights_changed() override;
  void set_trainable(bool on) override;
  void to(at::Device device) override;

 private:
  // What one forward carries from node to node.
  struct Value {
    Tensor tensor;
    bool own = false;         // made here and seen by nobody else: may be overwritten
    bool normalised = false;  // the batch norm that follows is in it already
  };
  struct Pass {
    const Noise& noise;
    const std::vector<PerturbsLayers*>& plugins;
    Mode mode;
    const std::vector<std::string>& features;
    std::vector<Value> values;
    std::map<std::string, Tensor> heads;
  };
  // What kFolded keeps of a node; made anew when a source tensor has changed.
  struct Folded {
    int64_t version = -1, branch = 0;
    bool half = false;            // weights and biases are bfloat16
    Tensor weight, bias;          // batch norm in it, where one follows; in the fast layout
    Tensor raw_weight, raw_bias;  // without batch norm
    Tensor scale;                 // of the batch norm, shaped for the weight
    Tensor multiplier, shift;     // normalisation, batch norm: multiplier * x + shift
  };
  // A plugin that declares its tensors at one layer.
  struct Declared;
  struct Learned {
    std::string name, key;  // in the state dict; in Layer::learned
    bool weight_decay;
    std::string optimizer;
  };

  Value run(const Node& node, Pass& pass);
  Value run_layer(const Node& node, Pass& pass);
  Value run_activation(const Node& node, Pass& pass, bool overwrite);
  static Value run_custom(const Node& node, const Pass& pass);
  static void keep_feature(const Node& node, Value& value, Pass& pass);
  Value run_batch_norm(const Node& node, const Value& input, Mode mode);
  Tensor normalise(const Node& node, const Tensor& x, Mode mode);
  static Tensor apply(const Node& node, Tensor a, Tensor weight, Tensor bias, Mode mode);
  const Folded& folded(const Node& node, Mode mode);
  void fold(const Node& node, Folded& out) const;
  std::vector<Tensor> sources(const Node& node) const;
  NormBranch branch_of(const Node& norm) const;
  void check_input(const Tensor& x) const;
  void follow_tensors();

  NetworkSpec spec_;
  std::vector<Node> nodes_;
  std::vector<Layer> layers_, frozen_;  // frozen: tensors cut off from autograd
  std::vector<Activation> activations_;
  std::vector<std::vector<Learned>> learned_;
  std::vector<Folded> folded_;
  // Which layers have an output() that acts, as last seen: only what to try first.
  std::vector<PerturbsLayers*> seen_plugins_;
  std::vector<bool> output_acts_;
  bool trainable_ = false;
  int64_t branch_ = 0;  // of all batch norms
};

/// He-normal convolutions (fan out), linear layers uniform in +-1/sqrt(fan in), as are biases.
void initialise(std::vector<Node>& nodes, uint64_t seed);

}  // namespace gauntlet::models
