#include "conformance/promise.h"

#include <algorithm>

#include "base/bad_input.h"
#include "base/failure.h"

namespace gauntlet::conformance {
namespace {
using State = Answer::State;

// Whether some plugin may be given another model, and none is named.
bool lacks_model(const ParamSpec& spec) {
  const auto* id = spec.fallback.get<std::string>();
  return spec.type == ParamType::kModel && id && id->empty();
}
}  // namespace

Answer answer_of(const std::string& promise, const std::function<void()>& question) {
  try {
    question();
    return {promise, State::kKept};
  } catch (const Broken& broken) {
    return {promise, State::kBroken, broken.seen};
  } catch (const NotAsked& not_asked) {
    return {promise, State::kNotAsked, not_asked.why};
  } catch (const ParamError& error) {
    return {promise, State::kNotAsked, error.what()};
  } catch (const BadInput& error) {
    return {promise, State::kNotAsked, error.what()};
  } catch (...) {
    return {promise, State::kBroken, current_failure()};
  }
}

ParamMap small_parameters(const Schema& schema, const ParamMap& given, int64_t steps) {
  const std::map<std::string, ParamValue> small = {
      {"steps", steps}, {"iterations", steps}, {"rounds", 3}, {"population", 6},
      {"queries", 20},  {"mc_samples", 4},     {"n0", 4},     {"n", 64}};
  ParamMap out = given;
  for (const ParamSpec& spec : schema) {
    if (out.contains(spec.name)) continue;
    if (lacks_model(spec)) out[spec.name] = kOtherModel;
    const auto known = small.find(spec.name);
    if (known != small.end() && problem_of(spec, known->second).empty())
      out[spec.name] = known->second;
  }
  return out;
}

}  // namespace gauntlet::conformance
