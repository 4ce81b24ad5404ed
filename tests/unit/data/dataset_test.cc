#include "data/dataset.h"

#include <cstdlib>

#include "base/bad_input.h"
#include "base/sha256.h"
#include "data/files/gzip.h"
#include "data/formats/readers.h"
#include "files.h"

namespace gauntlet::testing {
namespace {
class Data : public FilesTest {
 protected:
  static std::string big_endian(int64_t value) {
    std::string bytes;
    for (const int shift : {24, 16, 8, 0}) bytes += char(uint8_t(value >> shift));
    return bytes;
  }
  // IDX by hand: 5 images of 2 x 3 whose bytes count up, labels 0 1 2 0 1.
  const std::string images =
      big_endian(0x0803) + big_endian(5) + big_endian(2) + big_endian(3) + [] {
        std::string pixels;
        for (int i = 0; i < 30; ++i) pixels += char(i * 8);
        return pixels;
      }();
  const std::string labels = big_endian(0x0801) + big_endian(5) + std::string("\0\1\2\0\1", 5);

  std::string problem(const std::string& image_bytes, const std::string& label_bytes,
                      int64_t classes = 3) const {
    const auto a = write("images", image_bytes), b = write("labels", label_bytes);
    return error<BadInput>([&] { data::read_idx(a, b, classes); });
  }
};

TEST_F(Data, ReadsIdx) {
  const data::Dataset data = data::read_idx(write("i", images), write("l", labels), 3);
  EXPECT_EQ(data.size(), 5);
  EXPECT_EQ(data.images.sizes(), (std::vector<int64_t>{5, 1, 2, 3}));
  EXPECT_EQ(data.images.scalar_type(), torch::kByte);
  EXPECT_EQ(data.images[4][0][1][2].item<int>(), 29 * 8);
  EXPECT_TRUE(data.labels.equal(torch::tensor({0, 1, 2, 0, 1}, torch::kLong)));
  EXPECT_EQ(data.sha256, sha256(images + labels));
}

TEST_F(Data, GivesBatchesInUnitRange) {
  const data::Dataset data = data::read_idx(write("i", images), write("l", labels), 3);
  const Tensor index = torch::tensor({4, 0}, torch::kLong), x = data.x(index);
  EXPECT_EQ(x.scalar_type(), torch::kFloat);
  EXPECT_TRUE(x.is_contiguous());
  EXPECT_EQ(x.sizes(), (std::vector<int64_t>{2, 1, 2, 3}));
  EXPECT_EQ(x[0][0][1][2].item<float>(), 232.0f / 255.0f);
  EXPECT_TRUE(data.y(index).equal(torch::tensor({1, 0}, torch::kLong)));
}

TEST_F(Data, ReadsWhatItWritesPackedAndInColour) {
  for (const int64_t channels : {1, 3}) {
    data::Dataset data;
    data.images =
        (torch::arange(4 * channels * 6) % 256).to(torch::kByte).view({4, channels, 2, 3});
    data.labels = torch::tensor({3, 0, 1, 3}, torch::kLong);
    write_idx(data, folder / "i.gz", folder / "l.gz");
    const data::Dataset back = data::read_idx(folder / "i.gz", folder / "l.gz", 4);
    EXPECT_TRUE(back.images.equal(data.images)) << channels;
    EXPECT_TRUE(back.labels.equal(data.labels)) << channels;
  }
}

TEST_F(Data, DoesNotDependOnPacking) {
  data::write_gzip(folder / "i.gz", images), data::write_gzip(folder / "l.gz", labels);
  EXPECT_EQ(data::read_idx(folder / "i.gz", folder / "l.gz", 3).sha256,
            data::read_idx(write("i", images), write("l", labels), 3).sha256);
}

TEST_F(Data, PacksWithoutTimeOrName) {
  data::write_gzip(folder / "a.gz", images), data::write_gzip(folder / "b.gz", images);
  const std::string bytes = read(folder / "a.gz");
  EXPECT_EQ(bytes, read(folder / "b.gz"));
  EXPECT_EQ(bytes.substr(3, 5), std::string(5, '\0')) << "flags and time of the gzip header";
}

TEST_F(Data, UnpacksSeveralMembers) {
  data::write_gzip(folder / "a.gz", "first "), data::write_gzip(folder / "b.gz", "second");
  const auto both = write("both.gz", read(folder / "a.gz") + read(folder / "b.gz"));
  EXPECT_EQ(data::read_unpacked(both), "first second");
}

TEST_F(Data, RefusesAFileCutShortAnywhere) {
  for (size_t size = 0; size < images.size(); ++size)
    EXPECT_NE(problem(images.substr(0, size), labels), "") << size;
  for (size_t size = 0; size < labels.size(); ++size)
    EXPECT_NE(problem(images, labels.substr(0, size)), "") << size;
  data::write_gzip(folder / "i.gz", images);
  const std::string packed = read(folder / "i.gz");
  for (size_t size = 0; size < packed.size(); ++size)
    EXPECT_NE(problem(packed.substr(0, size), labels), "") << size;
}

TEST_F(Data, RefusesDamageOfAPackedFile) {
  data::write_gzip(folder / "l.gz", labels);
  const std::string packed = read(folder / "l.gz");
  for (size_t at = 10; at < packed.size(); ++at) {  // after the header, whose fields say little
    std::string damaged = packed;
    damaged[at] = char(damaged[at] ^ 0x20);
    const auto file = write("damaged.gz", damaged);
    std::string content = labels;  // bits that fill up the last byte of the stream say nothing
    const std::string refused = error<BadInput>([&] { content = data::read_unpacked(file); });
    EXPECT_EQ(content, labels) << at;
    EXPECT_TRUE(at < packed.size() - 8 || !refused.empty()) << "checksum or length, " << at;
  }
}

TEST_F(Data, SaysWhatIsWrong) {
  const auto says = [](const std::string& text, const std::string& words) {
    EXPECT_NE(text.find(words), std::string::npos) << text;
  };
  EXPECT_EQ(problem(images, labels), "");
  says(problem(labels, labels), "the magic is 2049, expected that of IDX images, 2051");
  says(problem(images, images), "the magic is 2051, expected that of IDX labels, 2049");
  says(problem(images + "x", labels), "5 x 2 x 3 bytes, but 31 follow it: the file is too long");
  says(problem(images.substr(0, 45), labels), "but 29 follow it: the file is cut short");
  says(problem(images, labels, 2), "the label of image 2 is 2, expected 0 to 1");
  says(problem(big_endian(0x0803) + big_endian(0) + big_endian(2) + big_endian(3), labels),
       "no data");
  const std::string most = "\xff\xff\xff\xff";
  says(problem(big_endian(0x0804) + most + most + most + most, labels), "cut short");
  const std::string four = big_endian(0x0801) + big_endian(4) + std::string("\0\1\2\0", 4);
  says(problem(images, four), "4 labels for 5 images");
  says(error<BadInput>([&] { data::read_idx(folder / "none", folder / "labels", 3); }),
       "no such file");
}

TEST_F(Data, ReadsCifar10InTheGivenOrder) {
  const auto record = [](char label, char red, char blue) {
    std::string bytes(1, label);
    return bytes.append(1024, red).append(1024, '\0').append(1024, blue);
  };
  const std::string one = record(3, 10, 20) + record(9, 30, 40), two = record(0, 50, 60);
  const data::Dataset data = data::read_cifar({write("1", one), write("2", two)}, 1, 10);
  EXPECT_EQ(data.images.sizes(), (std::vector<int64_t>{3, 3, 32, 32}));
  EXPECT_TRUE(data.labels.equal(torch::tensor({3, 9, 0}, torch::kLong)));
  EXPECT_EQ(data.images[2][0][31][31].item<int>(), 50);
  EXPECT_EQ(data.images[1][2][0][0].item<int>(), 40);
  EXPECT_EQ(data.sha256, sha256(one + two));
}

TEST_F(Data, TakesTheFineLabelOfCifar100) {
  const std::string bytes = std::string("\x05\x63", 2) + std::string(3072, '\1');
  EXPECT_EQ(data::read_cifar({write("b", bytes)}, 2, 100).labels.item<int>(), 0x63);
}

TEST_F(Data, RefusesCifarFilesThatAreNot) {
  const std::string bytes = std::string(1, '\x0a').append(3072, '\1');
  EXPECT_NE(error<BadInput>([&] {
              data::read_cifar({write("b", bytes)}, 1, 10);
            }).find("the label of image 0 is 10, expected 0 to 9"),
            std::string::npos);
  for (const size_t size : {size_t{0}, size_t{1}, bytes.size() - 1})
    EXPECT_NE(error<BadInput>([&] {
                data::read_cifar({write("b", bytes.substr(0, size))}, 1, 10);
              }).find("3073"),
              std::string::npos);
  EXPECT_NE(error<BadInput>([] { data::read_cifar({}, 1, 10); }), "");
}

TEST(StratifiedSubset, TakesTheFirstOfEachClassInTheirOrder) {
  data::Dataset data;
  data.labels = torch::tensor({1, 0, 1, 1, 0, 0}, torch::kLong);
  data.images = torch::arange(6, torch::kByte).view({6, 1, 1, 1});
  const data::Dataset subset = stratified_subset(data, 2);
  EXPECT_TRUE(subset.images.flatten().equal(torch::tensor({0, 1, 2, 4}, torch::kByte)));
  EXPECT_TRUE(subset.labels.equal(torch::tensor({1, 0, 1, 0}, torch::kLong)));
  EXPECT_THROW(stratified_subset(data, 4), BadInput);
}

// The embedded subset, made again from the official test set.
TEST_F(Data, EmbeddedFashionMnistIsReproducible) {
  std::filesystem::path official = "/usr/share/datasets/fashion-mnist";
  if (const char* root = std::getenv("GAUNTLET_DATA");
      root && std::filesystem::exists(std::filesystem::path(root) / "fashion-mnist"))
    official = std::filesystem::path(root) / "fashion-mnist";
  const char* source = std::getenv("GAUNTLET_SOURCE_DIR");
  if (!source || !std::filesystem::exists(official / "t10k-images-idx3-ubyte.gz"))
    GTEST_SKIP() << "the official Fashion-MNIST files are not here";
  const std::filesystem::path registry = std::filesystem::path(source) / "registry" / "datasets";
  const data::Dataset whole = data::read_idx(official / "t10k-images-idx3-ubyte.gz",
                                             official / "t10k-labels-idx1-ubyte.gz", 10);
  write_idx(stratified_subset(whole, 100), folder / "i.gz", folder / "l.gz");
  EXPECT_EQ(data::read_unpacked(folder / "i.gz"),
            data::read_unpacked(registry / "fashion-mnist-1k-images-idx3-ubyte.gz"));
  EXPECT_EQ(data::read_unpacked(folder / "l.gz"),
            data::read_unpacked(registry / "fashion-mnist-1k-labels-idx1-ubyte.gz"));
  const data::Dataset embedded =
      data::read_idx(registry / "fashion-mnist-1k-images-idx3-ubyte.gz",
                     registry / "fashion-mnist-1k-labels-idx1-ubyte.gz", 10);
  EXPECT_TRUE(embedded.labels.bincount().eq(100).all().item<bool>());
}

}  // namespace
}  // namespace gauntlet::testing
