// SVHN, NPZ, image folders, archives; reading ahead.
#include <ATen/ops/_upsample_bilinear2d_aa.h>

#include <atomic>
#include <thread>

#include "base/bad_input.h"
#include "base/sha256.h"
#include "data/dataset.h"
#include "data/files/archive.h"
#include "data/formats/read_split.h"
#include "data/formats/readers.h"
#include "data/images/decode_image.h"
#include "data/images/resize_image.h"
#include "file_bytes.h"
#include "files.h"
#include "image_bytes.h"

namespace gauntlet::testing {
namespace {
namespace fs = std::filesystem;

class Formats : public FilesTest {
 protected:
  void image(const std::string& name, const std::string& bytes) const {
    fs::create_directories((folder / name).parent_path());
    write(name, bytes);
  }
  data::SplitFiles split(data::DataFormat format, const fs::path& path,
                         std::vector<int64_t> shape = {}) const {
    data::SplitFiles files;
    files.format = format, files.paths = {path}, files.classes = 3, files.shape = shape;
    return files;
  }
};

TEST_F(Formats, ReadsSvhnPackedAndPlain) {
  const Tensor images = noise_bytes({4, 3, 5, 6});  // N, C, H, W
  // MATLAB stores [H, W, C, N] with H running fastest: N, C, W, H of a row-major tensor.
  const std::string x = mat_matrix("X", {5, 6, 3, 4}, bytes_of(images.transpose(2, 3)));
  const std::string as_doubles = bytes_of(torch::tensor({10., 1., 9., 3.}, torch::kDouble));
  for (const bool pack : {true, false})
    for (const bool doubles : {true, false}) {
      const std::string y = doubles ? mat_matrix("y", {4, 1}, as_doubles, 9, 6)
                                    : mat_matrix("y", {4, 1}, "\x0a\x01\x09\x03");
      const data::Dataset data = data::read_svhn(write("s.mat", mat_file({x, y}, pack)), 10);
      EXPECT_TRUE(data.images.equal(images)) << pack << doubles;
      EXPECT_TRUE(data.labels.equal(torch::tensor({0, 1, 9, 3}, torch::kLong)));
      EXPECT_EQ(data.sha256, sha256_of_file(folder / "s.mat"));
    }
}

TEST_F(Formats, ReadsNpzInEitherLayoutAndType) {
  const Tensor images = noise_bytes({5, 3, 2, 4}),
               labels = torch::tensor({0, 2, 1, 0, 2}, torch::kLong);
  data::SplitFiles files = split(data::DataFormat::kNpz, folder / "d.npz");
  for (const bool last : {false, true})
    for (const bool pack : {false, true})
      for (const bool floats : {false, true}) {
        const Tensor stored_images = last ? images.permute({0, 2, 3, 1}) : images;
        const std::string x =
            npy_bytes(floats ? stored_images.to(torch::kDouble) / 255 : stored_images);
        const auto part = pack ? packed : stored;
        write("d.npz", zip_bytes({part("x", x), part("y", npy_bytes(labels))}));
        files.channels_last = last;
        const data::Dataset data = read_split(files);
        const Tensor all = torch::arange(5);
        EXPECT_TRUE(data.x(all).allclose(images.to(torch::kFloat) / 255, 0, 1e-7));
        EXPECT_TRUE(data.y(all).equal(labels));
        EXPECT_EQ(data.image_shape(), (std::vector<int64_t>{3, 2, 4}));
      }
}

TEST_F(Formats, ReadsColumnMajorArrays) {
  const Tensor images = noise_bytes({2, 1, 3, 4});
  std::string x = npy_bytes(images.permute({3, 2, 1, 0}), "|u1", "2, 1, 3, 4");
  x.replace(x.find("False"), 5, "True ");
  data::SplitFiles files = split(data::DataFormat::kNpz, folder / "d.npz");
  files.images = "images", files.labels = "labels";
  write("d.npz", zip_bytes({stored("images", x),
                            stored("labels", npy_bytes(torch::tensor({1, 2}, torch::kLong)))}));
  EXPECT_TRUE(read_split(files).images.equal(images));
}

TEST_F(Formats, ReadsMatricesOfEveryNumber) {
  const Tensor images = noise_bytes({3, 3, 2, 2});
  const std::string x = mat_matrix("X", {2, 2, 3, 3}, bytes_of(images.transpose(2, 3)));
  const Tensor digits = torch::tensor({10, 1, 3}, torch::kLong);
  struct Stored {
    uint64_t type, matrix_class;
    at::ScalarType as;
  };
  // scipy writes int64 as it is, MATLAB a double class in the smallest type that holds it.
  for (const Stored& stored : {Stored{12, 14, torch::kLong},
                               {13, 15, torch::kUInt64},
                               {5, 12, torch::kInt},
                               {6, 13, torch::kUInt32},
                               {3, 10, torch::kShort},
                               {4, 11, torch::kUInt16},
                               {1, 8, torch::kChar},
                               {7, 7, torch::kFloat},
                               {2, 6, torch::kByte}}) {
    const std::string y =
        mat_matrix("y", {3, 1}, bytes_of(digits.to(stored.as)), stored.type, stored.matrix_class);
    const data::Dataset data = data::read_svhn(write("s.mat", mat_file({x, y}, true)), 10);
    EXPECT_TRUE(data.images.equal(images));
    EXPECT_TRUE(data.labels.equal(torch::tensor({0, 1, 3}, torch::kLong))) << stored.type;
  }
}

TEST_F(Formats, ReadsNumPysOtherNumbers) {
  const Tensor images = noise_bytes({4, 3, 2, 4}),
               labels = torch::tensor({0, 2, 1, 2}, torch::kLong);
  data::SplitFiles files = split(data::DataFormat::kNpz, folder / "d.npz");
  const auto turned = [](const Tensor& values) {
    std::string bytes = bytes_of(values);
    const size_t size = at::elementSize(values.scalar_type());
    for (size_t at = 0; at < bytes.size(); at += size)
      std::reverse(bytes.begin() + std::ptrdiff_t(at), bytes.begin() + std::ptrdiff_t(at + size));
    return torch::from_blob(bytes.data(), values.sizes(), values.scalar_type()).clone();
  };
  const auto read = [&](const std::string& x, const std::string& y) {
    write("d.npz", zip_bytes({stored("x", x), stored("y", y)}));
    return read_split(files);
  };
  const std::string x = npy_bytes(images), y = npy_bytes(labels);
  for (const auto& [descr, type] : {std::pair{"u2", torch::kUInt16},
                                    {"u4", torch::kUInt32},
                                    {"u8", torch::kUInt64},
                                    {"i2", torch::kShort},
                                    {"i4", torch::kInt},
                                    {"i8", torch::kLong}}) {
    const Tensor as = labels.to(type);
    EXPECT_TRUE(read(x, npy_bytes(as, std::string("<") + descr)).labels.equal(labels)) << descr;
    EXPECT_TRUE(read(x, npy_bytes(turned(as), std::string(">") + descr)).labels.equal(labels))
        << descr;
  }
  for (const auto& [descr, type] :
       {std::pair{"f2", torch::kHalf}, {"f4", torch::kFloat}, {"f8", torch::kDouble}}) {
    const Tensor as = (images.to(torch::kFloat) / 255).to(type);
    for (const bool big : {false, true})
      EXPECT_TRUE(read(npy_bytes(big ? turned(as) : as, (big ? ">" : "<") + std::string(descr)), y)
                      .images.equal(as.to(torch::kFloat)))
          << descr << big;
  }
}

TEST_F(Formats, SaysWhatAnArrayIs) {
  const Tensor images = noise_bytes({4, 3, 2, 4}),
               labels = torch::tensor({0, 2, 1, 2}, torch::kLong);
  data::SplitFiles files = split(data::DataFormat::kNpz, folder / "d.npz");
  const auto says = [&](const std::string& x, const std::string& y, const std::string& words) {
    write("d.npz", zip_bytes({stored("x", x), stored("y", y)}));
    const std::string text = error<BadInput>([&] { read_split(files); });
    EXPECT_NE(text.find(words), std::string::npos) << text;
  };
  const std::string x = npy_bytes(images), y = npy_bytes(labels);
  says(npy_bytes(images, "<f16"), y, "has dtype '<f16', expected");
  says(npy_bytes(images, "<U7"), y, "has dtype '<U7', expected");
  std::string structure = npy_bytes(images);
  structure.replace(structure.find("'|u1'"), 5, "[('a', '<i4')]");
  says(structure, y, "has dtype '[('a', '<i4')]', expected");
  says(x, npy_bytes(torch::full({4}, -1, torch::kLong), "<u8"), "whole numbers beyond 2^63");
  says(npy_bytes(noise_bytes({4, 12, 12, 3})), y,
       "is 4 x 12 x 12 x 3: its channels are last; say layout = \"nhwc\"");
  files.classes = 0;
  says(x, npy_bytes(labels - 1), "the label of image 0 is -1, expected 0 or above");
  files.images = "pictures\x1b[2J";
  says(x, y, "holds no array 'pictures?[2J', it has 'x', 'y'");
}

TEST_F(Formats, TakesTheClassesOfAFolderInTurn) {
  const Tensor cat = noise_bytes({3, 4, 6}, 1), dog = noise_bytes({3, 4, 6}, 2);
  image("set/dog/a.png", png_bytes(dog));
  image("set/cat/b.png", png_bytes(cat));
  image("set/cat/a.PNG", png_bytes(dog));
  image("set/eel/a.png", png_bytes(cat));
  image("set/eel/notes.txt", "not an image");
  const data::Dataset data =
      read_split(split(data::DataFormat::kImages, folder / "set", {3, 4, 6}));
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"cat", "dog", "eel"}));
  EXPECT_TRUE(data.labels.equal(torch::tensor({0, 1, 2, 0}, torch::kLong)));
  const Tensor x = data.x(torch::tensor({3, 1, 0}, torch::kLong));
  EXPECT_TRUE(x.equal(torch::stack({cat, dog, dog}).to(torch::kFloat).div(255)));
  EXPECT_FALSE(data.images.defined()) << "decoded on demand";
}

