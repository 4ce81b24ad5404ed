// Data of the person's own in a suite: counts and shapes come from reading it.
#include "suite/read_suite.h"
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
  const suite::Suite suite =
      read(with_data("path = \"mine.npz\", format = \"npz\", classes = 3, layout = \"nhwc\", "
                     "labels_array = \"t\""));
  EXPECT_EQ(suite.data.indices.size(), 5u);
  EXPECT_EQ(suite.data.entry.shape, (std::vector<int64_t>{1, 4, 4}));
  const data::Dataset data = registry_.load(suite.data.entry, "test");
  EXPECT_EQ(data.size(), 5);
}

TEST_F(SuiteFormats, FilesAreFoundBesideTheSuiteAndInFoldersOfData) {
  write_npz(noise_bytes({2, 1, 4, 4}), torch::tensor({0, 1}, torch::kLong));
  std::filesystem::create_directories("elsewhere");
  std::filesystem::rename("mine.npz", "elsewhere/mine.npz");
  const std::string npz =
      "path = \"mine.npz\", format = \"npz\", classes = 3, labels_array = \"t\"";
  EXPECT_THAT(error(with_data(npz)), HasSubstr("there is no file mine.npz"));
  const registry::Registry with_root(golden_suites() / "registry", {"elsewhere"});
  write("suite.toml", with_data(npz));
  const suite::Suite suite = suite::read_suite("suite.toml", {}, FixedCatalogue(), with_root);
  EXPECT_EQ(with_root.load(suite.data.entry, "test").size(), 2);
}

TEST_F(SuiteFormats, WhatCannotBeReadIsAProblemOfThePath) {
  write_npz(noise_bytes({5, 1, 4, 4}), torch::tensor({0, 1, 9, 0, 1}, torch::kLong));
  const std::string npz = "path = \"mine.npz\", format = \"npz\", classes = 3";
  EXPECT_THAT(error(with_data(npz)), HasSubstr("data: path: mine.npz: holds no array 'y'"));
  EXPECT_THAT(error(with_data(npz + ", labels_array = \"t\"")),
              HasSubstr("the label of image 2 is 9, expected 0 to 2"));
  EXPECT_THAT(error(with_data(npz + ", layout = \"chwn\"")), HasSubstr("'nchw', 'nhwc'"));
  EXPECT_THAT(error(with_data("path = \"none\", format = \"images\", shape = [1, 4, 4]")),
              HasSubstr("there is no folder none"));
  std::filesystem::create_directories("set/a");
  EXPECT_THAT(error(with_data("path = \"set\", format = \"images\", shape = [1, 4, 4]")),
              HasSubstr("holds 1 folders"));
  EXPECT_THAT(error(with_data("path = \"set\", format = \"images\"")),
              HasSubstr("'shape' is missing"));
}

TEST_F(SuiteFormats, CountsInHeadersAreNotBelieved) {
  const std::string idx = "path = \"images\", labels = \"labels\", format = \"idx\", classes = 3";
  write("labels", testing::big_endian(0x0801) + testing::big_endian(4) + std::string(4, '\1'));
  const auto images = [&](uint64_t count) {
    write("images", testing::big_endian(0x0803) + testing::big_endian(count) +
                        testing::big_endian(4) + testing::big_endian(4) + std::string(64, 'x'));
    return error(with_data(idx));
  };
  EXPECT_THAT(images(0xffffffff), HasSubstr("data: path: images: the IDX header says"));
  EXPECT_THAT(images(0), HasSubstr("no data"));
  EXPECT_EQ(images(4), "");
}

TEST_F(SuiteFormats, PackedBatchesAreCountedByWhatTheyHold) {
  std::string record(3073, 'x');
  record[0] = 1;
  write("batch.gz", testing::gzip_bytes(record + record + record));
  const std::string data = "path = \"batch.gz\", format = \"cifar10\"";
  EXPECT_THAT(error(with_data(data + ", samples = 4")),
              HasSubstr("4 is more than the 3 samples of split 'test'"));
}

TEST_F(SuiteFormats, ClassesOfAFolderHaveItsNames) {
  for (const char* file : {"set/cat/1.png", "set/dog/1.png"})
    write(file, testing::png_file(4, 4, std::string(5 * 4, 'x'), 8, 0));
  const std::string data = "path = \"set\", format = \"images\", shape = [1, 4, 4], classes = ";
  const auto names = [&](const std::string& classes) { return error(with_data(data + classes)); };
  // The model of this suite knows 3 classes, which is the one problem left.
  EXPECT_THAT(names("2"), ::testing::Not(HasSubstr("data:")));
  EXPECT_THAT(names("[\"dog\", \"cat\"]"), ::testing::Not(HasSubstr("data:")));
  EXPECT_THAT(
      names("[\"dog\", \"cow\"]"),
      HasSubstr("data: classes: these are not the names of the folders, which are cat, dog"));
}

TEST_F(SuiteFormats, AParameterThatIsAFileIsNeeded) {
  EXPECT_THAT(error(suite_text("fgsm = { use = \"fgsm\" }\n") +
                    "[[defense]]\nname = \"p\"\nmodel = \"tiny/standard\"\n"
                    "stack = [{ use = \"purifier\" }]\n"),
              HasSubstr("'network' is missing, expected a file name"));
}

}  // namespace
}  // namespace gauntlet
