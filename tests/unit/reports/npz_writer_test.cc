#include "reports/files/npz_writer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <sstream>
#include <string_view>

#include "base/bad_input.h"
#include "gauntlet/arrays.h"

namespace gauntlet {
namespace {

namespace fs = std::filesystem;

// Of a contiguous tensor; none of one without elements, whose data may be a null pointer.
std::string_view bytes_of(const Tensor& tensor) {
  if (tensor.numel() == 0) return {};
  return {static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()};
}

class Npz : public ::testing::Test {
 protected:
  Npz() { fs::create_directories(folder_); }
  ~Npz() override { fs::remove_all(folder_); }
  std::string bytes(const char* name) const {
    std::ostringstream text;
    text << std::ifstream(folder_ / name, std::ios::binary).rdbuf();
    return text.str();
  }
  const fs::path folder_ = fs::temp_directory_path() / ("gauntlet-npz-" + std::to_string(getpid()));
};

TEST_F(Npz, ReadsBackBitForBit) {
  Tensor odd = torch::rand({3, 1, 5, 7});
  odd.data_ptr<float>()[0] = std::numeric_limits<float>::quiet_NaN();
  odd.data_ptr<float>()[1] = -0.0f;
  odd.data_ptr<float>()[2] = std::numeric_limits<float>::denorm_min();
  const std::map<std::string, Tensor> arrays = {
      {"x", odd},
      {"index", torch::tensor({int64_t{-1}, std::numeric_limits<int64_t>::max()}, torch::kLong)},
      {"margin", torch::tensor({1.0 / 3, -1e300}, torch::kDouble)},
      {"levels", torch::arange(256).to(torch::kByte)},
      {"trials", torch::tensor(int64_t{5})},
      {"none", torch::empty({0, 3}, torch::kFloat)},
      {"turned", torch::rand({4, 6}).t()}};
  reports::files::write_npz(folder_ / "a.npz", arrays);
  const auto back = read_npz((folder_ / "a.npz").string());
  ASSERT_EQ(back.size(), arrays.size());
  for (const auto& [name, tensor] : arrays) {
    const Tensor& read = back.at(name);
    EXPECT_EQ(read.scalar_type(), tensor.scalar_type()) << name;
    EXPECT_EQ(read.sizes(), tensor.sizes()) << name;
    const Tensor plain = tensor.contiguous(), found = read.contiguous();
    EXPECT_TRUE(bytes_of(found) == bytes_of(plain)) << name;
  }
}

TEST_F(Npz, IsTheSameFileOfTheSameArrays) {
  for (const char* name : {"a.npz", "b.npz"})
    reports::files::write_npz(folder_ / name,
                              {{"x", torch::arange(100)}, {"y", torch::ones({2, 2})}});
  EXPECT_EQ(bytes("a.npz"), bytes("b.npz"));
}

TEST_F(Npz, RefusesWhatItCannotWrite) {
  EXPECT_THROW(reports::files::write_npz(folder_ / "absent" / "a.npz", {{"x", torch::ones(1)}}),
               BadInput);
  EXPECT_THROW(reports::files::write_npz(folder_ / "a.npz", {{"x", torch::ones(1, torch::kHalf)}}),
               std::invalid_argument);
  EXPECT_TRUE(fs::is_empty(folder_));
}

}  // namespace
}  // namespace gauntlet
