#include "base/bad_input.h"
#include "models/architectures/build_network.h"
#include "models/architectures/load_weights.h"
#include "models/weights/weights.h"
#include "networks.h"

namespace gauntlet::testing {
namespace {
std::map<std::string, Tensor> renamed(const std::map<std::string, Tensor>& state,
                                      const std::string& prefix, const std::string& from = "",
                                      const std::string& to = "") {
  std::map<std::string, Tensor> out;
  for (const auto& [name, value] : state) {
    std::string text = prefix + name;
    if (const size_t at = text.find(from); !from.empty() && at != std::string::npos)
      text.replace(at, from.size(), to);
    out[text] = value;
  }
  return out;
}

TEST(WeightNames, AreMatchedToTheNetworks) {
  const auto network = build_network(resnet_spec("B"));
  const auto own = state_of(*network);
  const auto fits = [&](const std::map<std::string, Tensor>& state) {
    const auto matched = matched_names(state, *network, "a file");
    for (const auto& [name, value] : own)
      if (!matched.count(name) || !matched.at(name).is_same(value)) return false;
    return matched.size() == own.size();
  };
  EXPECT_TRUE(fits(own));
  EXPECT_TRUE(fits(renamed(own, "module.")));
  EXPECT_TRUE(fits(renamed(own, "module._orig_mod.model.")));
  EXPECT_TRUE(fits(renamed(own, "", "linear.", "fc.")));
  EXPECT_TRUE(fits(renamed(own, "model.", "downsample.", "shortcut.")));
  auto wrapped = renamed(own, "1.");
  wrapped["0.mean"] = torch::tensor({0.5, 0.375, 0.25}).view({1, 3, 1, 1});
  wrapped["0.std"] = torch::tensor({0.25, 0.5, 0.125}).view({1, 3, 1, 1});
  EXPECT_TRUE(fits(wrapped));
  wrapped["0.std"] = torch::tensor({0.25, 0.5, 0.25}).view({1, 3, 1, 1});
  EXPECT_THROW(fits(wrapped), BadInput);
}

// RobustBench keeps mu and sigma beside the weights, the robustness library new_mean and new_std.
TEST(WeightNames, OfNormalisationAreLeftOutHoweverTheRestIsCalled) {
  const auto network = build_network(resnet_spec("B"));
  const Tensor mean = torch::tensor({0.5, 0.375, 0.25}), std = torch::tensor({0.25, 0.5, 0.125});
  struct Names {
    const char *prefix, *mean, *std;
  };
  for (const Names& names :
       {Names{"", "mu", "sigma"}, Names{"", "normalize.mean", "normalize.std"},
        Names{"module.model.", "module.normalizer.new_mean", "module.normalizer.new_std"},
        Names{"model.", "mu", "sigma"}}) {
    auto state = renamed(state_of(*network), names.prefix);
    state[names.mean] = mean, state[names.std] = std;
    EXPECT_NO_THROW(load_state(*network, matched_names(state, *network, "a file"), "a file"))
        << names.mean;
    state[names.mean] = std;
    EXPECT_THROW(matched_names(state, *network, "a file"), BadInput) << names.mean;
  }
  auto state = state_of(*network);
  state["layer1.0.sigma"] = mean;  // a layer's own, none of the input's
  EXPECT_TRUE(matched_names(state, *network, "a file").count("layer1.0.sigma"));
}

TEST(WeightNames, HaveTheirPrefixStrippedBesideWhatHasNone) {
  const auto network = build_network(resnet_spec("B"));
  const auto own = state_of(*network);
  auto average = renamed(own, "module.");
  average["n_averaged"] = torch::tensor(7);
  EXPECT_NO_THROW(load_state(*network, matched_names(average, *network, "a file"), "a file"));
  auto twice = renamed(own, "model.");
  for (const auto& [name, value] : own) twice["attacker.model." + name] = value;
  const auto matched = matched_names(twice, *network, "a file");
  EXPECT_TRUE(matched.at("conv1.weight").is_same(own.at("conv1.weight")));
  EXPECT_THROW(load_state(*network, matched, "a file"), BadInput);  // a second copy is left over
  auto both = renamed(own, "module.");
  both["conv1.weight"] = own.at("conv1.weight");
  EXPECT_TRUE(matched_names(both, *network, "a file").count("module.conv1.weight"));
}

TEST(WeightNames, BehindAWrapperOfOnesOwnAreFound) {
  const auto network = build_network(resnet_spec("B"));
  const auto own = state_of(*network);
  const auto load = [&](const std::map<std::string, Tensor>& state) {
    load_state(*network, matched_names(state, *network, "a file"), "a file");
  };
  EXPECT_NO_THROW(load(renamed(own, "my_wrapper.encoder.")));
  auto two = renamed(own, "mine.");
  two.merge(renamed(own, "yours."));
  const auto problem = [&](const std::map<std::string, Tensor>& state) {
    try {
      load(state);
    } catch (const BadInput& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const std::string all = std::to_string(own.size());
  const std::string ambiguous = problem(two);
  EXPECT_NE(ambiguous.find(all + " of the network's " + all +
                           " names are there behind 'mine.' and behind 'yours.'"),
            std::string::npos)
      << ambiguous;
  auto most = renamed(own, "mine.");
  most.erase("mine.bn1.weight");
  const std::string text = problem(most);
  EXPECT_NE(text.find("missing: 'bn1.weight' [16]"), std::string::npos) << text;
  EXPECT_NE(text.find("not in the network: 'mine.bn1.bias' [16]"), std::string::npos) << text;
  EXPECT_NE(text.find(std::to_string(own.size() - 1) + " of the network's"), std::string::npos)
      << text;
}

// Checkpoints of MadryLab's robustness library hold the network twice.
TEST(WeightNames, OfASecondCopyAreNamedWithWhatLeavesThemOut) {
  models::NetworkSpec spec = resnet_spec("B");
  const auto network = build_network(spec);
  const auto own = state_of(*network);
  auto state = renamed(own, "module.model.");
  state.merge(renamed(own, "module.attacker.model."));
  state["module.step"] = torch::tensor(3, torch::kShort);
  const auto load = [&](models::Network& into) {
    load_state(into, matched_names(state, into, "a file"), "a file");
  };
  std::string text;
  try {
    load(*network);
  } catch (const BadInput& error) {
    text = error.what();
  }
  EXPECT_NE(text.find("say ignore = [\"attacker.*\", \"step\"]"), std::string::npos) << text;
  spec.options["ignore"] = ParamList{"attacker.*", "step"};
  EXPECT_NO_THROW(load(*build_network(spec)));
}

TEST(WeightNames, AmbiguityIsNotGuessedAt) {
  const auto network = build_network(resnet_spec("A"));
  auto state = state_of(*network);
  const Tensor weight = state.at("linear.weight");
  state.erase("linear.weight");
  state["fc.weight"] = weight, state["head.weight"] = weight;
  EXPECT_THROW(load_state(*network, matched_names(state, *network, "a file"), "a file"), BadInput);
}

}  // namespace
}  // namespace gauntlet::testing
