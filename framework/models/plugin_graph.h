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
  int group_norm(int from, const std::string& name, int64_t groups) override {
    return graph_.group_norm(known(from), name, groups);
  }
  int relu(int from) override { return graph_.relu(known(from)); }
  int leaky_relu(int from, double negative_slope) override {
    return graph_.leaky_relu(known(from), negative_slope);
  }
  int smooth(int from, Smooth which) override { return graph_.smooth(known(from), which); }
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
  int mul(int a, int b) override { return graph_.mul(known(a), known(b)); }
  int scale(int from, double factor) override { return graph_.scale(known(from), factor); }
  int matmul(int a, int b) override { return graph_.matmul(known(a), known(b)); }
  int transpose(int from) override { return graph_.transpose(known(from)); }
  int reshape(int from, const std::vector<int64_t>& shape) override {
    return graph_.reshape(known(from), shape);
  }
  int softmax(int from) override { return graph_.softmax(known(from)); }
  int median_filter(int from, int64_t kernel) override {
    return graph_.median_filter(known(from), kernel);
  }
  int upsample(int from, int64_t factor, bool linear) override {
    return graph_.upsample(known(from), factor, linear);
  }
  int custom(const std::vector<int>& from, const std::string& name, const Custom& custom) override {
    for (const int value : from) known(value);
    return graph_.custom(from, name, custom);
  }
  void feature(int value, const std::string& name) override { graph_.feature(known(value), name); }

 private:
  /// Throws BadInput for a number that no operation gave.
  int known(int value) const;

  Graph& graph_;
  const int first_;
  const int64_t classes_;
};

}  // namespace gauntlet::models
