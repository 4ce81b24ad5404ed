// Files of torch.save that tests of the readers share.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "base/bad_input.h"
#include "models/weights/weights.h"
#include "tests/support/message_of.h"
#include "tests/support/pickle_bytes.h"

namespace gauntlet::testing {
namespace fs = std::filesystem;

inline std::string floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}
inline const std::string kSix = floats({0, 1, 2, 3, 4, 5});
inline std::string tensor(bool legacy = false) { return p_tensor({}, 0, {2, 3}, {3, 1}, legacy); }
inline std::string zip_of(const std::string& body) {
  return torch_zip(pickled(body), {{"0", kSix}});
}
inline std::string legacy_of(const std::string& body) {
  return torch_legacy(pickled(body), {{"0", 6, kSix}});
}
inline std::string good_zip() { return zip_of(p_dict({{"a", tensor()}})); }
inline std::string good_legacy() { return legacy_of(p_dict({{"a", tensor(true)}})); }

class Weights : public ::testing::Test {
 protected:
  Weights() { fs::create_directories(folder_); }
  ~Weights() override { fs::remove_all(folder_); }

  fs::path file(const std::string& bytes) const {
    const fs::path path = folder_ / "w.pt";
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  std::map<std::string, Tensor> read(const std::string& bytes) const {
    return models::read_weights(file(bytes)).tensors;
  }
  std::string problem(const std::string& bytes) const {
    const fs::path path = file(bytes);
    return message_of([&] { (void)models::read_weights(path); });
  }
  void says(const std::string& bytes, const std::string& words) const {
    const std::string text = problem(bytes);
    EXPECT_NE(text.find(words), std::string::npos) << text << "\nlacks\n" << words;
    EXPECT_NE(text.find("w.pt: "), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  }
  const fs::path folder_ =
      fs::temp_directory_path() / ("gauntlet_weights_" + std::to_string(::getpid()));
};

}  // namespace gauntlet::testing
