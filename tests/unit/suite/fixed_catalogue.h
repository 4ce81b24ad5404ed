// Plugins that exist only as names, parameters and roles, so that suites' messages do not change
// whenever a real plugin gains a parameter.
#pragma once
#include "base/bad_input.h"
#include "base/nearest_name.h"
#include "gauntlet/params.h"
#include "library/plugin_catalogue.h"

namespace gauntlet {

class FixedCatalogue final : public library::PluginCatalogue {
 public:
  std::vector<std::string> names(const std::string& kind) const override {
    std::vector<std::string> out;
    for (const auto& [name, schema] : kind == "attack" ? attacks() : defenses())
      out.push_back(name);
    return out;
  }

  Schema schema(const std::string& kind, const std::string& name) const override {
    const auto& all = kind == "attack" ? attacks() : defenses();
    const auto there = all.find(name);
    if (there == all.end())
      throw BadInput("there is no " + kind + " plugin '" + name + "'" +
                     suggestion(name, names(kind)));
    return there->second;
  }

  library::DefenseRoles roles(const std::string& defense, const ParamMap&) const override {
    library::DefenseRoles roles;
    roles.layers = defense == "pni";
    roles.trains = defense == "adversarial_training";
    roles.certifies = defense == "certifier";
    roles.votes = defense == "smoothing" || roles.certifies;
    roles.refuses = defense == "detector";
    roles.transforms = defense == "purifier";
    roles.wraps = roles.votes || roles.refuses || defense == "purifier";
    return roles;
  }
  std::shared_ptr<Defense> defense(const std::string&, const ParamMap&) const override {
    return nullptr;
  }
  std::vector<std::string> refusals(const std::string&) const override { return refused; }
  std::filesystem::path preset(const std::string& kind, const std::string& name) const override {
    return presets / (kind + "s") / (name + ".toml");
  }

  std::filesystem::path presets = "presets";
  std::vector<std::string> refused;

 private:
  using Schemas = std::map<std::string, Schema>;

  static ParamSpec spec(const std::string& name, ParamType type, ParamValue fallback,
                        std::optional<Range> range = {}, OneOf one_of = {}) {
    return {name, "", type, std::move(fallback), range, std::move(one_of)};
  }
  static ParamValue use(const std::string& plugin, ParamMap with = {}) {
    with["use"] = plugin;
    return with;
  }
  static const Schemas& attacks() {
    static const Schemas schemas = {
        {"fgsm", {}},
        {"pgd",
         {spec("steps", ParamType::kInt, 20, Range{0, 10'000}),
          spec("step_size", ParamType::kFloat, 2.0 / 255, Range{0, 1000}),
          spec("start", ParamType::kString, "uniform", {}, {"uniform", "gaussian", "input"}),
          spec("loss", ParamType::kString, "cross_entropy", {},
               {"cross_entropy", "margin", "dlr"})}},
        {"nattack",
         {spec("steps", ParamType::kInt, 100, Range{1, 10'000}),
          spec("population", ParamType::kInt, 50, Range{2, 10'000}),
          spec("oracle", ParamType::kString, "single", {}, {"single", "wrapped"})}},
        {"multitargeted",
         {spec("targets", ParamType::kInt, 0, Range{0, 100'000}),
          spec("attack", ParamType::kUse, use("pgd"))}},
        {"random_noise", {}},
        {"ensemble", {spec("weights", ParamType::kFloatList, ParamList{1.0})}},
        {"several",
         {spec("members", ParamType::kUseList, ParamList{use("fgsm"), use("pgd", {{"steps", 5}})}),
          spec("repeats", ParamType::kIntList, ParamList{}, Range{1, 999}),
          spec("selection_draws", ParamType::kInt, 30, Range{1, 999})}},
        {"transfer",
         {spec("source", ParamType::kModel, ""),
          spec("sources", ParamType::kModelList, ParamList{}),
          spec("attack", ParamType::kUse, use("pgd"))}},
    };
    return schemas;
  }
  static const Schemas& defenses() {
    static const Schemas schemas = {
        {"smoothing",
         {spec("sigma", ParamType::kFloat, 0.1, Range{0, 10}),
          spec("mc_samples", ParamType::kInt, 64, Range{1, 100'000}),
          spec("vote", ParamType::kString, "soft", {}, {"prediction", "weighted", "soft"})}},
        {"certifier",
         {spec("n0", ParamType::kInt, 100, Range{1, 1'000'000}),
          spec("n", ParamType::kInt, 1000, Range{1, 1'000'000}),
          spec("mc_samples", ParamType::kInt, 100, Range{1, 100'000})}},
        {"detector", {}},
        {"purifier", {spec("network", ParamType::kFile, "")}},
        {"pni", {spec("initial", ParamType::kFloat, 0.25, Range{0, 10})}},
        {"adversarial_training", {spec("attack", ParamType::kUse, use("pgd", {{"steps", 7}}))}},
    };
    return schemas;
  }
};

}  // namespace gauntlet