TEST_F(Formats, HashesNamesAndContentsOfAFolder) {
  for (const char* name : {"set/a/1.png", "set/b/1.png", "set/c/1.png"})
    image(name, png_bytes(noise_bytes({3, 4, 4})));
  const auto sum = [&] {
    return read_split(split(data::DataFormat::kImages, folder / "set", {3, 4, 4})).sha256;
  };
  const std::string before = sum();
  EXPECT_EQ(sum(), before);
  image("set/b/1.png", png_bytes(noise_bytes({3, 4, 4}, 2)));
  const std::string changed = sum();
  EXPECT_NE(changed, before);
  fs::rename(folder / "set/b/1.png", folder / "set/b/2.png");
  EXPECT_NE(sum(), changed);
}

TEST_F(Formats, DecodesJpegAndRepeatsGrey) {
  const Tensor flat = torch::full({1, 16, 16}, 93, torch::kByte);
  const Tensor grey = data::decode_image(write("g.jpg", jpeg_bytes(flat)), 3);
  EXPECT_EQ(grey.sizes(), (std::vector<int64_t>{3, 16, 16}));
  EXPECT_LE((grey.to(torch::kInt) - 93).abs().max().item<int>(), 1);
  EXPECT_EQ(data::decode_image(write("g.png", png_bytes(flat)), 1).sizes(),
            (std::vector<int64_t>{1, 16, 16}));
}

