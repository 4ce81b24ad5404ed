#include "evaluation/guarded_layers.h"

#include "evaluation/plugin_call.h"

namespace gauntlet::evaluation {

GuardedLayers::GuardedLayers(std::string name, PerturbsLayers& plugin)
    : who_("'" + std::move(name) + "'"), plugin_(plugin) {}

void GuardedLayers::declare(const Layer& layer, Parameters& parameters) {
  call_plugin(who_, "declare", {}, [&] { return plugin_.declare(layer, parameters), true; });
}

Tensor GuardedLayers::weight(const Layer& layer, const Tensor& w, Noise& noise) {
  return call(&PerturbsLayers::weight, "weight", "the weights of the network", layer, w, noise);
}
Tensor GuardedLayers::input(const Layer& layer, const Tensor& a, Noise& noise) {
  return call(&PerturbsLayers::input, "input", "the activations of the network", layer, a, noise);
}
Tensor GuardedLayers::output(const Layer& layer, const Tensor& a, Noise& noise) {
  return call(&PerturbsLayers::output, "output", "the activations of the network", layer, a, noise);
}

Tensor GuardedLayers::activation(const Activation& place, const Tensor& a, Noise& noise) {
  Lent lent("the activations of the network", a);
  lent.add(noise);
  const Tensor out =
      call_plugin(who_, "activation", lent, [&] { return plugin_.activation(place, a, noise); });
  if (!out.is_same(a)) require_result(who_, "activation", out, {a.sizes(), a.scalar_type()});
  return out;
}

Tensor GuardedLayers::penalty(const Layer& layer) {
  Lent lent("the weights of the network", layer.weight);
  for (const auto& [_, tensor] : layer.learned) lent.add("what it declared", tensor);
  const Tensor out = call_plugin(who_, "penalty", lent, [&] { return plugin_.penalty(layer); });
  if (out.defined()) require_result(who_, "penalty", out, {{}, torch::kFloat});
  return out;
}

bool GuardedLayers::couples_rows() const {
  return call_plugin(who_, "couples_rows", {}, [&] { return plugin_.couples_rows(); });
}

Tensor GuardedLayers::call(Hook hook, const char* name, const char* lent_name, const Layer& layer,
                           const Tensor& t, Noise& noise) {
  Lent lent(lent_name, t);
  lent.add(noise).add("the weights of the network", layer.weight);
  for (const auto& [_, tensor] : layer.learned) lent.add("what it declared", tensor);
  const Tensor out =
      call_plugin(who_, name, lent, [&] { return (plugin_.*hook)(layer, t, noise); });
  if (!out.is_same(t)) require_result(who_, name, out, {t.sizes(), t.scalar_type()});
  return out;
}

}  // namespace gauntlet::evaluation
