#include "models/learned.h"

#include <set>

#include "base/bad_input.h"
#include "base/invalid_result.h"
#include "base/nearest_name.h"
#include "base/shape_text.h"

namespace gauntlet::models {
namespace {
struct DeclaredByWrapper final : Parameters {
  DeclaredByWrapper(Learns& wrapper, std::string plugin)
      : wrapper(wrapper), plugin(std::move(plugin)) {}

  void add(const std::string& name, const Tensor& initial, bool weight_decay,
           const std::string& optimizer) override {
    const std::string what = "'" + plugin + "': declare() adds '" + name + "' ";
    if (name.empty()) throw InvalidResult("'" + plugin + "': declare() adds a tensor without name");
    if (!initial.defined() || initial.layout() != torch::kStrided ||
        initial.scalar_type() != torch::kFloat)
      throw InvalidResult(what + "that is no dense float32 tensor");
    const Tensor tensor = initial.detach().clone();
    if (!wrapper.learned.emplace(name, tensor).second) throw InvalidResult(what + "twice");
    all.push_back({plugin + "." + name, tensor, true, weight_decay, optimizer});
  }

  Learns& wrapper;
  const std::string plugin;
  std::vector<NamedTensor> all;
};
}  // namespace

std::vector<NamedTensor> declare_learned(Defense& wrapper, const std::string& plugin,
                                         const NetworkSpec& spec) {
  auto* learns = dynamic_cast<Learns*>(&wrapper);
  if (!learns) return {};
  learns->learned.clear();
  DeclaredByWrapper declared(*learns, plugin);
  learns->declare({spec.input, spec.classes}, declared);
  return std::move(declared.all);
}

std::map<std::string, Tensor> learned_of(const std::map<std::string, Tensor>& saved,
                                         const std::string& plugin) {
  std::map<std::string, Tensor> out;
  for (const auto& [name, tensor] : saved)
    if (name.starts_with(plugin + ".")) out.emplace(name, tensor);
  return out;
}

void load_learned(const std::vector<NamedTensor>& declared,
                  const std::map<std::string, Tensor>& saved, const std::string& source) {
  std::set<std::string> known;
  for (const NamedTensor& own : declared) {
    known.insert(own.name);
    const auto there = saved.find(own.name);
    if (there == saved.end())
      throw BadInput(source + " lacks the tensor '" + own.name + "', which the wrapper declares");
    if (there->second.sizes() != own.tensor.sizes())
      throw BadInput(source + ": the tensor '" + own.name + "' is " +
                     shape_text(there->second.sizes()) + ", the wrapper declares " +
                     shape_text(own.tensor.sizes()));
    if (!there->second.is_floating_point())
      throw BadInput(source + ": the tensor '" + own.name + "' holds no floating-point numbers");
  }
  for (const auto& [name, tensor] : saved)
    if (!known.contains(name))
      throw BadInput(source + " has the tensor '" + name + "', which the wrapper does not declare" +
                     suggestion(name, {known.begin(), known.end()}));
  const at::NoGradGuard no_graph;
  for (const NamedTensor& own : declared) own.tensor.copy_(saved.at(own.name));
}

}  // namespace gauntlet::models