TEST_F(Formats, ResizesTheShorterSideAndCutsTheMiddle) {
  // Columns 0 … 7 have the values 0, 10, …: the middle four of a crop are known.
  const Tensor columns = (10 * torch::arange(8)).to(torch::kByte).view({1, 1, 8}).expand({3, 4, 8});
  const Tensor cut = data::resize_and_crop(columns, 4, 4, 0);
  EXPECT_TRUE(cut.equal(columns.narrow(2, 2, 4)));
  // Half the size: the antialiased mean of a linear ramp is its value between two columns.
  const Tensor half = data::resize_and_crop(columns, 2, 2, 2);
  EXPECT_EQ(half.sizes(), (std::vector<int64_t>{3, 2, 2}));
  EXPECT_EQ(half[0][0][0].item<int>(), 25);
  EXPECT_EQ(half[0][0][1].item<int>(), 45);
  EXPECT_EQ(data::resize_and_crop(columns, 3, 8, 0).sizes(), (std::vector<int64_t>{3, 3, 8}));
}

// Sizes and place as torchvision has them, pixels as torch's antialiased filter
// before it is rounded, but for sums in another order.
TEST_F(Formats, ResizesAsTorchvisionDoes) {
  struct Case {
    int64_t h, w, resize, new_h, new_w, top, left;
  };
  for (const Case& c : {Case{332, 500, 256, 256, 385, 16, 80},
                        {500, 375, 256, 341, 256, 58, 16},
                        {90, 61, 256, 377, 256, 76, 16},
                        {224, 224, 0, 224, 224, 0, 0}}) {
    const Tensor image = noise_bytes({3, c.h, c.w});
    const Tensor scaled =
        at::_upsample_bilinear2d_aa(image.unsqueeze(0).to(torch::kFloat), {c.new_h, c.new_w}, false)
            .squeeze(0);
    const Tensor expected = scaled.narrow(1, c.top, 224).narrow(2, c.left, 224);
    const Tensor found = data::resize_and_crop(image, 224, 224, c.resize).to(torch::kFloat);
    EXPECT_LE((found - expected).abs().max().item<double>(), 0.51) << c.h << " x " << c.w;
  }
}

