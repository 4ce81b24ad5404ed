// What a TorchScript program may change while it answers: its buffers, counters and other
// attributes.
#pragma once
#include <torch/csrc/jit/api/module.h>

#include <string>
#include <vector>

#include "gauntlet/types.h"

namespace gauntlet::models {

/// Makes every call of a program find it as its file has it, so that an answer depends on nothing
/// that was asked before.
class ProgramState {
 public:
  /// Before the program has run.
  explicit ProgramState(const torch::jit::Module& program);
  /// After it was tried out: copies are kept only of what may change.
  void tried();
  /// Before a call. Throws BadInput where the last one changed weights.
  void put_back();
  /// The first attribute that a call has changed; empty: none.
  const std::string& changed() const { return changed_; }

 private:
  struct Slot {
    c10::intrusive_ptr<c10::ivalue::Object> object;
    size_t index;
    std::string name;
    torch::jit::IValue value;
    bool parameter;       // never copied for long
    bool always = false;  // changes in every call, not always seen in its version
    Tensor copy;
    int64_t version = 0;
  };
  void put_back(Slot& slot);

  std::vector<Slot> slots_;
  std::string changed_;
};

}  // namespace gauntlet::models
