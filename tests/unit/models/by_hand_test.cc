// Architectures against the forward passes of the projects whose checkpoints they read, written
// with LibTorch's functions and the projects' names.
#include <set>

#include "base/bad_input.h"
#include "models/architectures/build_network.h"
#include "networks.h"

namespace gauntlet::testing {
namespace {
class ByHand {
 public:
  explicit ByHand(const models::NetworkSpec& spec, double epsilon = 1e-5)
      : network_(build_network(spec, 3)), epsilon_(epsilon) {
    make_uneven(*network_);
    make_double(*network_);  // where no rounding carries a relu over its kink
    for (const models::NamedTensor& named : network_->tensors())
      tensors_[named.name] = named.tensor;
  }

  bool has(const std::string& name) const { return tensors_.count(name + ".weight"); }
  Tensor conv(const Tensor& x, const std::string& name, int64_t stride = 1) {
    const Tensor weight = get(name + ".weight");
    return torch::conv2d(x, weight, bias(name), stride, weight.size(2) / 2);
  }
  Tensor bn(const Tensor& x, const std::string& name) {
    return torch::batch_norm(x, get(name + ".weight"), get(name + ".bias"),
                             get(name + ".running_mean"), get(name + ".running_var"), false, 0.1,
                             epsilon_, false);
  }
  Tensor linear(const Tensor& x, const std::string& name) {
    return torch::linear(x, get(name + ".weight"), bias(name));
  }
  Tensor classify(const Tensor& x, const std::string& name) { return linear(x.mean({2, 3}), name); }

  void expect_same(const std::function<Tensor(ByHand&, Tensor)>& forward) {
    const Tensor x = images(network_->spec(), 2).to(torch::kDouble);
    const Tensor logits = network_->forward(x, noise_for(2), {}, models::Mode::kEvaluate).logits;
    EXPECT_LT(relative_error(logits, forward(*this, x)), 1e-10);
    for (const auto& [name, tensor] : tensors_)
      EXPECT_TRUE(used_.count(name)) << name << " is no tensor of the project's";
  }

 private:
  Tensor get(const std::string& name) {
    used_.insert(name);
    return tensors_.at(name);
  }
  Tensor bias(const std::string& name) {
    return tensors_.count(name + ".bias") ? get(name + ".bias") : Tensor();
  }

