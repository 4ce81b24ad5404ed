#include "suite/passes.h"

#include <algorithm>

namespace gauntlet::suite {
namespace {

bool says(const ParamMap& params, std::string_view name, const ParamValue& value) {
  const auto there = params.find(name);
  return there != params.end() && there->second == value;
}

// How often an attack runs over its steps: one with targets (0: all) for each wrong class, unless
// another choice of its turns them off. Without them FAB follows all boundaries at once.
double runs_of(const ParamMap& params, int64_t classes) {
  const int64_t wrong = std::max<int64_t>(1, classes - 1),
                targets = number_or(params, "targets", 1);
  const bool with_loss = params.contains("loss") && params.contains("targets");
  if (with_loss && !says(params, "loss", "dlr_targeted")) return 1;
  if (says(params, "targeted", false)) return double(wrong);
  return double(targets == 0 ? wrong : std::min(targets, wrong));
}

// Forward passes alone, by the names of a search's parameters.
bool is_search(const ParamMap& params) {
  return params.contains("population") || params.contains("queries");
}

// Of attacks that one runs in turn.
double queries_of_all(const ParamList& members, const ParamMap& params, int64_t classes) {
  const auto there = params.find("repeats");
  const auto* repeats = there == params.end() ? nullptr : there->second.get<ParamList>();
  double sum = 0;
  for (size_t i = 0; i < members.size(); ++i) {
    const auto& member = *members[i].get<ParamMap>();
    const auto* times = repeats && i < repeats->size() ? (*repeats)[i].get<int64_t>() : nullptr;
    sum += queries_of(member, classes) * (times ? double(*times) : 1) *
           (is_search(member) ? kForwardShare : 1);
  }
  return sum;
}
}  // namespace

int64_t number_or(const ParamMap& params, std::string_view name, int64_t fallback) {
  const auto there = params.find(name);
  const auto* value = there == params.end() ? nullptr : there->second.get<int64_t>();
  return value ? *value : fallback;
}

double queries_of(const ParamMap& params, int64_t classes) {
  double queries = double(std::max<int64_t>(1, number_or(params, "steps", 1))) *
                   double(number_or(params, "population", 1)) *
                   double(std::max<int64_t>(1, number_or(params, "queries", 1))) *
                   runs_of(params, classes);
  for (const auto& [name, value] : params) {
    if (const auto* nested = value.get<ParamMap>(); nested && nested->count("use"))
      queries *= queries_of(*nested, classes);
    const auto* list = value.get<ParamList>();
    const auto* first = list && !list->empty() ? list->front().get<ParamMap>() : nullptr;
    if (first && first->count("use")) queries *= queries_of_all(*list, params, classes);
  }
  return queries;
}

double comparisons_of(const ParamMap& params) {
  const auto members = params.find("members"), there = params.find("repeats");
  const auto* list = members == params.end() ? nullptr : members->second.get<ParamList>();
  const auto* repeats = there == params.end() ? nullptr : there->second.get<ParamList>();
  if (!repeats || repeats->empty()) return list ? double(list->size()) : 0;
  double sum = 0;
  for (const ParamValue& times : *repeats) sum += double(*times.get<int64_t>());
  return sum;
}

}  // namespace gauntlet::suite
