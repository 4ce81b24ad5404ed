#include "table.h"

namespace gauntlet::testing {
namespace {
struct Normalisation {
  std::vector<double> mean = {}, std = {};
};
const Normalisation kNone, kMnist{{0.1307}, {0.3081}},
    kImageNet{{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}},
    kOval{{0.485, 0.456, 0.406}, {0.225, 0.225, 0.225}},
    kSdp{{0.4914, 0.4824, 0.4467}, {0.2471, 0.2435, 0.2616}},
    kEran{{0.4914, 0.4822, 0.4465}, {0.2023, 0.1994, 0.2010}},
    kSiam{{0.491, 0.482, 0.447}, {0.247, 0.243, 0.262}},
    kGauntlet{{0.4914, 0.4822, 0.4465}, {0.2470, 0.2435, 0.2616}};

ParamValue layer(const char* type, ParamMap rest = {}) {
  rest["type"] = type;
  return rest;
}
ParamValue conv(int64_t out, int64_t kernel, int64_t stride, int64_t padding,
                const char* name = nullptr) {
  ParamMap table{{"out", out}, {"kernel", kernel}, {"stride", stride}, {"padding", padding}};
  if (name) table["name"] = name;
  return layer("conv", table);
}
ParamValue linear(int64_t out, const char* name = nullptr) {
  ParamMap table{{"out", out}};
  if (name) table["name"] = name;
  return layer("linear", table);
}
const ParamValue kRelu = layer("relu"), kFlatten = layer("flatten");

models::NetworkSpec sequential(int64_t channels, const Normalisation& norm, ParamList layers) {
  models::NetworkSpec spec;
  spec.architecture = "sequential", spec.classes = 10;
  spec.input = channels == 1 ? std::vector<int64_t>{1, 28, 28} : std::vector<int64_t>{3, 32, 32};
  spec.mean = norm.mean, spec.std = norm.std;
  spec.options["layers"] = std::move(layers);
  return spec;
}

models::NetworkSpec named(const char* architecture, int64_t channels,
                          const Normalisation& norm = kNone, ParamMap options = {}) {
  const int64_t size = channels == 1 ? 28 : 32;
  return {architecture, {channels, size, size}, 10, norm.mean, norm.std, std::move(options)};
}
models::NetworkSpec cnn_a(int64_t channels, const Normalisation& norm = kNone, int64_t width = 16,
                          int64_t padding = 1) {
  return named("cnn-a", channels, norm, {{"width", width}, {"padding", padding}});
}
models::NetworkSpec small_cnn(const char* names) {
  return named("smallcnn", 1, kNone, {{"names", names}});
}
models::NetworkSpec cnn_a_deep() {
  return sequential(3, kOval,
                    {conv(8, 4, 2, 1), kRelu, conv(8, 3, 1, 1), kRelu, conv(8, 3, 1, 1), kRelu,
                     conv(8, 4, 2, 1), kRelu, kFlatten, linear(100), kRelu, linear(10)});
}
models::NetworkSpec marabou_large() {
  return sequential(3, kNone,
                    {conv(32, 4, 2, 0), kRelu, conv(64, 4, 2, 0), kRelu, kFlatten, linear(128),
                     kRelu, linear(64), kRelu, linear(10)});
}
models::NetworkSpec madry_tiny() {
  return sequential(
      1, kNone,
      {conv(4, 5, 2, 2), kRelu, conv(8, 5, 2, 2), kRelu, kFlatten, linear(128), kRelu, linear(10)});
}
models::NetworkSpec convmed() {
  models::NetworkSpec spec = sequential(
      1, kMnist,
      {conv(32, 5, 2, 2, "blocks.layers.1.conv"), kRelu, conv(64, 4, 2, 1, "blocks.layers.3.conv"),
       kRelu, kFlatten, linear(100, "blocks.layers.6.linear"), kRelu,
       linear(10, "blocks.layers.8.linear")});
  spec.options["ignore"] = ParamList{"*.deepz_lambda"};  // the certifier's
  return spec;
}
models::NetworkSpec resnet(const char* architecture, const Normalisation& norm,
                           ParamMap options = {}) {
  return named(architecture, 3, norm, std::move(options));
}
}  // namespace

const std::vector<RealNetwork>& real_networks() {
  static const std::vector<RealNetwork> all = {
      {"siam/regular_training_model_best", "cifar10", 9137,
       resnet("resnet20", kSiam, {{"shortcut", "B"}, {"classifier", "fc"}})},
      {"akamaster-resnet/resnet20-12fca82f", "cifar10", 9173, resnet("resnet20", kImageNet)},
      {"akamaster-resnet/resnet32-d509ac18", "cifar10", 9263, resnet("resnet32", kImageNet)},
      {"akamaster-resnet/resnet44-014dd654", "cifar10", 9310, resnet("resnet44", kImageNet)},
      {"deepsec/MNIST_raw", "mnist", 9934, small_cnn("deepsec")},
      {"alpha-beta-CROWN/MadryCNN_no_maxpool_tiny", "mnist", 9794, madry_tiny()},
      {"alpha-beta-CROWN/resnet2b", "cifar10", 6923, resnet("cresnet-2b", kSdp)},
      {"alpha-beta-CROWN/resnet4b", "cifar10", 7718, resnet("cresnet-4b", kSdp)},
      {"alpha-beta-CROWN/cifar_conv_small_pgd", "cifar10", 6292, cnn_a(3, kEran, 16, 0)},
      {"alpha-beta-CROWN/mnist_conv_small_nat", "mnist", 9825, cnn_a(1, kMnist, 16, 0)},
      {"alpha-beta-CROWN/cifar_marabou_large", "cifar10", 7416, marabou_large()},
      {"alpha-beta-CROWN/cifar_base", "cifar10", 5853, cnn_a(3, kOval, 8)},
      {"alpha-beta-CROWN/cifar_deep", "cifar10", 5531, cnn_a_deep()},
      {"alpha-beta-CROWN/cifar_wide", "cifar10", 6162, cnn_a(3, kOval)},
      {"alpha-beta-CROWN/cifar_cnn_a_adv", "cifar10", 6563, cnn_a(3, kSdp)},
      {"alpha-beta-CROWN/cifar_cnn_a_adv_alt", "cifar10", 6873, cnn_a(3, kSdp)},
      {"alpha-beta-CROWN/cifar_cnn_a_mix", "cifar10", 7418, cnn_a(3, kSdp)},
      {"alpha-beta-CROWN/mnist_cnn_a_adv", "mnist", 9633, cnn_a(1)},
      {"convex_adversarial/mnist", "mnist", 9820, cnn_a(1)},
      {"convex_adversarial/mnist_small_0_3", "mnist", 8523, cnn_a(1)},
      {"convex_adversarial/cifar_small_36px", "cifar10", 5439, cnn_a(3, kOval)},
      {"mmr-universal/mmr_univ_cifar10_gammas_6.0_6.0_lmabdas_1.0_6.0", "cifar10", 5304, cnn_a(3)},
      {"mmr-universal/mmr_univ_mnist_gammas_1.0_0.175_lambdas_3.0_12.0", "mnist", 9696, cnn_a(1)},
      {"trades/model_mnist_smallcnn", "mnist", 9948, small_cnn("trades")},
      {"fast_adversarial/fgsm", "mnist", 9850, cnn_a(1)},
      {"advertorch/mnist_lenet5_advtrained", "mnist", 9864, named("lenet5", 1)},
      {"advertorch/mnist_lenet5_clntrained", "mnist", 9889, named("lenet5", 1)},
      {"colt/mnist_0.1_convmed_flat_2_2_100", "mnist", 9916, convmed()},
      {"fmn/mnist_pretrained", "mnist", 9814, small_cnn("fmn")},
      {"projected_sinkhorn/mnist_vanilla", "mnist", 9889, cnn_a(1)},
      {"gauntlet/resnet20_at_pgd5_13epochs", "cifar10", 6841, resnet("resnet20", kGauntlet)},
      // Published without a measured accuracy: the count is ours.
      {"attackbench/mnist_smallcnn_standard", "mnist", 9944, small_cnn("trades")},
      // Originals of some of them, as they were published.
      {"akamaster-resnet/resnet20-12fca82f.th", "cifar10", 9173, resnet("resnet20", kImageNet)},
      {"siam/model_best.pth.tar", "cifar10", 9137,
       resnet("resnet20", kSiam, {{"shortcut", "B"}, {"classifier", "fc"}})},
      {"alpha-beta-CROWN/resnet2b.pth", "cifar10", 6923, resnet("cresnet-2b", kSdp)},
      {"alpha-beta-CROWN/resnet4b.pth", "cifar10", 7718, resnet("cresnet-4b", kSdp)},
      {"trades/model_mnist_smallcnn.pt", "mnist", 9948, small_cnn("trades")},
      {"fast_adversarial/fgsm.pth", "mnist", 9850, cnn_a(1)},
  };
  return all;
}

}  // namespace gauntlet::testing
