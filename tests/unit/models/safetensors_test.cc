#include "models/weights/safetensors.h"

#include "../data/files.h"
#include "base/bad_input.h"

namespace gauntlet::testing {
namespace {
class Safetensors : public FilesTest {
 protected:
  std::string problem(const std::string& bytes) const {
    const auto file = write("x.safetensors", bytes);
    return error<BadInput>([&] { models::read_safetensors(file); });
  }
  // The format by hand: the length of the header, the header, the data.
  static std::string packed(const std::string& header, const std::string& data) {
    std::string bytes;
    for (int i = 0; i < 8; ++i) bytes += char(uint64_t(header.size()) >> 8 * i);
    return bytes + header + data;
  }
  static std::string entry(const std::string& name, const std::string& dtype,
                           const std::string& shape, const std::string& offsets) {
    return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
           ",\"data_offsets\":" + offsets + "}";
  }
  const std::map<std::string, Tensor> sample = {
      {"a.weight", torch::arange(6, torch::kFloat).view({2, 3})},
      {"b", torch::tensor({-7, 9}, torch::kLong)},
      {"empty", torch::zeros({0, 4})},
      {"scalar", torch::tensor(2.5f)}};
};

TEST_F(Safetensors, ReadsBackWhatItWrote) {
  models::write_safetensors(folder / "x", sample, {{"made by", "a \"test\"\n"}});
  const auto back = models::read_safetensors(folder / "x");
  ASSERT_EQ(back.size(), sample.size());
  for (const auto& [name, tensor] : sample) {
    EXPECT_EQ(back.at(name).scalar_type(), tensor.scalar_type());
    EXPECT_TRUE(back.at(name).equal(tensor)) << name;
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1)
      << "left a temporary";
}

TEST_F(Safetensors, WritesEqualBytesForEqualTensors) {
  models::write_safetensors(folder / "x", sample), models::write_safetensors(folder / "y", sample);
  EXPECT_EQ(read(folder / "x"), read(folder / "y"));
}

TEST_F(Safetensors, KeepsTheOldFileWhenWritingFails) {
  models::write_safetensors(folder / "x", sample);
  const std::string before = read(folder / "x");
  EXPECT_THROW(models::write_safetensors(folder / "x", {{"half", torch::zeros({2}, torch::kHalf)}}),
               std::invalid_argument);
  EXPECT_EQ(read(folder / "x"), before);
  EXPECT_ANY_THROW(models::write_safetensors(folder / "no folder" / "x", sample));
}

TEST_F(Safetensors, ReadsEveryDtype) {
  const std::string one_half_f16("\x00\x38", 2), one_half_bf16("\x00\x3f", 2);
  const std::string header =
      "{" + entry("f16", "F16", "[1]", "[0,2]") + "," + entry("bf16", "BF16", "[1]", "[2,4]") +
      "," + entry("i32", "I32", "[]", "[4,8]") + "," + entry("u8", "U8", "[2]", "[8,10]") + "," +
      entry("bool", "BOOL", "[2]", "[10,12]") + "," + entry("f64", "F64", "[1]", "[12,20]") + "}";
  const std::string data = one_half_f16 + one_half_bf16 + std::string("\xfe\xff\xff\xff", 4) +
                           std::string("\x07\xff", 2) + std::string("\x01\x00", 2) +
                           std::string("\0\0\0\0\0\0\xe0\x3f", 8);
  const auto read = models::read_safetensors(write("x", packed(header, data)));
  for (const char* name : {"f16", "bf16", "f64"})
    EXPECT_EQ(read.at(name).item<double>(), 0.5) << name;
  EXPECT_EQ(read.at("i32").item<int>(), -2);
  EXPECT_EQ(read.at("u8")[1].item<int>(), 255);
  EXPECT_TRUE(read.at("bool")[0].item<bool>());
  EXPECT_FALSE(read.at("bool")[1].item<bool>());
}

// Of a checkpoint only some tensors are needed; what their types are, the others need not say.
TEST_F(Safetensors, OfWeightsMayHaveAnyDtype) {
  std::string header = "{", data;
  const std::vector<std::tuple<std::string, int, at::ScalarType>> all = {
      {"I8", 8, at::kChar},
      {"I16", 16, at::kShort},
      {"U16", 16, at::kUInt16},
      {"U32", 32, at::kUInt32},
      {"U64", 64, at::kUInt64},
      {"C64", 64, at::kComplexFloat},
      {"F8_E4M3", 8, at::kFloat8_e4m3fn},
      {"F8_E5M2", 8, at::kFloat8_e5m2},
      {"F8_E8M0", 8, at::kBits8},
      {"F6_E2M3", 6, at::kBits8},
      {"F6_E3M2", 6, at::kBits8},
      {"F4", 4, at::kBits8}};
  for (const auto& [dtype, bits, type] : all) {
    const size_t begin = data.size();
    data += std::string(size_t(bits), '\1');  // of eight elements
    header += (begin ? "," : "") +
              entry(dtype, dtype, "[2,4]",
                    "[" + std::to_string(begin) + "," + std::to_string(data.size()) + "]");
  }
  const auto file = write("x.safetensors", packed(header + "}", data));
  const auto tensors = read_safetensors(file, models::Dtypes::kAll);
  for (const auto& [dtype, bits, type] : all) {
    EXPECT_EQ(tensors.at(dtype).scalar_type(), type) << dtype;
    EXPECT_EQ(tensors.at(dtype).sizes(), (std::vector<int64_t>{2, 4})) << dtype;
  }
  EXPECT_EQ(tensors.at("I16")[1][3].item<int>(), 0x0101);
  const std::string refusal = error<BadInput>([&] { models::read_safetensors(file); });
  EXPECT_NE(refusal.find("; known: F32, F64, F16, BF16, I64, I32, U8, BOOL"), std::string::npos)
      << "adversarial inputs and certificates have no other: " << refusal;
}

TEST_F(Safetensors, RefusesAFileCutShortAnywhere) {
  models::write_safetensors(folder / "whole",
                            {{"a", torch::zeros({2, 3})}, {"b", torch::zeros({1})}});
  const std::string bytes = read(folder / "whole");
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_NE(problem(bytes.substr(0, size)), "") << "cut to " << size << " of " << bytes.size();
  EXPECT_NE(problem(bytes + "x"), "");
}

TEST_F(Safetensors, ReadsOrRefusesAnyChangedByte) {
  models::write_safetensors(folder / "whole",
                            {{"a", torch::zeros({2, 3})}, {"b", torch::zeros({1})}});
  const std::string bytes = read(folder / "whole");
  int refused = 0;
  for (size_t at = 0; at < bytes.size(); ++at)
    for (const char with : {'\xff', '9', '"'}) {
      std::string changed = bytes;
      changed[at] = with;
      refused += !problem(changed).empty();  // anything but BadInput would leave the test
    }
  EXPECT_GT(refused, 100);
}

TEST_F(Safetensors, SaysWhatIsWrong) {
  const auto says = [&](const std::string& bytes, const std::string& words) {
    const std::string text = problem(bytes);
    EXPECT_NE(text.find(words), std::string::npos) << text;
    EXPECT_NE(text.find("x.safetensors"), std::string::npos) << text;
  };
  const std::string four(4, '\0'), eight(8, '\0');
  says(std::string(8, '\xff') + "{}", "18446744073709551615");
  says(packed("[]", ""), "not a JSON object");
  says(packed("{\"a\":", ""), "not valid JSON");
  says(packed("{\"a\":3}", ""), "tensor 'a': expected dtype, shape and data_offsets");
  says(packed("{" + entry("a", "F31", "[1]", "[0,4]") + "}", four), "unknown dtype 'F31'");
  says(packed("{" + entry("a", "F32", "[-1]", "[0,4]") + "}", four), "shape is not a list");
  says(packed("{" + entry("a", "F32", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[0,4]") + "}", four),
       "at most 16 sizes");
  says(packed("{\"a\":{\"dtype\":3,\"shape\":[],\"data_offsets\":[0,4]}}", four), "is not a name");
  says(packed("{\"\\u001b[31m\":3}", ""), "tensor '?[31m': expected");
  says(packed("{" + entry("a", "F32", "[1.5]", "[0,4]") + "}", four), "shape is not a list");
  says(packed("{" + entry("a", "F32", "[1]", "[0]") + "}", four), "not two positions");
  says(packed("{" + entry("a", "F32", "[1]", "[4,0]") + "}", four), "outside");
  says(packed("{" + entry("a", "F32", "[2]", "[0,8]") + "}", four), "outside the 4 bytes");
  says(packed("{" + entry("a", "F32", "[2]", "[0,4]") + "}", four), "do not fit its 4 bytes");
  says(packed("{" + entry("a", "F32", "[4611686018427387904,4]", "[0,0]") + "}", ""), "do not fit");
  says(packed("{" + entry("a", "F32", "[4611686018427387904,4611686018427387904,0]", "[0,0]") + "}",
              ""),
       "do not fit");
  says(packed("{" + entry("a", "F32", "[1]", "[4,8]") + "}", eight), "a gap before");
  says(packed("{" + entry("a", "F32", "[1]", "[0,4]") + "}", eight), "4 bytes after the last");
  says(packed(
           "{" + entry("a", "F32", "[1]", "[0,4]") + "," + entry("b", "F32", "[2]", "[0,8]") + "}",
           eight),
       "overlap");
  says(packed(
           "{" + entry("a", "F32", "[1]", "[0,4]") + "," + entry("a", "F32", "[1]", "[0,4]") + "}",
           four),
       "there twice");
  says(packed("{" + entry("a", "BOOL", "[1]", "[0,1]") + "}", "\x02"), "neither 0 nor 1");
  EXPECT_NE(
      error<BadInput>([&] { models::read_safetensors(folder / "none"); }).find("no such file"),
      std::string::npos);
}

}  // namespace
}  // namespace gauntlet::testing
