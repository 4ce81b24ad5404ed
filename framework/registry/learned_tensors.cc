#include "registry/learned_tensors.h"

#include <algorithm>

#include "base/bad_input.h"
#include "base/nearest_name.h"
#include "base/sha256.h"
#include "models/learned.h"
#include "models/weights/safetensors.h"

namespace gauntlet::registry {
namespace {
std::string named(const ModelEntry& model) { return "model '" + model.id + "': "; }

const Use* trained_as(const ModelEntry& model, const std::string& plugin) {
  const auto there = std::find_if(model.learned.plugins.begin(), model.learned.plugins.end(),
                                  [&](const Use& use) { return use.plugin == plugin; });
  return there == model.learned.plugins.end() ? nullptr : &*there;
}

// The first parameter with another value, as a clause.
std::string other_parameter(const Use& trained, const Use& use, const Schema& schema) {
  ParamMap before;
  try {
    before = resolve(schema, trained.with);
  } catch (const ParamError& error) {
    return std::string("was trained with parameters that it has no more: ") + error.what();
  }
  const ParamMap now = resolve(schema, use.with);
  for (const ParamSpec& spec : schema) {
    if (spec.type == ParamType::kFile) continue;
    const std::string was = to_text(before.at(spec.name)), is = to_text(now.at(spec.name));
    if (was != is)
      return "was trained with " + spec.name + " = " + was + ", here it is " + is + ", expected " +
             was;
  }
  return "";
}
}  // namespace

void verify_learned(const ModelEntry& model) {
  const LearnedEntry& learned = model.learned;
  if (learned.weights.empty()) return;
  if (!std::filesystem::is_regular_file(learned.weights))
    throw BadInput(named(model) + "what was trained beside its network is absent: there is no " +
                   learned.weights.string());
  if (const std::string found = sha256_of_file(learned.weights); found != learned.sha256)
    throw BadInput(named(model) + learned.weights.string() + " has SHA-256 " + found +
                   ", the entry declares " + learned.sha256);
}

std::map<std::string, Tensor> learned_tensors(const ModelEntry& model) {
  if (model.learned.weights.empty()) return {};
  verify_learned(model);
  return models::read_safetensors(model.learned.weights);
}

std::string learned_problem(const ModelEntry& model, const Use& use, const Schema& schema) {
  if (const Use* trained = trained_as(model, use.plugin)) {
    const std::string other = other_parameter(*trained, use, schema);
    return other.empty() ? "" : "'" + use.plugin + "' " + other;
  }
  std::vector<std::string> names;
  for (const Use& each : model.learned.plugins) names.push_back(each.plugin);
  return "'" + use.plugin + "' is trained, and model '" + model.id +
         "' has no tensors of it; expected a model whose recipe has it in its stack or as its "
         "method" +
         (names.empty() ? "" : suggestion(use.plugin, names));
}

void fill_learned(const ModelEntry& model, const Use& use, const Schema& schema, Defense& wrapper) {
  const std::vector<models::NamedTensor> declared =
      models::declare_learned(wrapper, use.plugin, model.network);
  if (declared.empty() && !trained_as(model, use.plugin)) return;
  if (const std::string wrong = learned_problem(model, use, schema); !wrong.empty())
    throw BadInput(wrong);
  models::load_learned(declared, models::learned_of(learned_tensors(model), use.plugin),
                       model.learned.weights.string());
}

}  // namespace gauntlet::registry
