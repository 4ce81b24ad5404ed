// What a plugin that builds networks is given: a graph.
#pragma once
#include "gauntlet/network_builder.h"
#include "models/graph.h"

namespace gauntlet::models {

class PluginGraph final : public NetworkBuilder {
 public:
  PluginGraph(Graph& graph, int first, int64_t classes)
      : graph_(graph), first_(first), classes_(classes) {}

  int input() const override { return first_; }
  int64_t classes() const override { return classes_; }
  std::vector<int64_t> shape(int value) const override { return graph_.shape(known(value)); }
  int conv(int from, const std::string& name, const Conv& c) override {
    return graph_.conv(known(from), name, {c.out, c.kernel, c.stride, c.padding, c.bias});
  }
  int linear(int from, const std::string& name, int64_t out, bool bias) override {
    return graph_.linear(known(from), name, out, bias);
  }
  int batch_norm(int from, const std::string& name) override {
    return graph_.batch_norm(known(from), name);
  }
  int relu(int from) override { return graph_.relu(known(from)); }
  int max_pool(int from, int64_t kernel, int64_t stride, int64_t padding) override {
    return graph_.max_pool(known(from), kernel, stride, padding);
  }
  int avg_pool(int from, int64_t kernel, int64_t stride) override {
    return graph_.avg_pool(known(from), kernel, stride);
  }
  int global_avg_pool(int from) override { return graph_.global_avg_pool(known(from)); }
  int flatten(int from) override { return graph_.flatten(known(from)); }
  int add(int a, int b) override { return graph_.add(known(a), known(b)); }
  int concat(int a, int b) override { return graph_.concat(known(a), known(b)); }

 private:
  /// Throws BadInput for a number that no operation gave.
  int known(int value) const;

  Graph& graph_;
  const int first_;
  const int64_t classes_;
};

}  // namespace gauntlet::models
