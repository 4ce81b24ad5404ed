// A suite's own files in formats whose heads say too little: counts and shapes come from reading.
#include "suite_fixture.h"
#include "tests/unit/data/file_bytes.h"

namespace gauntlet {
namespace {
using ::testing::HasSubstr;
using testing::noise_bytes;
using testing::npy_bytes;

class SuiteFormats : public SuiteTest {
 protected:
  std::string with_data(const std::string& data) const {
    std::string text = suite_text("pgd = { use = \"pgd\" }\n");
    const std::string old = "data = { dataset = \"tiny\", samples = 4 }";
    return text.replace(text.find(old), old.size(), "data = { " + data + " }");
  }
  void write_npz(const Tensor& images, const Tensor& labels) {
    write("mine.npz", testing::zip_bytes({testing::stored("x", npy_bytes(images)),
                                          testing::stored("t", npy_bytes(labels))}));
  }
};

TEST_F(SuiteFormats, NpzIsMeasured) {
  write_npz(noise_bytes({5, 4, 4, 1}), torch::tensor({0, 1, 2, 0, 1}, torch::kLong));
  const Suite suite =
      read(with_data("path = \"mine.npz\", format = \"npz\", classes = 3, layout = \"nhwc\", "
                     "labels_array = \"t\""));
  EXPECT_EQ(suite.data.indices.size(), 5u);
  EXPECT_EQ(suite.data.entry.shape, (std::vector<int64_t>{1, 4, 4}));
  const Dataset data = registry_.load(suite.data.entry, "test");
  EXPECT_EQ(data.size(), 5);
}

TEST_F(SuiteFormats, WhatCannotBeReadIsAProblemOfThePath) {
  write_npz(noise_bytes({5, 1, 4, 4}), torch::tensor({0, 1, 9, 0, 1}, torch::kLong));
  const std::string npz = "path = \"mine.npz\", format = \"npz\", classes = 3";
  EXPECT_THAT(error(with_data(npz)), HasSubstr("data: path: mine.npz: holds no array 'y'"));
  EXPECT_THAT(error(with_data(npz + ", labels_array = \"t\"")),
              HasSubstr("label 2 is 9, expected 0 to 2"));
  EXPECT_THAT(error(with_data(npz + ", layout = \"chwn\"")), HasSubstr("'nchw', 'nhwc'"));
  EXPECT_THAT(error(with_data("path = \"none\", format = \"images\", shape = [1, 4, 4]")),
              HasSubstr("there is no folder none"));
  std::filesystem::create_directories("set/a");
  EXPECT_THAT(error(with_data("path = \"set\", format = \"images\", shape = [1, 4, 4]")),
              HasSubstr("holds 1 folders"));
  EXPECT_THAT(error(with_data("path = \"set\", format = \"images\"")),
              HasSubstr("'shape' is missing"));
}

}  // namespace
}  // namespace gauntlet
