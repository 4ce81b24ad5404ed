// What every plugin promises, and what became of it with one of them.
#pragma once
#include <functional>
#include <string>

#include "gauntlet/params.h"

namespace gauntlet::conformance {

struct Answer {
  std::string promise;  ///< without its subject: "asks the model"
  enum class State {
    kKept,
    kBroken,
    kNotAsked  ///< the plugin does not claim it, or cannot be asked
  } state = State::kKept;
  std::string why = {};  ///< broken: what was seen instead; not asked: the reason
};

/// Is told of each promise before and after it is asked; both may be empty.
struct Listener {
  std::function<void(const std::string& promise)> asking = {};
  std::function<void(const Answer&)> answered = {};
};

/// Thrown where a promise is broken: what was seen instead.
struct Broken {
  std::string seen;
};
/// Thrown where a promise cannot be asked of a plugin.
struct NotAsked {
  std::string why;
};

/// Asks. A ParamError or BadInput (a file that does not fit, a model that is not there) means that
/// it cannot be asked; every other exception but the two above is a broken promise in its own
/// words.
Answer answer_of(const std::string& promise, const std::function<void()>& question);

/// The model that small_parameters() names.
constexpr const char* kOtherModel = "other";
/// The given parameters, and small numbers for those that cost time (steps, rounds, population, …)
/// and the other model for a `source` that is not given: for questions whose answer does not depend
/// on them.
ParamMap small_parameters(const Schema& schema, const ParamMap& given = {}, int64_t steps = 4);

}  // namespace gauntlet::conformance
