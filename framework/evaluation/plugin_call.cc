#include "evaluation/plugin_call.h"

#include <fmt/format.h>

#include "base/bad_input.h"
#include "base/failure.h"
#include "base/shape_text.h"
#include "evaluation/interrupted.h"
#include "evaluation/misdeeds.h"
#include "evaluation/process_state.h"
#include "gauntlet/attack.h"
#include "gauntlet/params.h"

namespace gauntlet::evaluation {
namespace {
thread_local bool values_are_checked = false;

int64_t version_of(const Tensor& tensor) { return tensor.is_inference() ? 0 : tensor._version(); }
}  // namespace

ValuesAreChecked::ValuesAreChecked() : outer_(values_are_checked) { values_are_checked = true; }
ValuesAreChecked::~ValuesAreChecked() { values_are_checked = outer_; }

Lent& Lent::add(const char* name, const Tensor& tensor) {
  if (tensor.defined()) all_.push_back({name, tensor, version_of(tensor)});
  return *this;
}

Lent& Lent::add(const Noise& noise) {
  return add("noise.key.id", noise.key.id).add("noise.key.place", noise.key.place);
}

Lent& Lent::add(const Outputs& outputs) {
  add("outputs.logits", outputs.logits).add("outputs.reject", outputs.reject);
  for (const auto& [_, head] : outputs.heads) add("outputs.heads", head);
  return *this;
}

Lent& Lent::add(const Defense& wrapper) {
  if (const auto* learns = dynamic_cast<const Learns*>(&wrapper))
    for (const auto& [_, tensor] : learns->learned) add("what it declared", tensor);
  return *this;
}

const char* Lent::written() const {
  for (const One& one : all_)
    if (version_of(one.tensor) != one.version) return one.name;
  return nullptr;
}

void require_untouched(const std::string& who, const char* hook, const Lent& lent) {
  if (const char* name = lent.written())
    throw WritesIntoLent(
        fmt::format("{} writes into {} in {}(), which it is only lent", who, name, hook));
  if (const char* what = ProcessState::disturbed())
    throw DisturbsSettings(fmt::format("{} changed {} in {}()", who, what, hook));
}

void require_result(const std::string& who, const char* hook, const Tensor& given,
                    const Expected& expected) {
  const auto fail = [&](const std::string& what) {
    throw InvalidResult(fmt::format("{}: {}() gave {}", who, hook, what));
  };
  if (!given.defined()) fail("no tensor");
  if (given.layout() != torch::kStrided) fail("a tensor that is not dense");
  if (given.sizes() != expected.shape)
    fail("shape " + shape_text(given.sizes()) + ", expected " + shape_text(expected.shape));
  // Half of what is asked may be computed in more digits, not in fewer.
  const bool more = expected.type == torch::kBFloat16 && given.scalar_type() == torch::kFloat;
  if (given.scalar_type() != expected.type && !more)
    fail(fmt::format("dtype {}, expected {}", c10::toString(given.scalar_type()),
                     c10::toString(expected.type)));
  if (values_are_checked && given.numel() > 0 && given.isnan().all().item<bool>())
    fail("values that are not numbers (NaN)");
}

void rethrow_named(const std::string& who, const char* hook) {
  try {
    throw;
  } catch (const Interrupted&) {
    throw;
  } catch (const TaskOver&) {
    throw;
  } catch (const AccessError&) {
    throw;
  } catch (const InvalidResult&) {
    throw;
  } catch (const PluginFailure&) {
    throw;
  } catch (const BadInput&) {
    throw;
  } catch (const ParamError&) {
    throw;
  } catch (...) {
    throw PluginFailure(fmt::format("{}: {}(): {}", who, hook, current_failure()));
  }
}

}  // namespace gauntlet::evaluation
