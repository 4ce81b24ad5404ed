// Every argument of a call by which torch.save describes a tensor is obeyed, or refused by name.
#include "weight_files.h"

namespace gauntlet::testing {
namespace {
const std::string kNoHooks = p_ordered_dict();

std::string call(const std::string& module, const std::string& name, const std::string& arguments) {
  return p_global(module, name) + "(" + arguments + "tR";
}
// What every version begins with: of six elements, transposed.
std::string place(const StorageText& storage = {}, std::vector<int64_t> sizes = {3, 2},
                  std::vector<int64_t> strides = {1, 3}, int64_t offset = 0) {
  return p_storage(storage, false) + p_int(offset) + p_ints(sizes) + p_ints(strides);
}
std::string v2(const std::string& rest, const StorageText& storage = {}) {
  return call("torch._utils", "_rebuild_tensor_v2", place(storage) + rest);
}
std::string with_metadata(const std::string& key, const std::string& value = "\x88",
                          const StorageText& storage = {}) {
  return v2("\x89" + kNoHooks + p_dict({{key, value}}), storage);
}
std::string in_dict(const std::string& value) { return zip_of(p_dict({{"a", value}})); }
const Tensor kStored = torch::arange(6, torch::kFloat).view({2, 3}).t();

class Rebuilt : public Weights {
 protected:
  Tensor only(const std::string& value) const { return read(in_dict(value)).at("a"); }
  // Of a storage of its own bytes.
  Tensor of(const std::string& value, const std::string& bytes,
            std::vector<ZipPart> more = {}) const {
    return read(torch_zip(pickled(p_dict({{"a", value}})), {{"0", bytes}}, std::move(more)))
        .at("a");
  }
};

TEST_F(Rebuilt, LazyNegationIsDone) {
  EXPECT_TRUE(only(with_metadata("neg")).equal(-kStored));
  EXPECT_TRUE(only(v2("\x89" + kNoHooks + "N")).equal(kStored));
  EXPECT_TRUE(only(v2("\x89" + kNoHooks + "}")).equal(kStored));
  const auto both =
      read(zip_of(p_dict({{"a", with_metadata("neg")}, {"b", v2("\x88" + kNoHooks)}})));
  EXPECT_TRUE(both.at("a").equal(-both.at("b"))) << "of one storage";
}

TEST_F(Rebuilt, LazyConjugationIsDone) {
  const StorageText complex{"0", "ComplexFloatStorage", 3};
  const Tensor stored = torch::view_as_complex(torch::arange(6, torch::kFloat).view({3, 2}));
  const auto made = [&](const std::string& metadata) {
    return of(call("torch._utils", "_rebuild_tensor_v2",
                   place(complex, {3}, {1}) + "\x89" + kNoHooks + metadata),
              kSix);
  };
  EXPECT_TRUE(made("}").equal(stored));
  EXPECT_TRUE(made(p_dict({{"conj", "\x88"}})).equal(stored.conj().resolve_conj()));
  EXPECT_TRUE(
      made(p_dict({{"conj", "\x88"}, {"neg", "\x88"}})).equal(-stored.conj().resolve_conj()));
}

TEST_F(Rebuilt, StridesMayBeZeroOrOverlap) {
  const auto tensors =
      read(zip_of(p_dict({{"expanded", p_tensor({}, 4, {4}, {0})},
                          {"columns", p_tensor({}, 0, {2, 3, 5}, {3, 1, 0})},
                          {"windows", p_tensor({}, 0, {4, 3}, {1, 1})},
                          {"long", p_tensor({}, 0, {1'000'000'000}, {0})},
                          {"negated", call("torch._utils", "_rebuild_tensor_v2",
                                           place({}, {4}, {0}, 5) + "\x89" + kNoHooks +
                                               p_dict({{"neg", "\x88"}}))}})));
  EXPECT_TRUE(tensors.at("expanded").equal(torch::full({4}, 4.f)));
  EXPECT_TRUE(tensors.at("columns").equal(
      torch::arange(6, torch::kFloat).view({2, 3, 1}).expand({2, 3, 5})));
  EXPECT_TRUE(tensors.at("windows").equal(torch::arange(6, torch::kFloat).unfold(0, 3, 1)));
  EXPECT_TRUE(tensors.at("negated").equal(torch::full({4}, -5.f)));
  EXPECT_EQ(tensors.at("long").numel(), 1'000'000'000) << "a view, which takes no memory";
}

TEST_F(Rebuilt, ParametersAndAttributesChangeNoValue) {
  const std::string plain = v2("\x88" + kNoHooks), state = p_dict({{"tag", p_text("mine")}});
  EXPECT_TRUE(
      only(call("torch._utils", "_rebuild_parameter", plain + "\x88" + kNoHooks)).equal(kStored));
  EXPECT_TRUE(
      only(call("torch._utils", "_rebuild_parameter_with_state", plain + "\x88" + kNoHooks + state))
          .equal(kStored));
  EXPECT_TRUE(
      only(call("torch._tensor", "_rebuild_from_type_v2",
                p_global("torch._utils", "_rebuild_tensor_v2") + p_global("torch", "Tensor") + "(" +
                    place() + "\x89" + kNoHooks + p_dict({{"neg", "\x88"}}) + "t" + state))
          .equal(-kStored));
  EXPECT_TRUE(only(call("torch._utils", "_rebuild_tensor", place())).equal(kStored));
}

// uint16, float8 and others have no storage of their own: bytes and a type.
TEST_F(Rebuilt, TypesBesideUntypedBytesAreObeyed) {
  const auto typed = [&](const char* type, std::vector<int64_t> sizes, std::vector<int64_t> strides,
                         int64_t offset = 0) {
    StorageText storage{"0", "FloatStorage", 24};
    std::string text = place(storage, sizes, strides, offset);
    const std::string from = p_global("torch", "FloatStorage"),
                      to = p_global("torch.storage", "UntypedStorage");
    text.replace(text.find(from), from.size(), to);
    return call("torch._utils", "_rebuild_tensor_v3",
                text + "\x89" + kNoHooks + p_global("torch", type));
  };
  const Tensor words = torch::arange(12, torch::kShort);
  const std::string bytes(static_cast<const char*>(words.const_data_ptr()), 24);
  EXPECT_TRUE(of(typed("uint16", {4}, {3}, 1), bytes)
                  .to(torch::kInt)
                  .equal(torch::tensor({1, 4, 7, 10}, torch::kInt)));
  EXPECT_TRUE(of(typed("float32", {6}, {1}), kSix).equal(torch::arange(6, torch::kFloat)));
  says(torch_zip(pickled(p_dict({{"a", typed("uint16", {13}, {1})}})), {{"0", bytes}}),
       "leaves storage '0' of 12 elements");
  says(torch_zip(pickled(p_dict({{"a", typed("bits8", {1}, {1})}})), {{"0", bytes}}),
       "asks for 'torch.bits8'");
}

TEST_F(Rebuilt, BigEndianFilesAreTurned) {
  const auto turned = [](std::string bytes, size_t size) {
    for (auto at = bytes.begin(); at != bytes.end(); at += std::ptrdiff_t(size))
      std::reverse(at, at + std::ptrdiff_t(size));
    return bytes;
  };
  const ZipPart big{"archive/byteorder", "big"};
  EXPECT_TRUE(of(v2("\x89" + kNoHooks), turned(kSix, 4), {big}).equal(kStored));
  const StorageText complex{"0", "ComplexFloatStorage", 3};
  EXPECT_TRUE(
      of(call("torch._utils", "_rebuild_tensor_v2", place(complex, {3}, {1}) + "\x89" + kNoHooks),
         turned(kSix, 4), {big})
          .equal(torch::view_as_complex(torch::arange(6, torch::kFloat).view({3, 2}))));
  says(torch_zip(pickled(p_dict({{"a", tensor()}})), {{"0", kSix}}, {{"archive/byteorder", "mid"}}),
       "byte order is 'mid'");
}

// torch.save's older format writes numbers little-endian on every machine, and torch.load looks at
// nothing else.
TEST_F(Rebuilt, TheOlderFormatIsLittleEndianWhateverItSaysOfItsMachine) {
  const std::string bytes =
      torch_legacy(pickled(p_dict({{"a", tensor(true)}})), {{"0", 6, kSix}}, /*little=*/false);
  EXPECT_TRUE(read(bytes).at("a").equal(kStored.t()));
}

// torch.serialization.set_crc32_options(False) writes 0 for every checksum.
TEST_F(Rebuilt, FilesWithoutChecksumsAreReadAndSaidToBeSo) {
  const std::string pickle = pickled(p_dict({{"a", tensor()}}));
  std::vector<ZipPart> parts = {{"archive/data.pkl", pickle}, {"archive/data/0", kSix}};
  for (ZipPart& part : parts) part.crc = 0;
  const models::WeightsFile weights = models::read_weights(file(zip_bytes(parts)));
  EXPECT_TRUE(weights.tensors.at("a").equal(kStored.t()));
  EXPECT_EQ(weights.format, "PyTorch zip without checksums");
  parts[0].crc = -1;  // the others have theirs, so 0 is wrong
  says(zip_bytes(parts), "'archive/data/0' cannot be read");
}

TEST_F(Rebuilt, WhatIsNotObeyedIsRefusedByName) {
  const auto refused = [&](const std::string& value, const std::string& words) {
    says(in_dict(value), words);
  };
  refused(with_metadata("neg", "\x89"), "metadata 'neg' of a tensor in the pickle is not True");
  refused(with_metadata("conj"), "'conj' of a tensor in the pickle stands beside real numbers");
  refused(with_metadata("fold"), "metadata 'fold', which is not known; known: 'neg', 'conj'");
  refused(v2("\x89" + kNoHooks + "K\1"), "metadata of a tensor in the pickle are no dict");
  refused(v2("K\1" + kNoHooks), "requires_grad of a tensor in the pickle is no bool");
  refused(v2("\x89" + p_dict({{"hook", p_int(1)}})), "has backward hooks");
  refused(call("torch._utils", "_rebuild_tensor", place() + "\x89"), "is not described by");
  refused(call("torch._utils", "_rebuild_parameter", tensor() + "\x88" + p_dict({{"h", "N"}})),
          "has backward hooks");
  refused(call("torch._utils", "_rebuild_qtensor", place()), "a quantized tensor");
  refused(call("torch._utils", "_rebuild_sparse_tensor", place()), "to_dense()");
  refused(call("torch._utils", "_rebuild_meta_tensor_no_storage", ""), "device 'meta'");
  refused(call("torch._utils", "_rebuild_wrapper_subclass", ""), "a class of its own");
  refused(call("torch._utils", "_rebuild_device_tensor_from_numpy", ""), "what its cpu() gives");
  refused(call("torch._tensor", "_rebuild_from_type_v2",
               p_global("torch._utils", "_rebuild_tensor_v2") + p_global("my.module", "Tensor")),
          "asks for 'my.module.Tensor'");
  refused(tensor() + p_ints({1}) + "b", "sets the state of a tensor after it was made");
  std::string meta = tensor();
  meta.replace(meta.find(p_text("cpu")), p_text("cpu").size(), p_text("meta"));
  refused(meta, "is of the device 'meta', which has no values");
}

// torch.save(pickle_protocol=1) has bools as text.
TEST_F(Rebuilt, ReadsProtocolOne) {
  const std::string body = p_dict({{"a", v2("I00\n" + kNoHooks)}});
  EXPECT_TRUE(read(torch_zip(body + ".", {{"0", kSix}})).at("a").equal(kStored));
  const std::string legacy = torch_legacy(p_dict({{"a", tensor(true)}}) + ".", {{"0", 6, kSix}});
  EXPECT_TRUE(read("L119547037146038801333356L\n." + legacy.substr(kLegacyMagic.size()))
                  .at("a")
                  .equal(kStored.t()));
}

}  // namespace
}  // namespace gauntlet::testing
