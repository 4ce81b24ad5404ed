// How plugins are called inside layers.
#include "base/bad_input.h"
#include "models/architectures/build_network.h"
#include "networks.h"

namespace gauntlet::testing {
namespace {
std::vector<int64_t> row(const Tensor& t) { return t.sizes().slice(1).vec(); }

// Notes every call and gives back what it was given, or a copy of it.
struct Recorder final : PerturbsLayers {
  struct Call {
    std::string hook, layer;
    uint32_t noise_layer, noise_call;
  };
  std::vector<Call> calls;
  bool copies = true;

  Tensor note(const char* hook, const Layer& layer, const Tensor& t, Noise& noise) {
    calls.push_back({hook, layer.name, noise.key.layer, noise.key.call});
    (void)noise.uniform({1});
    return copies ? t.clone() : t;
  }
  Tensor weight(const Layer& layer, const Tensor& w, Noise& noise) override {
    EXPECT_EQ(w.sizes().vec(), layer.weight_shape) << layer.name;
    EXPECT_TRUE(w.is_contiguous()) << layer.name;
    return note("weight", layer, w, noise);
  }
  Tensor input(const Layer& layer, const Tensor& a, Noise& noise) override {
    EXPECT_EQ(row(a), layer.input) << layer.name;
    return note("input", layer, a, noise);
  }
  Tensor output(const Layer& layer, const Tensor& a, Noise& noise) override {
    EXPECT_EQ(row(a), layer.output) << layer.name;
    return note("output", layer, a, noise);
  }
};

TEST(Hooks, SeeEveryLayerOnceInOrderWithNoiseOfItsOwn) {
  for (const models::Mode mode :
       {models::Mode::kTrain, models::Mode::kEvaluate, models::Mode::kFolded}) {
    const auto network = build_network(resnet_spec("B"));
    Recorder recorder;
    (void)network->forward(images(network->spec(), 2), noise_for(2), {&recorder}, mode);
    ASSERT_EQ(recorder.calls.size(), 3 * network->layers().size());
    for (size_t i = 0; i < recorder.calls.size(); ++i) {
      const char* hooks[] = {"weight", "input", "output"};
      EXPECT_EQ(recorder.calls[i].hook, hooks[i % 3]);
      EXPECT_EQ(recorder.calls[i].layer, network->layers()[i / 3].name);
      EXPECT_EQ(recorder.calls[i].noise_layer, 16 + i / 3);
      EXPECT_EQ(recorder.calls[i].noise_call, i % 3) << "one source for all hooks of a layer";
    }
  }
}

TEST(Hooks, ThatGiveBackTheirArgumentChangeNoBit) {
  const auto network = build_network(resnet_spec("A"), 4);
  make_uneven(*network);
  const Tensor x = images(network->spec(), 3);
  Recorder recorder;
  recorder.copies = false;
  for (const models::Mode mode : {models::Mode::kEvaluate, models::Mode::kFolded}) {
    (void)ask(*network, x, {&recorder}, mode);  // folded: finds out that output() does nothing
    const Answer with = ask(*network, x, {&recorder}, mode), without = ask(*network, x, {}, mode);
    EXPECT_TRUE(with.logits.equal(without.logits));
    EXPECT_TRUE(with.gradient.equal(without.gradient));
  }
}

TEST(Hooks, ActInTheOrderOfThePlugins) {
  struct Scale final : PerturbsLayers {
    Tensor input(const Layer& l, const Tensor& a, Noise&) override {
      return l.index == 0 ? a * 2 : a;
    }
  } scale;
  struct Shift final : PerturbsLayers {
    Tensor input(const Layer& l, const Tensor& a, Noise&) override {
      return l.index == 0 ? a + 1 : a;
    }
  } shift;
  models::NetworkSpec spec;
  spec.architecture = "sequential", spec.input = {1, 2, 2}, spec.classes = 2;
  spec.options["layers"] = ParamList{layer("flatten"), layer("linear", {{"out", 2}})};
  const auto network = build_network(spec);
  const Tensor x = images(spec, 3);
  const auto logits = [&](const Tensor& input, const std::vector<PerturbsLayers*>& plugins) {
    return network->forward(input, noise_for(3), plugins, models::Mode::kEvaluate).logits;
  };
  EXPECT_TRUE(logits(x, {&scale, &shift}).allclose(logits(2 * x + 1, {})));
  EXPECT_TRUE(logits(x, {&shift, &scale}).allclose(logits(2 * (x + 1), {})));
}

// A learned amount of weight noise, as PNI has.
struct Learner final : PerturbsLayers {
  void declare(const Layer& layer, Parameters& parameters) override {
    if (layer.kind == Layer::Kind::kConv)
      parameters.add("alpha", torch::full({1}, 0.25), /*weight_decay=*/false, "noise");
  }
  Tensor weight(const Layer& layer, const Tensor& w, Noise& noise) override {
    if (!layer.learned.count("alpha")) return w;
    return w + layer.learned.at("alpha") * noise.shared_normal(w.sizes());
  }
};

TEST(Learned, TensorsAreNamedTrainedAndSaved) {
  const auto network = build_network(resnet_spec("A"));
  Learner learner;
  network->declare(learner, "pni");
  network->set_trainable(true);
  std::map<std::string, models::NamedTensor> named;
  for (const models::NamedTensor& t : network->tensors()) named[t.name] = t;
  ASSERT_TRUE(named.count("layer1.0.conv1.pni.alpha"));
  EXPECT_FALSE(named.count("linear.pni.alpha"));
  const models::NamedTensor& alpha = named.at("layer1.0.conv1.pni.alpha");
  EXPECT_FALSE(alpha.weight_decay);
  EXPECT_EQ(alpha.optimizer, "noise");

  const Tensor x = images(network->spec(), 4);
  network->forward(x, noise_for(4), {&learner}, models::Mode::kTrain)
      .logits.square()
      .sum()
      .backward();
  EXPECT_TRUE(alpha.tensor.grad().defined());
  EXPECT_GT(alpha.tensor.grad().abs().item<double>(), 0);
  EXPECT_FALSE(
      network->forward(x, noise_for(4), {&learner}, models::Mode::kFolded).logits.requires_grad());
}

TEST(Learned, TensorsActFromTheValueTheyHaveNow) {
  const auto network = build_network(resnet_spec("A"), 6);
  Learner learner;
  network->declare(learner, "pni");
  const Tensor x = images(network->spec(), 4);
  (void)ask(*network, x, {&learner}, models::Mode::kFolded);
  for (const models::NamedTensor& t : network->tensors())
    if (t.name.ends_with("alpha")) t.tensor.fill_(0.01);
  const Answer folded = ask(*network, x, {&learner}, models::Mode::kFolded),
               plain = ask(*network, x, {&learner}, models::Mode::kEvaluate);
  EXPECT_LT(relative_error(folded.logits, plain.logits), 1e-5);  // float32 roundings, see Folding
}

TEST(Learned, NamesOfTwoPluginsMustDiffer) {
  const auto network = build_network(resnet_spec("A"));
  Learner learner;
  network->declare(learner, "pni");
  EXPECT_THROW(network->declare(learner, "pni"), BadInput);
}

}  // namespace
}  // namespace gauntlet::testing
