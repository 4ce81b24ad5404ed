// Copies of what a network is made of, to tell and undo what plugins wrote into it.
#pragma once
#include <string>
#include <vector>

#include "models/network.h"

namespace gauntlet {

class KeptTensors {
 public:
  KeptTensors() = default;
  explicit KeptTensors(const Network& network);
  void add(const std::string& name, const Tensor& tensor);

  /// Puts back what has other values now. The first of these by name; empty: none has.
  std::string put_back();

 private:
  struct One {
    std::string name;
    Tensor tensor, copy;
  };
  std::vector<One> all_;
};

}  // namespace gauntlet
