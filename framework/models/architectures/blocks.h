// What several families of architectures are made of.
#pragma once
#include "models/architectures/architectures.h"

namespace gauntlet::models {

struct NoOptions {
  template <class V>
  void fields(V) {}
};

/// Names what a stage gives, counted from 0: "stage1", "stage2", …
inline void name_stage(Graph& graph, int value, size_t stage) {
  graph.feature(value, "stage" + std::to_string(stage + 1));
}

/// Padded so that a stride of 1 keeps the image's size.
inline int same_conv(Graph& graph, int from, const std::string& name, int64_t width, int64_t kernel,
                     int64_t stride = 1, bool bias = false) {
  return graph.conv(from, name, {width, kernel, stride, kernel / 2, bias});
}

}  // namespace gauntlet::models
