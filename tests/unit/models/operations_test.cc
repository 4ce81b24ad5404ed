// Operations that plugins build networks of, against what LibTorch computes of the same numbers.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/bad_input.h"
#include "base/invalid_result.h"
#include "models/architectures/build_network.h"
#include "networks.h"

namespace gauntlet::testing {
namespace {
using Builds = std::function<void(NetworkBuilder&)>;
using Smooth = NetworkBuilder::Smooth;

models::NetworkSpec built_by(Builds builds, std::vector<int64_t> input = {4, 6, 6}) {
  models::NetworkSpec spec;
  spec.architecture = "built", spec.input = std::move(input), spec.classes = 3;
  spec.builds = std::move(builds);
  return spec;
}

// A network that ends in a linear layer behind one operation.
models::NetworkSpec behind(const std::function<int(NetworkBuilder&, int)>& operation) {
  return built_by([operation](NetworkBuilder& b) {
    const int value = operation(b, b.input());
    b.feature(value, "here");
    b.linear(b.flatten(value), "fc", b.classes());
  });
}

// What the operation gives for these images.
Tensor value_of(const std::function<int(NetworkBuilder&, int)>& operation, const Tensor& x) {
  const auto network = build_network(behind(operation), 3);
  return network->forward(x, noise_for(x.size(0)), {}, models::Mode::kEvaluate, {"here"})
      .heads.at("here");
}

Tensor some_images(int64_t rows = 3) { return noise_for(rows, 5).uniform({4, 6, 6}) * 2 - 1; }

TEST(Operations, AreWhatLibTorchComputes) {
  const Tensor x = some_images();
  const auto one = [&](auto method) {
    return value_of([&](NetworkBuilder& b, int from) { return method(b, from); }, x);
  };
  using B = NetworkBuilder;
  const auto smooth = [&](Smooth which) {
    return one([which](B& b, int v) { return b.smooth(v, which); });
  };
  EXPECT_TRUE(smooth(Smooth::kSilu).allclose(x * x.sigmoid()));
  EXPECT_TRUE(smooth(Smooth::kSoftplus).allclose((1 + x.exp()).log()));
  EXPECT_TRUE(
      smooth(Smooth::kGelu).allclose(x * 0.5 * (1 + (x / std::sqrt(2.0)).erf()), 1e-5, 1e-6));
  EXPECT_TRUE(smooth(Smooth::kElu).allclose(torch::where(x > 0, x, x.exp() - 1), 1e-5, 1e-6));
  EXPECT_TRUE(smooth(Smooth::kTanh).equal(x.tanh()));
  EXPECT_TRUE(smooth(Smooth::kSigmoid).equal(x.sigmoid()));
  const Tensor groups = x.view({3, 2, 2 * 36});
  const Tensor normalised =
      (groups - groups.mean(2, true)) / (groups.var(2, /*unbiased=*/false, true) + 1e-5).sqrt();
  EXPECT_TRUE(one([](B& b, int v) {
                return b.group_norm(v, "gn", 2);
              }).allclose(normalised.view_as(x), 1e-4, 1e-5));
  EXPECT_TRUE(one([](B& b, int v) { return b.scale(v, -0.5); }).equal(-0.5 * x));
  EXPECT_TRUE(one([](B& b, int v) { return b.mul(v, b.relu(v)); }).equal(x * x.relu()));
  EXPECT_TRUE(one([](B& b, int v) {
                return b.mul(v, b.global_avg_pool(v));
              }).equal(x * x.mean({2, 3}, true)));
  const Tensor flat = x.view({3, 4, 36});
  EXPECT_TRUE(one([](B& b, int v) { return b.reshape(v, {4, 36}); }).equal(flat));
  EXPECT_TRUE(one([](B& b, int v) {
                return b.softmax(b.reshape(v, {4, 36}));
              }).equal(flat.softmax(2)));
  EXPECT_TRUE(one([](B& b, int v) {
                const int m = b.reshape(v, {4, 36});
                return b.matmul(m, b.transpose(m));
              }).allclose(flat.matmul(flat.transpose(1, 2))));
}

// On a convolution, whose values the network may overwrite, and on the image, whose it may not.
TEST(Operations, LeakyReluIsThatOfLibTorchAndSoIsItsGradient) {
  const Tensor x = some_images();
  const Tensor plain = value_of([](NetworkBuilder& b, int v) { return b.leaky_relu(v); }, x);
  EXPECT_TRUE(plain.equal(torch::leaky_relu(x)));
  EXPECT_TRUE(plain.allclose(torch::where(x > 0, x, 0.01 * x)));
  for (const double slope : {0.01, 0.25, 1.5, 0.0, -0.5}) {
    const auto network = build_network(
        built_by([slope](NetworkBuilder& b) {
          const int conv = b.conv(b.input(), "conv", {.out = 4, .padding = 1, .bias = true});
          const int sum = b.add(b.leaky_relu(conv, slope), b.leaky_relu(b.input(), slope));
          b.linear(b.flatten(sum), "fc", b.classes());
        }),
        3);
    std::map<std::string, Tensor> state = state_of(*network);
    const Tensor leaf = x.clone().requires_grad_(true);
    const Tensor conv = torch::conv2d(leaf, state["conv.weight"], state["conv.bias"], 1, 1);
    ASSERT_LT(conv.min().item<float>(), 0);
    ASSERT_GT(conv.max().item<float>(), 0);
    const Tensor sum = torch::leaky_relu(conv, slope) + torch::leaky_relu(leaf, slope);
    const Tensor logits = torch::linear(sum.flatten(1), state["fc.weight"], state["fc.bias"]);
    const Tensor weighting = noise_for(3, 77).normal({3});  // that of ask()
    const Tensor gradient = torch::autograd::grad({(logits * weighting).sum()}, {leaf})[0];
    for (const models::Mode mode : {models::Mode::kEvaluate, models::Mode::kFolded}) {
      const Answer answer = ask(*network, x, {}, mode);
      EXPECT_LT(relative_error(answer.logits, logits.detach()), 1e-5) << slope;
      EXPECT_LT(relative_error(answer.gradient, gradient), 1e-5) << slope;
    }
  }
}

TEST(Operations, LeakyReluHasAFiniteSlope) {
  for (const double slope : {std::nan(""), std::numeric_limits<double>::infinity()})
    EXPECT_THROW(
        build_network(behind([slope](NetworkBuilder& b, int v) { return b.leaky_relu(v, slope); })),
        BadInput);
}

TEST(Operations, MediansAndLargerImagesByHand) {
  const Tensor x = some_images(2);
  const Tensor median = value_of([](NetworkBuilder& b, int v) { return b.median_filter(v, 3); }, x);
  ASSERT_EQ(median.sizes(), x.sizes());
  const auto at = [&](int64_t i, int64_t j) {  // mirrored at the border
    const auto inside = [](int64_t k) { return k < 0 ? -k : k > 5 ? 10 - k : k; };
    return x[1][2][inside(i)][inside(j)].item<float>();
  };
  for (const auto& [i, j] : std::vector<std::pair<int64_t, int64_t>>{{2, 3}, {0, 0}, {5, 1}}) {
    std::vector<float> window;
    for (int64_t a = -1; a <= 1; ++a)
      for (int64_t b = -1; b <= 1; ++b) window.push_back(at(i + a, j + b));
    std::sort(window.begin(), window.end());
    EXPECT_EQ(median[1][2][i][j].item<float>(), window[4]);
  }
  const Tensor repeated = value_of([](NetworkBuilder& b, int v) { return b.upsample(v, 2); }, x);
  EXPECT_TRUE(repeated.equal(x.repeat_interleave(2, 2).repeat_interleave(2, 3)));
  const Tensor linear =
      value_of([](NetworkBuilder& b, int v) { return b.upsample(v, 2, true); }, x);
  EXPECT_EQ(linear.sizes(), at::IntArrayRef({2, 4, 12, 12}));
  // A quarter of the way from one centre to the next.
  EXPECT_TRUE(linear.select(2, 0).select(2, 1).allclose(0.75 * x.select(2, 0).select(2, 0) +
                                                        0.25 * x.select(2, 0).select(2, 1)));
}

// Attention, group norm, smooth bends, a median and an operation of its own.
models::NetworkSpec all_of_them() {
  return built_by(
      [](NetworkBuilder& b) {
        int v = b.conv(b.input(), "conv1", {.out = 8, .kernel = 3, .padding = 1});
        v = b.smooth(b.batch_norm(v, "bn1"), Smooth::kSilu);
        const int rows = b.reshape(v, {8, 36});
        const int weights = b.softmax(b.scale(b.matmul(rows, b.transpose(rows)), 0.1));
        v = b.add(v, b.reshape(b.matmul(weights, rows), {8, 6, 6}));
        v = b.relu(b.group_norm(v, "gn", 4));
        v = b.mul(v, b.smooth(b.global_avg_pool(v), Smooth::kSigmoid));
        v = b.median_filter(b.upsample(v, 2), 3);
        const int gated =
            b.custom({v}, "gate",
                     {.shape = {8, 12, 12},
                      .parameters = {{"slope", torch::full({8, 1, 1}, 0.5)}},
                      .function = [](const std::vector<Tensor>& values, const auto& parameters) {
                        return values[0] * (values[0] * parameters.at("slope")).sigmoid();
                      }});
        b.linear(b.flatten(b.global_avg_pool(gated)), "fc", b.classes());
      },
      {3, 6, 6});
}

TEST(Operations, AgreeInEveryMode) {
  const auto network = build_network(all_of_them(), 3);
  make_uneven(*network);
  const Tensor x = images(network->spec(), 5);
  const Answer plain = ask(*network, x, {}, models::Mode::kEvaluate),
               folded = ask(*network, x, {}, models::Mode::kFolded),
               half = ask(*network, x, {}, models::Mode::kFoldedHalf);
  EXPECT_GT(plain.gradient.abs().max().item<float>(), 0);
  EXPECT_LT(relative_error(folded.logits, plain.logits), 1e-5);
  EXPECT_LT(relative_error(folded.gradient, plain.gradient), 1e-4);
  EXPECT_LT(relative_error(half.logits, plain.logits), 0.05);
  EXPECT_EQ(half.logits.scalar_type(), torch::kFloat);
  for (int64_t i = 0; i < 5; ++i)  // rows do not know of each other
    EXPECT_LT(relative_error(ask(*network, x.narrow(0, i, 1), {}, models::Mode::kEvaluate).logits,
                             plain.logits.narrow(0, i, 1)),
              1e-5);
}

TEST(Operations, HaveTheSlopeOfTheirValues) {
  const auto network = build_network(all_of_them(), 4);
  make_uneven(*network);
  make_double(*network);
  const Tensor x = images(network->spec(), 3).to(torch::kDouble);
  const Answer at = ask(*network, x, {}, models::Mode::kEvaluate);
  const Tensor weighting = noise_for(3, 77).normal({3}), along = torch::sin(x * 40);
  const auto value = [&](double step) {
    const Tensor z = ask(*network, x + step * along, {}, models::Mode::kEvaluate).logits;
    return (z * weighting).sum().item<double>();
  };
  const double slope = (value(1e-6) - value(-1e-6)) / 2e-6;
  EXPECT_NEAR(slope, (at.gradient * along).sum().item<double>(), 1e-5 * std::abs(slope) + 1e-8);
}

TEST(Operations, TrainWhatTheyDeclare) {
  const auto network = build_network(all_of_them(), 3);
  network->set_trainable(true);
  std::map<std::string, models::NamedTensor> named;
  for (const models::NamedTensor& t : network->tensors()) named[t.name] = t;
  ASSERT_TRUE(named.count("gate.slope"));
  ASSERT_TRUE(named.count("gn.weight"));
  EXPECT_TRUE(named.at("gate.slope").weight_decay);
  EXPECT_FALSE(named.at("gn.weight").weight_decay);
  const Tensor x = images(network->spec(), 4);
  network->forward(x, noise_for(4), {}, models::Mode::kTrain).logits.square().sum().backward();
  for (const char* name : {"gate.slope", "gn.weight", "gn.bias"}) {
    ASSERT_TRUE(named.at(name).tensor.grad().defined()) << name;
    EXPECT_GT(named.at(name).tensor.grad().abs().max().item<float>(), 0) << name;
  }
  EXPECT_FALSE(network->forward(x, noise_for(4), {}, models::Mode::kFolded).logits.requires_grad());
  // What is loaded acts.
  const Tensor before = network->forward(x, noise_for(4), {}, models::Mode::kFolded).logits;
  auto state = state_of(*network);
  state["gate.slope"].fill_(2);
  load_state(*network, state, "a file");
  const Tensor after = network->forward(x, noise_for(4), {}, models::Mode::kFolded).logits;
  EXPECT_FALSE(after.allclose(before));
}

// A gradient inside of the network, as CIFS takes that of its probe: d/dv of a sum of squares is
// 2v.
TEST(Operations, OfAPluginMayDifferentiateInside) {
  const auto network = build_network(behind([](NetworkBuilder& b, int from) {
    return b.custom(
        {from}, "slope",
        {.shape = b.shape(from), .function = [](const std::vector<Tensor>& values, const auto&) {
           const Tensor v =
               values[0].requires_grad() ? values[0] : values[0].detach().requires_grad_(true);
           return torch::autograd::grad({v.pow(3).sum()}, {v}, {}, true, true)[0];
         }});
  }));
  const Tensor x = some_images();
  for (const models::Mode mode : {models::Mode::kEvaluate, models::Mode::kFolded}) {
    const at::NoGradGuard no_graph;
    const Outputs out = network->forward(x, noise_for(3), {}, mode, {"here"});
    EXPECT_TRUE(out.heads.at("here").allclose(3 * x * x));
    EXPECT_FALSE(out.logits.requires_grad());
  }
  const Tensor leaf = x.clone().requires_grad_(true);
  const Tensor inner =
      network->forward(leaf, noise_for(3), {}, models::Mode::kFolded, {"here"}).heads.at("here");
  EXPECT_TRUE(torch::autograd::grad({inner.sum()}, {leaf})[0].allclose(6 * x));
}

void expect_refused(const Builds& wrong, const std::string& why) {
  try {
    build_network(built_by(wrong));
    ADD_FAILURE() << "nothing was thrown: " << why;
  } catch (const BadInput& error) {
    EXPECT_NE(std::string(error.what()).find(why), std::string::npos) << error.what();
  }
}

TEST(Operations, SayWhichShapesDoNotFit) {
  using B = NetworkBuilder;
  expect_refused([](B& b) { b.group_norm(b.input(), "gn", 3); },
                 "4 channels are no 3 equal groups");
  expect_refused([](B& b) { b.mul(b.input(), b.flatten(b.input())); }, "a product of shapes");
  expect_refused([](B& b) { b.matmul(b.input(), b.input()); }, "a matrix product needs");
  expect_refused([](B& b) { b.transpose(b.input()); }, "a transpose needs a matrix");
  expect_refused([](B& b) { b.reshape(b.input(), {4, 35}); }, "has not the numbers of");
  expect_refused([](B& b) { b.reshape(b.input(), {}); }, "the shape is empty");
  expect_refused([](B& b) { b.median_filter(b.input(), 4); }, "is not odd");
  expect_refused([](B& b) { b.median_filter(b.input(), 13); }, "does not fit");
  expect_refused([](B& b) { b.upsample(b.input(), 0); }, "factor = 0");
  expect_refused([](B& b) { b.scale(b.input(), NAN); }, "not finite");
  expect_refused([](B& b) { b.custom({b.input()}, "own", {.shape = {3}, .function = {}}); },
                 "'own' has no function");
  expect_refused(
      [](B& b) {
        b.custom({b.input()}, "own",
                 {.shape = {},
                  .function = [](const std::vector<Tensor>& v, const auto&) { return v[0]; }});
      },
      "does not say the shape");
  expect_refused(
      [](B& b) {
        b.custom({b.input()}, "own",
                 {.shape = {3},
                  .parameters = {{"a.weight", torch::zeros({1})}},
                  .function = [](const std::vector<Tensor>& v, const auto&) { return v[0]; }});
      },
      "'a.weight' is empty or has a dot");
}

// What it throws names the operation.
template <class Error>
void expect_failure(const std::function<Tensor(const Tensor&)>& function, const std::string& why) {
  const auto network = build_network(behind([&](NetworkBuilder& b, int from) {
    return b.custom({from}, "own",
                    {.shape = {2, 3, 3},
                     .function = [function](const std::vector<Tensor>& values, const auto&) {
                       return function(values[0]);
                     }});
  }));
  const at::NoGradGuard no_graph;
  try {
    network->forward(some_images(), noise_for(3), {}, models::Mode::kEvaluate);
    ADD_FAILURE() << "nothing was thrown: " << why;
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(why), std::string::npos) << error.what();
  }
}

TEST(Operations, OfAPluginAreHeldToWhatTheyPromise) {
  expect_failure<InvalidResult>([](const Tensor& v) { return v; }, "operation 'own' gave [3, 4, 6");
  expect_failure<InvalidResult>([](const Tensor&) { return Tensor(); }, "'own' gave no tensor");
  expect_failure<InvalidResult>([](const Tensor& v) { return Tensor(v).mul_(2); },
                                "'own' writes into values");
  expect_failure<PluginFailure>(
      [](const Tensor&) -> Tensor { throw std::runtime_error("it gave up"); },
      "operation 'own': it gave up");
}

// bfloat16 and float32 meet: a sum in place would round to the former.
TEST(Operations, RoundAlikeWhetherOrNotAValueIsAskedFor) {
  const auto network = build_network(built_by([](NetworkBuilder& b) {
    const int coarse = b.conv(b.input(), "coarse", {.out = 4, .kernel = 3}),
              fine = b.group_norm(b.conv(b.input(), "fine", {.out = 4, .kernel = 3}), "gn", 2);
    b.feature(coarse, "coarse");
    b.linear(b.flatten(b.global_avg_pool(b.add(coarse, fine))), "fc", b.classes());
  }));
  const Tensor x = some_images();
  for (const models::Mode mode : {models::Mode::kFoldedHalf, models::Mode::kEvaluate}) {
    const Outputs without = network->forward(x, noise_for(3), {}, mode),
                  with = network->forward(x, noise_for(3), {}, mode, {"coarse"});
    EXPECT_TRUE(with.logits.equal(without.logits));
    EXPECT_TRUE(with.heads.count("coarse"));
  }
}

}  // namespace
}  // namespace gauntlet::testing
