// Copies of what a network is made of, to tell and undo what plugins wrote into it.
#pragma once
#include <string>
#include <vector>

#include "models/network.h"

namespace gauntlet::evaluation {

class KeptTensors {
 public:
  KeptTensors() = default;
  explicit KeptTensors(const models::Network& network);
  void add(const std::string& name, const Tensor& tensor);

  /// Restores changed tensors. Returns the name of the first; empty: none changed.
  std::string put_back();

 private:
  struct One {
    std::string name;
    Tensor tensor, copy;
  };
  std::vector<One> all_;
};

}  // namespace gauntlet::evaluation