// The image's tensor, or what is wrong with it.
TEST_F(Formats, AlphaThatHidesNothingIsNoAlpha) {
  const Tensor colour = noise_bytes({3, 5, 4}), grey = noise_bytes({1, 5, 4});
  const Tensor whole = torch::full({1, 5, 4}, 255, torch::kByte);
  const auto decoded = [&](const std::string& bytes, int64_t channels) {
    return data::decode_image(write("i.png", bytes), channels);
  };
  EXPECT_TRUE(decoded(png_bytes(torch::cat({colour, whole})), 3).equal(colour));
  EXPECT_TRUE(decoded(png_bytes(torch::cat({grey, whole})), 1).equal(grey));
  EXPECT_TRUE(decoded(png_bytes(torch::cat({grey, whole})), 3).equal(grey.expand({3, 5, 4})));
  EXPECT_TRUE(decoded(png_bytes(grey.expand({3, 5, 4})), 1).equal(grey)) << "grey in colour";
  Tensor hidden = whole.clone();
  hidden[0][2][1] = 254;
  for (const Tensor& seen : {colour, grey})
    EXPECT_NE(error<BadInput>([&] {
                decoded(png_bytes(torch::cat({seen, hidden})), 3);
              }).find("alpha channel"),
              std::string::npos);
}

