// Calls a plugin and checks the tensors it was lent.
#pragma once
#include <c10/util/SmallVector.h>

#include <string>

#include "base/invalid_result.h"
#include "gauntlet/defense.h"
#include "library/running_plugin.h"

namespace gauntlet::evaluation {

/// While it lives, hooks that give nothing but NaN are told of by name: in probing, since it takes
/// as long as a layer. Single values that are not numbers are the answer's (Decision::faulty).
class ValuesAreChecked {
 public:
  ValuesAreChecked();
  ~ValuesAreChecked();
  ValuesAreChecked(const ValuesAreChecked&) = delete;
  ValuesAreChecked& operator=(const ValuesAreChecked&) = delete;

 private:
  const bool outer_;
};

/// Tensors that a plugin is lent and must leave as they are, told by LibTorch's version counters.
class Lent {
 public:
  Lent() = default;
  Lent(const char* name, const Tensor& tensor) { add(name, tensor); }
  Lent& add(const char* name, const Tensor& tensor);
  Lent& add(const Noise& noise);
  Lent& add(const Outputs& outputs);
  /// What a wrapper learned.
  Lent& add(const Defense& wrapper);
  /// The first tensor that was changed since it was added; null: none.
  const char* written() const;

 private:
  struct One {
    const char* name;
    Tensor tensor;
    int64_t version;
  };
  c10::SmallVector<One, 8> all_;
};

/// Required shape and type of a hook's result.
struct Expected {
  at::IntArrayRef shape;
  at::ScalarType type = torch::kFloat;
};

/// Throws InvalidResult where a lent tensor was written to, or the plugin computes on under other
/// settings than the host's.
void require_untouched(const std::string& who, const char* hook, const Lent& lent);
/// Throws InvalidResult that names what is wrong with `given`.
void require_result(const std::string& who, const char* hook, const Tensor& given,
                    const Expected& expected);
/// Of the exception that is being handled: those of the host pass as they are, others as a
/// PluginFailure that names the plugin.
[[noreturn]] void rethrow_named(const std::string& who, const char* hook);

/// Calls a hook of a plugin and looks at what it was lent.
template <class F>
auto call_plugin(const std::string& who, const char* hook, const Lent& lent, F&& hooked) {
  const library::Running running(who);
  auto out = [&] {
    try {
      return hooked();
    } catch (...) {
      rethrow_named(who, hook);
    }
  }();
  require_untouched(who, hook, lent);
  return out;
}

}  // namespace gauntlet::evaluation
