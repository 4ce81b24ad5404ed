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
  says(sequence({{"eps", -1.0}}), "eps: -1 is not in [0, 1]");
  says(sequence({{"epss", 1e-3}}), "did you mean 'eps'?");
  says(sequence({}, {{"batchnorm_esp", 1e-3}}), "did you mean 'batchnorm_eps'?");
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
