// Records of a row that never ran.
#pragma once
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "results/record.h"

namespace gauntlet {

struct Planned {
  std::string name, plugin;
  int64_t right = 0;  ///< the first so many of 200 images withstand it
  int64_t steps = 0, draws = 1;
  bool gradients = true;
  std::string goal = "untargeted";
  int64_t restarts = 1;
  std::vector<results::Finding> flags = {};
  bool queries = false;  ///< of an attack without gradients: whether it asks the defense
  std::optional<int64_t> targets = {};
};

inline results::CellRecord cell_of(const Planned& plan, bool stochastic = false) {
  constexpr int64_t kImages = 200;
  results::CellRecord cell;
  cell.attack = plan.name, cell.status = results::Status::kOk, cell.stochastic = stochastic;
  cell.trials = stochastic ? 4 : 1, cell.flags = plan.flags, cell.samples = kImages;
  cell.robust_accuracy = double(plan.right) / double(kImages);
  const auto leaf = [](const std::string& name, const std::string& value) {
    return "\"" + name + "\":{\"value\":" + value + ",\"default\":1}";
  };
  std::string steps = plan.steps > 0 ? leaf("steps", std::to_string(plan.steps)) : "";
  if (plan.targets)
    steps += (steps.empty() ? "" : ",") + leaf("targets", std::to_string(*plan.targets));
  cell.parameters = R"({"attack":{"plugin":")" + plan.plugin + R"(","params":{)" + steps +
                    R"(}},"host":{)" + leaf("draws", std::to_string(plan.draws)) + "," +
                    leaf("restarts", std::to_string(plan.restarts)) + "," +
                    leaf("goal", "\"" + plan.goal + "\"") + "}}";
  const int64_t queries =
      plan.gradients || plan.queries
          ? std::max<int64_t>(plan.steps, 1) * plan.restarts * (stochastic ? plan.draws : 1)
          : 0;
  for (int64_t i = 0; i < kImages; ++i) {
    results::Outcome outcome;
    outcome.index = i, outcome.clean_right = cell.trials, outcome.queries = queries;
    outcome.robust_right = i < plan.right ? cell.trials : 0;
    cell.outcomes.push_back(outcome);
  }
  cell.ledger.queries = cell.ledger.forwards = kImages * queries;
  cell.ledger.backwards = plan.gradients ? cell.ledger.queries : 0;
  if (plan.plugin == "transfer") cell.ledger.source_forwards = kImages;
  return cell;
}

}  // namespace gauntlet
