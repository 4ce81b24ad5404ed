// What several families of architectures are made of.
#pragma once
#include "models/architectures/architectures.h"

namespace gauntlet::models {

struct NoOptions {
  template <class V>
  void fields(V) {}
};

/// Padded so that a stride of 1 keeps the image's size.
inline int same_conv(Graph& graph, int from, const std::string& name, int64_t width, int64_t kernel,
                     int64_t stride = 1, bool bias = false) {
  return graph.conv(from, name, {width, kernel, stride, kernel / 2, bias});
}

}  // namespace gauntlet::models