// tRNS: an alpha for each colour of a palette, or one colour that is transparent.
TEST_F(Formats, TransparencyBesideAPngsPixelsIsSeen) {
  const std::string rows = std::string("\0\0\1\0\1\1", 6);  // of 2 x 2, a filter before each
  const auto palette = [&](const std::string& alphas) {
    return "\x89PNG\r\n\x1a\n" +
           png_chunk("IHDR", big_endian(2) + big_endian(2) + "\x08\x03" + std::string(3, '\0')) +
           png_chunk("PLTE", std::string("\x0a\x14\x1e\x28\x32\x3c", 6)) +
           png_chunk("tRNS", alphas) + png_chunk("IDAT", zlib_bytes(rows)) + png_chunk("IEND", "");
  };
  const Tensor expected =
      torch::tensor({10, 40, 40, 40, 20, 50, 50, 50, 30, 60, 60, 60}, torch::kByte).view({3, 2, 2});
  EXPECT_TRUE(data::decode_image(write("p.png", palette("\xff\xff")), 3).equal(expected));
  EXPECT_THROW(data::decode_image(write("p.png", palette("\xff\x80")), 3), BadInput);
  const auto key = [&](char transparent) {
    return "\x89PNG\r\n\x1a\n" +
           png_chunk("IHDR", big_endian(2) + big_endian(2) + "\x08" + std::string("\0\0\0\0", 4)) +
           png_chunk("tRNS", std::string("\0", 1) + transparent) +
           png_chunk("IDAT", zlib_bytes(rows)) + png_chunk("IEND", "");
  };
  EXPECT_THROW(data::decode_image(write("k.png", key('\1')), 1), BadInput);
  EXPECT_EQ(data::decode_image(write("k.png", key('\7')), 1).sum().item<int>(), 3);
}

TEST_F(Formats, ReadsBmpAndPnm) {
  const Tensor colour = noise_bytes({3, 3, 5}), grey = noise_bytes({1, 3, 5});
  EXPECT_TRUE(data::decode_image(write("c.bmp", bmp_bytes(colour)), 3).equal(colour));
  EXPECT_TRUE(data::decode_image(write("g.bmp", bmp_bytes(grey)), 1).equal(grey));
  EXPECT_TRUE(data::decode_image(write("c.ppm", pnm_bytes(colour)), 3).equal(colour));
  EXPECT_TRUE(data::decode_image(write("g.pgm", pnm_bytes(grey)), 1).equal(grey));
  for (const std::string& whole : {bmp_bytes(colour), bmp_bytes(grey), pnm_bytes(colour)})
    for (size_t size = 2; size < whole.size(); ++size)
      EXPECT_THROW(data::decode_image(write("cut", whole.substr(0, size)), 3), BadInput) << size;
  std::string deep = pnm_bytes(grey);
  deep.replace(deep.find("255"), 3, "511");
  EXPECT_NE(
      error<BadInput>([&] { data::decode_image(write("d.pgm", deep), 1); }).find("go up to 511"),
      std::string::npos);
}

TEST_F(Formats, AJpegWithoutAllItsPixelsIsRefused) {
  const std::string whole = jpeg_bytes(noise_bytes({3, 40, 40}));
  const auto file = [&](const std::string& bytes) { return write("i.jpg", bytes); };
  EXPECT_EQ(data::decode_image(file(whole), 3).size(1), 40);
  const size_t head = whole.find("\xff\xda") + 20;
  for (const double share : {0.1, 0.5, 0.9, 0.99}) {
    const size_t kept = head + size_t(share * double(whole.size() - head - 2));
    std::string cut = whole.substr(0, kept);
    while (cut.back() == '\xff') cut.pop_back();
    const std::string text =
        error<BadInput>([&] { data::decode_image(file(cut + "\xff\xd9"), 3); });
    EXPECT_NE(text.find("some of its pixels are missing"), std::string::npos) << share << text;
  }
}

TEST_F(Formats, InksWithoutAdobesMarkerAreRefused) {
  std::string four = jpeg_bytes(noise_bytes({3, 8, 8}));
  const size_t frame = four.find("\xff\xc0");
  four[frame + 3] = char(four[frame + 3] + 3), four[frame + 9] = 4;
  four.insert(frame + 19, std::string("\4\x11\0", 3));
  const std::string text = error<BadInput>([&] { data::decode_image(write("i.jpg", four), 3); });
  EXPECT_NE(text.find("CMYK image without Adobe's marker"), std::string::npos) << text;
}

