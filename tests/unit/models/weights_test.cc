#include "models/weights/weights.h"

#include <gmock/gmock.h>

#include <set>

#include "models/architectures/build_network.h"
#include "models/architectures/load_weights.h"
#include "models/script_network.h"
#include "models/weights/safetensors.h"
#include "networks.h"
#include "weight_files.h"

namespace gauntlet::testing {
namespace {
TEST_F(Weights, ReadsBothFormatsOfPyTorch) {
  const Tensor expected = torch::arange(6, torch::kFloat).view({2, 3});
  for (const std::string& bytes : {good_zip(), good_legacy()}) {
    const auto tensors = read(bytes);
    ASSERT_EQ(tensors.size(), 1u);
    EXPECT_TRUE(tensors.at("a").equal(expected));
  }
  EXPECT_EQ(models::read_weights(file(good_zip())).format, "PyTorch zip");
  EXPECT_EQ(models::read_weights(file(good_legacy())).format, "PyTorch legacy");
}

// A header may begin with the bytes of a pickle or an archive.
TEST_F(Weights, ReadsSafetensorsOfEveryHeaderLength) {
  const fs::path file = folder_ / "x.safetensors";
  std::set<int> first_bytes;
  for (size_t extra = 0; extra < 2048; ++extra) {
    models::write_safetensors(file, {{"weight", torch::ones({1})}},
                              {{"note", std::string(extra, 'x')}});
    std::ifstream in(file, std::ios::binary);
    first_bytes.insert(in.get());
    ASSERT_EQ(models::read_weights(file).tensors.size(), 1u) << extra;
  }
  EXPECT_TRUE(first_bytes.count(0x80));
}

TEST_F(Weights, KeepsStridesOffsetsAndSharing) {
  const auto tensors = read(zip_of(p_dict({{"t", p_tensor({}, 0, {3, 2}, {1, 3})},
                                           {"end", p_tensor({}, 4, {2}, {1})},
                                           {"scalar", p_tensor({}, 5, {}, {})},
                                           {"none", p_tensor({}, 6, {0, 4}, {4, 1})}})));
  EXPECT_TRUE(tensors.at("t").equal(torch::arange(6, torch::kFloat).view({2, 3}).t()));
  EXPECT_TRUE(tensors.at("end").equal(torch::tensor({4.f, 5.f})));
  EXPECT_EQ(tensors.at("scalar").item<float>(), 5);
  EXPECT_EQ(tensors.at("none").numel(), 0);
  EXPECT_TRUE(tensors.at("end").is_alias_of(tensors.at("t")));
}

TEST_F(Weights, ReadsOtherTypes) {
  const Tensor values = torch::tensor({1.5f, -2.f, 0.f});
  for (const auto& [type, name] : {std::pair{at::kDouble, "DoubleStorage"},
                                   {at::kHalf, "HalfStorage"},
                                   {at::kBFloat16, "BFloat16Storage"},
                                   {at::kLong, "LongStorage"},
                                   {at::kByte, "ByteStorage"},
                                   {at::kBool, "BoolStorage"}}) {
    const Tensor stored = values.abs().to(type);
    const std::string bytes(static_cast<const char*>(stored.const_data_ptr()), stored.nbytes());
    const auto tensors = read(
        torch_zip(pickled(p_dict({{"a", p_tensor({"7", name, 3}, 0, {3}, {1})}})), {{"7", bytes}}));
    EXPECT_TRUE(tensors.at("a").equal(stored)) << name;
  }
}

TEST_F(Weights, FindsTheWeightsOfACheckpoint) {
  const std::string two = p_dict({{"a", tensor()}, {"b", tensor()}});
  const auto taken = [&](const std::string& body) {
    return models::read_weights(file(zip_of(body))).taken;
  };
  EXPECT_EQ(taken(two), "");
  EXPECT_EQ(taken(p_dict({{"epoch", p_int(3)}, {"state_dict", two}})), "state_dict");
  EXPECT_EQ(taken(p_dict({{"ema", two}, {"net", two}})), "net");
  EXPECT_EQ(taken(p_dict({{"mean", tensor()}, {"deep", p_dict({{"w", two}})}})), "deep.w");
  const std::string optimizer = "}" + p_int(0) + p_dict({{"exp_avg", tensor()}}) + "s";
  EXPECT_EQ(taken(p_dict({{"optimizer", p_dict({{"state", optimizer}})}, {"model", two}})),
            "model");
  const std::string scalar = p_global("numpy.core.multiarray", "scalar") + "(" +
                             p_global("numpy", "dtype") + "(" + p_text("f8") + "tR" +
                             p_text("12345678") + "tR";
  EXPECT_EQ(taken(p_dict({{"best", scalar}, {"model", two}})), "model");
  says(zip_of(p_dict({{"one", two}, {"other", two}})), "equally large dicts");
}

// An average of the weights, which counts what it has seen, is larger than they are.
TEST_F(Weights, TakesTheUsualDictOfACheckpointOrTheOneThatIsNamed) {
  const std::string average = p_dict({{"a", tensor()}, {"n_averaged", tensor()}});
  const fs::path both = file(zip_of(
      p_dict({{"ema", p_dict({{"shadow", average}})}, {"model", p_dict({{"a", tensor()}})}})));
  EXPECT_EQ(models::read_weights(both).taken, "model");
  const models::WeightsFile named = models::read_weights(both, "ema.shadow");
  EXPECT_EQ(named.taken, "ema.shadow");
  EXPECT_EQ(named.tensors.size(), 2u);
  EXPECT_EQ(message_of([&] { (void)models::read_weights(both, "shadow"); }),
            both.string() +
                ": there is no dict of named tensors 'shadow' in it; there are "
                "'ema.shadow', 'model'");
  models::write_safetensors(folder_ / "s", {{"a", torch::zeros({1})}});
  EXPECT_THROW(models::read_weights(folder_ / "s", "model"), BadInput);
}

// What Python 2 pickles of an OrderedDict, and what defaultdict and Counter are made of.
TEST_F(Weights, ReadsDictsOfEveryKind) {
  const std::string pairs = "](](" + p_text("a") + tensor() + "e(" + p_text("b") + tensor() + "te";
  const auto called = [](const std::string& name, const std::string& argument) {
    return p_global("collections", name) + "(" + argument + "tR";
  };
  EXPECT_EQ(read(zip_of(called("OrderedDict", pairs))).size(), 2u);
  const std::string old = called("OrderedDict", "](](" + p_text("a") + tensor(true) + "ee");
  EXPECT_EQ(read(legacy_of(old)).count("a"), 1u);
  EXPECT_EQ(read(zip_of(called("Counter", p_dict({{"a", tensor()}})))).size(), 1u);
  for (const char* module : {"builtins", "__builtin__"}) {
    const std::string empty = called("defaultdict", p_global(module, "list"));
    EXPECT_EQ(read(zip_of(empty + "(" + p_text("a") + tensor() + "u")).size(), 1u);
  }
}

TEST_F(Weights, ReadsTheOlderFormatOfNewerPickles) {
  const std::string magic = kLegacyMagic.substr(2),
                    framed = "\x80\x04\x95" + little_endian(magic.size(), 8) + magic;
  EXPECT_EQ(models::read_weights(file(framed + good_legacy().substr(kLegacyMagic.size()))).format,
            "PyTorch legacy");
}

TEST_F(Weights, AreAFile) {
  EXPECT_EQ(message_of([&] { (void)models::read_weights(folder_); }),
            folder_.string() + ": is not a file");
  EXPECT_EQ(message_of([&] { (void)models::read_weights(folder_ / "none"); }),
            (folder_ / "none").string() + ": no such file");
}

TEST_F(Weights, ThatGitLfsHasNotFetchedAreToldSo) {
  const fs::path pointer = file("version https://git-lfs.github.com/spec/v1\nsize 4\n");
  models::NetworkSpec program;
  program.architecture = models::kTorchScript, program.input = {1, 4, 4}, program.classes = 2;
  EXPECT_THAT(message_of([&] { (void)models::read_weights(pointer); }),
              ::testing::HasSubstr("Git LFS"));
  EXPECT_THAT(message_of([&] { load_weights(*build_network(program), pointer); }),
              ::testing::HasSubstr("Git LFS"));
}

TEST_F(Weights, OfNanAreRefused) {
  const auto network = build_network(mixed_spec());
  auto state = state_of(*network);
  for (auto& [name, value] : state) value.fill_(NAN);
  models::write_safetensors(folder_ / "nan.safetensors", state);
  EXPECT_THROW(load_weights(*network, folder_ / "nan.safetensors"), BadInput);
}

}  // namespace
}  // namespace gauntlet::testing