  std::unique_ptr<models::Network> network_;
  const double epsilon_;
  std::map<std::string, Tensor> tensors_;
  std::set<std::string> used_;
};

models::NetworkSpec spec_of(const char* architecture, int64_t size, ParamMap options = {}) {
  return {architecture, {3, size, size}, 10, {}, {}, std::move(options)};
}
std::string block_name(const char* stage, int number, const char* inner, int block) {
  return stage + std::to_string(number) + inner + std::to_string(block);
}

// torchvision, pytorch-cifar, pytorch_resnet_cifar10. `shortcut`: its two modules in a block.
Tensor residual(ByHand& net, Tensor x, const std::vector<int>& blocks, const std::string& shortcut,
                const char* classifier) {
  for (int stage = 1; stage <= int(blocks.size()); ++stage)
    for (int b = 0; b < blocks[size_t(stage - 1)]; ++b) {
      const std::string name = block_name("layer", stage, ".", b);
      const int64_t stride = stage > 1 && b == 0 ? 2 : 1;
      const bool bottleneck = net.has(name + ".conv3");
      Tensor out = net.conv(x, name + ".conv1", bottleneck ? 1 : stride);
      out = net.bn(out, name + ".bn1").relu();
      out = net.bn(net.conv(out, name + ".conv2", bottleneck ? stride : 1), name + ".bn2");
      if (bottleneck) out = net.bn(net.conv(out.relu(), name + ".conv3"), name + ".bn3");
      if (net.has(name + shortcut + ".0"))
        x = net.bn(net.conv(x, name + shortcut + ".0", stride), name + shortcut + ".1");
      else if (out.sizes() != x.sizes())
        x = torch::constant_pad_nd(torch::slice(torch::slice(x, 2, 0, {}, 2), 3, 0, {}, 2),
                                   {0, 0, 0, 0, x.size(1) / 2, x.size(1) / 2});
      x = (out + x).relu();
    }
  return net.classify(x, classifier);
}

TEST(ByHand, ResNetsOfCifar) {
  for (const char* shortcut : {"A", "B"})
    for (const bool bias : {false, true}) {
      ByHand net(spec_of("resnet20", 16, {{"shortcut", shortcut}, {"bias", bias}}));
      net.expect_same([](ByHand& net, Tensor x) {
        return residual(net, net.bn(net.conv(x, "conv1"), "bn1").relu(), {3, 3, 3}, ".downsample",
                        "linear");
      });
    }
}

TEST(ByHand, ResNets) {
  for (const auto& [name, blocks] :
       {std::pair<const char*, std::vector<int>>{"resnet18", {2, 2, 2, 2}},
        {"resnet50", {3, 4, 6, 3}}}) {
    ByHand(spec_of(name, 8)).expect_same([&](ByHand& net, Tensor x) {
      return residual(net, net.bn(net.conv(x, "conv1"), "bn1").relu(), blocks, ".shortcut",
                      "linear");
    });
    ByHand(spec_of(name, 32, {{"stem", "imagenet"}})).expect_same([&](ByHand& net, Tensor x) {
      x = net.bn(net.conv(x, "conv1", 2), "bn1").relu();
      return residual(net, torch::max_pool2d(x, 3, 2, 1), blocks, ".downsample", "fc");
    });
  }
}

// pytorch-cifar gives the shortcut what the convolutions get; RobustBench's PreActBlock gives it
// the block's input. Names and shapes are the same.
Tensor preact(ByHand& net, Tensor x, bool from_input) {
  x = net.conv(x, "conv1");
  for (int stage = 1; stage <= 4; ++stage)
    for (int b = 0; b < 2; ++b) {
      const std::string name = block_name("layer", stage, ".", b);
      const int64_t stride = stage > 1 && b == 0 ? 2 : 1;
      const Tensor first = net.bn(x, name + ".bn1").relu(),
                   second = net.bn(net.conv(first, name + ".conv1", stride), name + ".bn2").relu();
      if (net.has(name + ".shortcut.0"))
        x = net.conv(from_input ? x : first, name + ".shortcut.0", stride);
      x = net.conv(second, name + ".conv2") + x;
    }
  return x;
}

TEST(ByHand, PreactResNets) {
  for (const bool from_input : {false, true}) {
    const ParamMap options{{"shortcut_from", from_input ? "input" : "activated"}};
    ByHand(spec_of("preactresnet18", 8, options)).expect_same([&](ByHand& net, Tensor x) {
      return net.classify(preact(net, x, from_input), "linear");
    });
  }
  ByHand(spec_of("preactresnet18", 8, {{"final_norm", true}}))
      .expect_same([](ByHand& net, Tensor x) {
        return net.classify(net.bn(preact(net, x, false), "bn").relu(), "linear");
      });
}

TEST(ByHand, WideResNets) {
  ByHand(spec_of("wrn-28-4", 8)).expect_same([](ByHand& net, Tensor x) {
    x = net.conv(x, "conv1");
    for (int stage = 1; stage <= 3; ++stage)
      for (int b = 0; b < 4; ++b) {
        const std::string name = block_name("block", stage, ".layer.", b);
        const int64_t stride = stage > 1 && b == 0 ? 2 : 1;
        const Tensor first = net.bn(x, name + ".bn1").relu();
        Tensor out = net.bn(net.conv(first, name + ".conv1", stride), name + ".bn2").relu();
        out = net.conv(out, name + ".conv2");
        if (b == 0) x = net.conv(first, name + ".convShortcut", stride);
        x = x + out;
      }
    return net.classify(net.bn(x, "bn1").relu(), "fc");
  });
}

// MadryLab/cifar10_challenge, in TensorFlow: a stride of 2 has its zeros at the end only.
TEST(ByHand, TheWideResNetOfMadryAndOthers) {
  for (const int64_t widen : {1, 2}) {
    ByHand(spec_of("wrn-32-10", 8, {{"widen", widen}})).expect_same([&](ByHand& net, Tensor x) {
      const auto active = [&](const Tensor& a, const std::string& name) {
        return torch::leaky_relu(net.bn(a, name), 0.1);
      };
      x = net.conv(x, "conv1");
      for (int stage = 1; stage <= 3; ++stage)
        for (int b = 0; b < 5; ++b) {
          const std::string name = block_name("block", stage, ".layer.", b);
          const Tensor first = active(x, name + ".bn1");
          Tensor around = stage == 1 && b == 0 ? first : x, out;
          if (stage > 1 && b == 0) {
            around = torch::avg_pool2d(around, 2);
            // Centred on the second pixel of each pair: a convolution of stride 1, every second
            // value of it from the second one on.
            out = net.conv(first, name + ".conv1").slice(2, 1, {}, 2).slice(3, 1, {}, 2);
          } else {
            out = net.conv(first, name + ".conv1");
          }
          out = net.conv(active(out, name + ".bn2"), name + ".conv2");
          const int64_t missing = out.size(1) - around.size(1);
          x = out + torch::constant_pad_nd(around, {0, 0, 0, 0, missing / 2, missing / 2});
        }
      return net.classify(active(x, "bn1"), "fc");
    });
  }
}

TEST(ByHand, DenseNets) {
  ByHand(spec_of("densenet40", 8)).expect_same([](ByHand& net, Tensor x) {
    x = net.conv(x, "conv1");
    for (int stage = 1; stage <= 3; ++stage) {
      for (int b = 0; b < 12; ++b) {
        const std::string name = block_name("block", stage, ".layer.", b);
        x = torch::cat({x, net.conv(net.bn(x, name + ".bn1").relu(), name + ".conv1")}, 1);
      }
      if (stage == 3) break;
      const std::string name = "trans" + std::to_string(stage);
      x = torch::avg_pool2d(net.conv(net.bn(x, name + ".bn1").relu(), name + ".conv1"), 2);
    }
    return net.classify(net.bn(x, "bn1").relu(), "fc");
  });
}

// Every architecture that has batch norm takes its epsilon.
TEST(ByHand, NetworksWithTheEpsilonOfKeras) {
  const ParamMap keras{{"batchnorm_eps", 0.1}};
  ByHand(spec_of("resnet20", 8, keras), 0.1).expect_same([](ByHand& net, Tensor x) {
    return residual(net, net.bn(net.conv(x, "conv1"), "bn1").relu(), {3, 3, 3}, ".downsample",
                    "linear");
  });
  ByHand(spec_of("resnet18", 8, keras), 0.1).expect_same([](ByHand& net, Tensor x) {
    return residual(net, net.bn(net.conv(x, "conv1"), "bn1").relu(), {2, 2, 2, 2}, ".shortcut",
                    "linear");
  });
  ByHand(spec_of("preactresnet18", 8, keras), 0.1).expect_same([](ByHand& net, Tensor x) {
    return net.classify(preact(net, x, false), "linear");
  });
}

TEST(ByHand, Vgg) {
  for (const bool norm : {false, true})
    ByHand(spec_of("vgg11", 32, {{"norm", norm}})).expect_same([norm](ByHand& net, Tensor x) {
      int place = 0;
      for (const int width : {64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0}) {
        if (width == 0) {
          x = torch::max_pool2d(x, 2), ++place;
          continue;
        }
        x = net.conv(x, "features." + std::to_string(place++));
        if (norm) x = net.bn(x, "features." + std::to_string(place++));
        x = x.relu(), ++place;
      }
      return net.linear(x.flatten(1), "classifier");
    });
}

}  // namespace
}  // namespace gauntlet::testing