TEST_F(Formats, WalksIntoTheFoldersOfAClassAndCountsWhatItLeavesOut) {
  const Tensor one = noise_bytes({3, 4, 4}, 1), other = noise_bytes({3, 4, 4}, 2);
  for (const char* name : {"set/a/1.png", "set/b/deep/er/1.png", "set/c/1.png"})
    image(name, png_bytes(one));
  image("set/a/more/1.png", png_bytes(one));  // of the same name and content, elsewhere
  image("set/a/x.bmp", bmp_bytes(other));
  image("set/a/x.ppm", pnm_bytes(other));
  image("set/a/.hidden/1.png", png_bytes(one));
  data::Dataset data = read_split(split(data::DataFormat::kImages, folder / "set", {3, 4, 4}));
  EXPECT_EQ(data.size(), 6);
  EXPECT_TRUE(data.remarks.empty());
  EXPECT_TRUE(data.y(torch::arange(6)).eq(0).sum().item<int64_t>() == 4);
  for (const char* name : {"set/a/w.webp", "set/b/t.TIF", "set/b/deep/t.tiff", "set/c/notes"})
    image(name, "x");
  data = read_split(split(data::DataFormat::kImages, folder / "set", {3, 4, 4}));
  EXPECT_EQ(data.size(), 6);
  ASSERT_EQ(data.remarks.size(), 1u);
  EXPECT_NE(data.remarks[0].find("4 files ('a/w.webp', "), std::string::npos) << data.remarks[0];
}

TEST_F(Formats, SaysThatOfSixteenBitsTheUpperEightAreUsed) {
  const std::string rows = std::string("\0\x12\xff\0\x80\1", 6);  // of 1 x 2, a filter before each
  for (const char* name : {"set/a/1.png", "set/b/1.png", "set/c/1.png"})
    image(name, png_file(1, 2, rows, 16, 0));
  const data::Dataset data =
      read_split(split(data::DataFormat::kImages, folder / "set", {1, 2, 1}));
  EXPECT_TRUE(data.stored(torch::tensor({0}, torch::kLong))
                  .equal(torch::tensor({0x12, 0x80}, torch::kByte).view({1, 1, 2, 1})));
  ASSERT_EQ(data.remarks.size(), 1u);
  EXPECT_NE(data.remarks[0].find("3 files ('a/1.png', 'b/1.png', 'c/1.png') of 16 bits"),
            std::string::npos)
      << data.remarks[0];
}

TEST_F(Formats, TakesABlankBilevelImage) {
  const auto file = write("blank.png", png_file(4000, 4000, std::string(501 * 4000, '\0'), 1, 0));
  EXPECT_EQ(data::decode_image(file, 1).sum().item<int64_t>(), 0);
}

TEST_F(Formats, NamesOfFoldersInAnotherOrderAreTheOrderOfLabels) {
  for (const char* name : {"set/cat/1.png", "set/dog/1.png", "set/eel/1.png"})
    image(name, png_bytes(noise_bytes({3, 4, 4})));
  data::SplitFiles files = split(data::DataFormat::kImages, folder / "set", {3, 4, 4});
  files.class_names = {"eel", "cat", "dog"};
  EXPECT_EQ(read_split(files).class_names, files.class_names);
  files.class_names = {"a fish", "a cat", "a dog"};
  EXPECT_EQ(read_split(files).class_names, (std::vector<std::string>{"cat", "dog", "eel"}));
}

// Counts what is read.
struct CountingSource final : data::ImageSource {
  explicit CountingSource(std::atomic<int>& reads) : reads_(reads) {}
  std::vector<int64_t> shape() const override { return {1, 1, 1}; }
  Tensor read(const Tensor& index) const override {
    ++reads_;
    return index.to(torch::kByte).view({-1, 1, 1, 1});
  }
  std::atomic<int>& reads_;
};

