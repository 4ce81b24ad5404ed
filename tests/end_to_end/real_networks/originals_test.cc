// Files as others published them hold the tensors of their conversions.
#include <gtest/gtest.h>

#include "external.h"
#include "models/weights/safetensors.h"
#include "models/weights/weights.h"

namespace gauntlet::testing {
namespace {
struct Original {
  const char *file, *conversion;
};
constexpr Original kOriginals[] = {
    {"akamaster-resnet/resnet20-12fca82f.th", "akamaster-resnet/resnet20-12fca82f.safetensors"},
    {"siam/model_best.pth.tar", "siam/regular_training_model_best.safetensors"},
    {"trades/model_mnist_smallcnn.pt", "trades/model_mnist_smallcnn.safetensors"},
    {"fast_adversarial/fgsm.pth", "fast_adversarial/fgsm.safetensors"},
    {"alpha-beta-CROWN/resnet2b.pth", "alpha-beta-CROWN/resnet2b.safetensors"},
    {"alpha-beta-CROWN/resnet4b.pth", "alpha-beta-CROWN/resnet4b.safetensors"}};

class Originals : public ::testing::TestWithParam<Original> {};
INSTANTIATE_TEST_SUITE_P(, Originals, ::testing::ValuesIn(kOriginals), [](const auto& info) {
  std::string name = info.param.file;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
});

TEST_P(Originals, HoldTheTensorsOfTheirConversions) {
  const auto folder = external("GAUNTLET_WEIGHTS", "weights");
  const auto original = folder / GetParam().file, conversion = folder / GetParam().conversion;
  if (!std::filesystem::exists(original)) GTEST_SKIP() << original << " is not here";
  if (!std::filesystem::exists(conversion)) GTEST_SKIP() << conversion << " is not here";
  const auto wanted = models::read_safetensors(conversion);
  std::map<std::string, Tensor> found;
  for (const auto& [name, tensor] : models::read_weights(original).tensors)
    found[name.starts_with("module.") ? name.substr(7) : name] = tensor;
  for (const auto& [name, tensor] : wanted) {
    ASSERT_TRUE(found.count(name)) << name;
    EXPECT_TRUE(found.at(name).equal(tensor)) << name;
  }
  for (const auto& [name, tensor] : found)
    EXPECT_TRUE(wanted.count(name) || name.ends_with("num_batches_tracked")) << name;
}

}  // namespace
}  // namespace gauntlet::testing
