// Batch norm's epsilon and momentum, which no state dict holds.
#include <set>

#include "base/bad_input.h"
#include "models/architectures/architectures.h"
#include "models/architectures/build_network.h"
#include "networks.h"

namespace gauntlet::testing {
namespace {
models::NetworkSpec sequence(ParamMap norm, ParamMap options = {}) {
  models::NetworkSpec spec;
  spec.architecture = "sequential", spec.input = {2, 4, 4}, spec.classes = 3;
  spec.options = std::move(options);
  spec.options["layers"] =
      ParamList{layer("conv", {{"out", 4}, {"kernel", 3}}), layer("batchnorm", std::move(norm)),
                layer("relu"), layer("flatten"), layer("linear", {{"out", 3}})};
  return spec;
}

Tensor logits(const models::NetworkSpec& spec, models::Mode mode) {
  const auto network = build_network(spec, 3);
  make_uneven(*network);
  return network->forward(images(spec, 4), noise_for(4), {}, mode).logits.detach();
}

TEST(BatchNorm, EpsilonOfALayerAndOfTheNetworkAreTheSame) {
  for (const models::Mode mode :
       {models::Mode::kEvaluate, models::Mode::kFolded, models::Mode::kTrain}) {
    const Tensor plain = logits(sequence({}), mode), own = logits(sequence({{"eps", 0.5}}), mode),
                 all = logits(sequence({}, {{"batchnorm_eps", 0.5}}), mode);
    EXPECT_TRUE(own.equal(all));
    EXPECT_FALSE(own.allclose(plain));
    EXPECT_TRUE(logits(sequence({{"eps", 1e-5}}, {{"batchnorm_eps", 0.5}}), mode).equal(plain))
        << "a layer's own counts";
  }
}

TEST(BatchNorm, FoldedIsWhatIsEvaluated) {
  for (const double epsilon : {0.0, 1e-3, 0.5}) {
    const models::NetworkSpec spec = sequence({{"eps", epsilon}});
    EXPECT_TRUE(logits(spec, models::Mode::kFolded)
                    .allclose(logits(spec, models::Mode::kEvaluate), 1e-4, 1e-5));
  }
}

TEST(BatchNorm, MomentumIsTheShareOfABatch) {
  for (const double momentum : {0.1, 0.01, 1.0}) {
    const auto network = build_network(sequence({}, {{"batchnorm_momentum", momentum}}), 3);
    Tensor mean, fresh;
    for (const models::NamedTensor& named : network->tensors())
      if (named.name == "1.running_mean") {
        mean = named.tensor;
        EXPECT_EQ(named.batch_share, momentum);
      }
    network->forward(images(network->spec(), 8), noise_for(8), {}, models::Mode::kTrain);
    const Tensor share = mean.clone();
    const auto whole = build_network(sequence({{"momentum", 1.0}}), 3);
    whole->forward(images(whole->spec(), 8), noise_for(8), {}, models::Mode::kTrain);
    for (const models::NamedTensor& named : whole->tensors())
      if (named.name == "1.running_mean") fresh = named.tensor;
    EXPECT_TRUE(share.allclose(fresh * momentum, 1e-5, 1e-7)) << momentum;
  }
}

TEST(BatchNorm, OptionsWithoutEffectOrOutOfRangeAreRefused) {
  const auto problem = [](const models::NetworkSpec& spec) -> std::string {
    try {
      build_network(spec);
    } catch (const BadInput& error) {
      return error.what();
    }
    return "";
  };
  const auto says = [&](const models::NetworkSpec& spec, const std::string& words) {
    EXPECT_NE(problem(spec).find(words), std::string::npos) << problem(spec);
  };
  models::NetworkSpec without{"cnn-a", {1, 28, 28}, 10, {}, {}, {{"batchnorm_eps", 1e-3}}};
  says(without, "batchnorm_eps: the network has no batch norm");
  models::NetworkSpec vgg{"vgg11", {3, 32, 32}, 10,
                          {},      {},          {{"norm", false}, {"batchnorm_momentum", 0.1}}};
  says(vgg, "batchnorm_momentum: the network has no batch norm");
  without.options = {{"batchnorm_branches", 2}};
  says(without, "batchnorm_branches: the network has no batch norm");
  says(sequence({}, {{"batchnorm_branches", 0}}), "batchnorm_branches: 0 is not in [1, 16]");
  says(sequence({{"eps", -1.0}}), "eps: -1 is not in [0, 1]");
  says(sequence({{"epss", 1e-3}}), "did you mean 'eps'?");
  says(sequence({}, {{"batchnorm_esp", 1e-3}}), "did you mean 'batchnorm_eps'?");
}

const ParamMap kTwoBranches{{"batchnorm_branches", 2}};
const std::vector<models::Mode> kEveryMode = {models::Mode::kEvaluate, models::Mode::kFolded,
                                              models::Mode::kTrain};

Tensor through(models::Network& network, int64_t branch, models::Mode mode) {
  const models::ThroughBranch guard(network, branch);
  return network.forward(images(network.spec(), 4), noise_for(4), {}, mode).logits.detach();
}
// The tensors of one branch as those of a network that has no other.
std::map<std::string, Tensor> of_branch(const models::Network& network, const std::string& branch) {
  std::map<std::string, Tensor> out;
  for (const auto& [name, tensor] : state_of(network)) {
    const size_t at = name.find(".branch");
    if (at == std::string::npos) out.emplace(name, tensor);
  }
  for (const auto& [name, tensor] : state_of(network))
    if (const size_t at = name.find("." + branch + "."); at != std::string::npos)
      out[name.substr(0, at) + name.substr(at + branch.size() + 1)] = tensor;
  return out;
}

TEST(BatchNormBranches, OneIsWhatANetworkHas) {
  const auto plain = build_network(sequence({}), 3),
             said = build_network(sequence({}, {{"batchnorm_branches", 1}}), 3);
  EXPECT_EQ(plain->batch_norm_branches(), 1);
  EXPECT_EQ(said->batch_norm_branches(), 1);
  EXPECT_EQ(state_of(*plain).size(), state_of(*said).size());
  for (const models::Mode mode : kEveryMode)
    EXPECT_TRUE(through(*plain, 0, mode).equal(through(*said, 0, mode)));
}

TEST(BatchNormBranches, HaveTensorsOfTheirOwn) {
  const auto network = build_network(sequence({}, kTwoBranches), 3);
  EXPECT_EQ(network->batch_norm_branches(), 2);
  int64_t beside = 0;
  for (const models::NamedTensor& named : network->tensors()) {
    EXPECT_EQ(named.branch, named.name.find(".branch1.") == std::string::npos ? 0 : 1)
        << named.name;
    beside += named.branch;
  }
  EXPECT_EQ(beside, 4);
  const auto state = state_of(*network);
  for (const char* name :
       {"1.branch1.weight", "1.branch1.bias", "1.branch1.running_mean", "1.branch1.running_var"})
    EXPECT_TRUE(state.contains(name)) << name;
}

// What a branch gives is what a network with its tensors alone would give.
TEST(BatchNormBranches, AreGoneThroughOneAtATime) {
  for (const auto& spec : {sequence({}, kTwoBranches), [] {
                             models::NetworkSpec mixed = mixed_spec();
                             mixed.options["batchnorm_branches"] = 2;
                             return mixed;
                           }()}) {
    models::NetworkSpec alone = spec;
    alone.options.erase("batchnorm_branches");
    for (const models::Mode mode : kEveryMode) {
      const auto network = build_network(spec, 3), main = build_network(alone, 3),
                 beside = build_network(alone, 3);
      make_uneven(*network);
      load_state(*main, of_branch(*network, "main"), "branch 0");
      load_state(*beside, of_branch(*network, "branch1"), "branch 1");
      const Tensor by_main = through(*main, 0, mode), by_beside = through(*beside, 0, mode);
      EXPECT_FALSE(by_main.allclose(by_beside, 1e-3, 1e-3));
      for (int turn = 0; turn < 2; ++turn) {  // what one folds, the other must not see
        EXPECT_TRUE(through(*network, 0, mode).allclose(by_main, 1e-5, 1e-6)) << turn;
        EXPECT_TRUE(through(*network, 1, mode).allclose(by_beside, 1e-5, 1e-6)) << turn;
      }
      // Nobody says which: the first.
      EXPECT_TRUE(network->forward(images(spec, 4), noise_for(4), {}, mode)
                      .logits.allclose(by_main, 1e-5, 1e-6));
    }
  }
}

TEST(BatchNormBranches, KeepStatisticsOfTheirOwnInputs) {
  const auto network = build_network(sequence({}, kTwoBranches), 3);
  const auto moved = [&](int64_t branch) {
    const auto before = state_of(*network);
    through(*network, branch, models::Mode::kTrain);
    std::set<std::string> names;
    for (const auto& [name, tensor] : state_of(*network))
      if (!tensor.equal(before.at(name))) names.insert(name);
    return names;
  };
  using Names = std::set<std::string>;
  EXPECT_EQ(moved(1), (Names{"1.branch1.running_mean", "1.branch1.running_var"}));
  EXPECT_EQ(moved(0), (Names{"1.running_mean", "1.running_var"}));
}

TEST(BatchNormBranches, AreSavedAndReadBack) {
  const auto network = build_network(sequence({}, kTwoBranches), 3),
             other = build_network(sequence({}, kTwoBranches), 4);
  make_uneven(*network);
  load_state(*other, state_of(*network), "what was saved");
  for (const int64_t branch : {0, 1})
    EXPECT_TRUE(through(*other, branch, models::Mode::kEvaluate)
                    .equal(through(*network, branch, models::Mode::kEvaluate)));
  const auto single = build_network(sequence({}), 3);
  try {
    load_state(*other, state_of(*single), "one branch");
    ADD_FAILURE() << "nothing was thrown";
  } catch (const BadInput& error) {
    EXPECT_NE(std::string(error.what()).find("1.branch1.running_mean"), std::string::npos)
        << error.what();
  }
  // The main branch alone, for a network that has no other.
  const auto main = build_network(sequence({}, {{"ignore", ParamList{"*.branch1.*"}}}), 5);
  load_state(*main, state_of(*network), "two branches");
  EXPECT_TRUE(through(*main, 0, models::Mode::kEvaluate)
                  .equal(through(*network, 0, models::Mode::kEvaluate)));
}

TEST(BatchNorm, HasAnEpsilonInEveryArchitectureThatHasOne) {
  const std::set<std::string> without{"smallcnn", "lenet5", "cnn-a", "cresnet-2b", "cresnet-4b"};
  for (const std::string& name : models::architecture_names()) {
    if (name == "sequential") continue;
    const models::NetworkSpec spec{name, {3, 32, 32}, 10, {}, {}, {{"batchnorm_eps", 1e-3}}};
    if (without.count(name))
      EXPECT_THROW(check_network(spec), BadInput) << name;
    else
      EXPECT_NO_THROW(check_network(spec)) << name;
  }
}

}  // namespace
}  // namespace gauntlet::testing
