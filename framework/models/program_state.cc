#include "models/program_state.h"

#include "base/bad_input.h"
#include "base/shown.h"

namespace gauntlet::models {
namespace {
using torch::jit::IValue;

bool is_plain(const IValue& value) {
  return value.isInt() || value.isDouble() || value.isBool() || value.isString() || value.isNone();
}

bool same_contents(const Tensor& a, const Tensor& b) {
  return a.sizes() == b.sizes() && a.equal(b);
}
}  // namespace

ProgramState::ProgramState(const torch::jit::Module& program) {
  for (const auto& part : program.named_modules()) {
    const auto object = part.value._ivalue();
    for (size_t i = 0; i < object->slots().size(); ++i) {
      const IValue& value = object->slots()[i];
      if (!value.isTensor() && !is_plain(value)) continue;
      Slot slot{object, i, part.name, value, object->type()->is_parameter(i), false, {}, 0};
      slot.name += (slot.name.empty() ? "" : ".") + object->type()->getAttributeName(i);
      if (value.isTensor() && value.toTensor().defined()) {
        slot.copy = value.toTensor().detach().clone();
        slot.version = value.toTensor()._version();
      }
      slots_.push_back(std::move(slot));
    }
  }
}

void ProgramState::tried() {
  for (Slot& slot : slots_) {
    const IValue& now = slot.object->slots()[slot.index];
    // Batch norm in training mode changes its statistics without a new version.
    slot.always = slot.copy.defined() && now.isTensor() &&
                  now.toTensor().is_same(slot.value.toTensor()) &&
                  !same_contents(now.toTensor(), slot.copy);
    put_back(slot);
    if (slot.parameter && !slot.always) slot.copy = Tensor();
  }
}

void ProgramState::put_back() {
  const at::NoGradGuard no_graph;
  for (Slot& slot : slots_) put_back(slot);
}

void ProgramState::put_back(Slot& slot) {
  const IValue& now = slot.object->slots()[slot.index];
  const auto note = [&] {
    if (changed_.empty()) changed_ = slot.name;
  };
  if (!slot.value.isTensor()) {
    if (now.tagKind() == slot.value.tagKind() && (now.isNone() || now == slot.value)) return;
    note();
    return slot.object->setSlot(slot.index, slot.value);
  }
  if (!now.isTensor() || !now.toTensor().is_same(slot.value.toTensor())) {
    note();
    slot.object->setSlot(slot.index, slot.value);
  }
  const Tensor tensor = slot.value.toTensor();
  if (!tensor.defined() || (!slot.always && tensor._version() == slot.version)) return;
  note();
  if (!slot.copy.defined())
    throw BadInput("the TorchScript program changed its weights " + shown(slot.name) +
                   " while it answered");
  tensor.detach().copy_(slot.copy);
  slot.version = tensor._version();
}

}  // namespace gauntlet::models