TEST_F(Formats, WhatWasReadAheadIsNotReadAgain) {
  std::atomic<int> reads{0};
  data::Dataset data;
  decode_on_demand(data, std::make_unique<CountingSource>(reads));
  const Tensor first = torch::tensor({1, 2}, torch::kLong),
               other = torch::tensor({3}, torch::kLong);
  data.prefetch(first);
  for (int tries = 0; reads == 0 && tries < 1000; ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(reads, 1) << "begins without being asked for";
  EXPECT_NEAR(data.x(first).sum().item<double>() * 255, 3, 1e-4);
  EXPECT_EQ(reads, 1);
  data.prefetch(other);
  data.x(first);
  data.x(other);
  EXPECT_EQ(reads, 3) << "the one ahead was of another index";
}

TEST_F(Formats, ReadingAheadChangesNothing) {
  for (int i = 0; i < 12; ++i)
    image("set/" + std::to_string(i % 3) + "/" + std::to_string(i) + ".png",
          png_bytes(noise_bytes({3, 7, 9}, unsigned(i))));
  const data::Dataset data =
      read_split(split(data::DataFormat::kImages, folder / "set", {3, 5, 5}));
  const data::Dataset fresh =
      read_split(split(data::DataFormat::kImages, folder / "set", {3, 5, 5}));
  const auto batch = [](int64_t i) { return torch::arange(4 * i, 4 * i + 4); };
  for (int64_t i = 0; i < 3; ++i) {
    if (i < 2) data.prefetch(batch(i + 1));
    EXPECT_TRUE(data.x(batch(i)).equal(fresh.x(batch(i)))) << i;
  }
  data.prefetch(batch(0));  // never asked for
  data.prefetch(batch(1));
  EXPECT_TRUE(data.x(batch(2)).equal(fresh.x(batch(2))));
  EXPECT_TRUE(data.x(batch(1)).equal(fresh.x(batch(1))));
}

TEST_F(Formats, AnErrorAheadIsThrownWhereTheBatchIsUsed) {
  for (const char* name : {"set/a/1.png", "set/b/1.png", "set/c/1.png"})
    image(name, png_bytes(noise_bytes({3, 4, 4})));
  const data::Dataset data =
      read_split(split(data::DataFormat::kImages, folder / "set", {3, 4, 4}));
  write("set/b/1.png", "broken");
  data.prefetch(torch::tensor({1}, torch::kLong));
  EXPECT_NE(error<BadInput>([&] { data.x(torch::tensor({1}, torch::kLong)); }).find("b/1.png"),
            std::string::npos);
  EXPECT_EQ(data.x(torch::tensor({0}, torch::kLong)).size(0), 1);
}

TEST_F(Formats, UnpacksAnArchiveWithoutItsFirstFolder) {
  const std::string members = tar_member("top/", "", '5') + tar_member("top/a.bin", "one") +
                              tar_member("./top/deep/b.bin", std::string(1000, 'x'));
  data::unpack_archive(write("a.tar.gz", tar_gz(members)), folder / "out", 1);
  EXPECT_EQ(read(folder / "out/a.bin"), "one");
  EXPECT_EQ(read(folder / "out/deep/b.bin"), std::string(1000, 'x'));
  EXPECT_FALSE(fs::exists(folder / "out/top"));
}

TEST_F(Formats, NothingLeavesTheFolderOfAnArchive) {
  const std::string inside = tar_member("a", "fine");
  const auto refusal = [&](const std::string& member) {
    const auto file = write("a.tar.gz", tar_gz(inside + member));
    return error<BadInput>([&] { data::unpack_archive(file, folder / "out", 0); });
  };
  EXPECT_NE(refusal(tar_member("../evil", "x")).find("leaves its folder"), std::string::npos);
  EXPECT_NE(refusal(tar_member("a/../../evil", "x")).find("leaves its folder"), std::string::npos);
  EXPECT_NE(refusal(tar_member("/evil", "x")).find("absolute"), std::string::npos);
  EXPECT_NE(refusal(tar_member("link", "", '2', "..")).find("neither"), std::string::npos);
  EXPECT_NE(refusal(tar_member("hard", "", '1', "a")).find("neither"), std::string::npos);
  EXPECT_NE(refusal(tar_member("pipe", "", '6')).find("neither"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder / "evil"));
}

}  // namespace
}  // namespace gauntlet::testing
