// Files that are damaged, cut short or lie about themselves: one sentence each, and no allocation
// that the file or what is declared of it does not account for.
#include <random>

#include "base/bad_input.h"
#include "base/plausible_size.h"
#include "data/dataset.h"
#include "data/files/archive.h"
#include "data/files/gzip.h"
#include "data/formats/read_split.h"
#include "data/images/decode_image.h"
#include "data/images/resize_image.h"
#include "file_bytes.h"
#include "files.h"
#include "image_bytes.h"
#include "tests/support/memory_peak.h"
#include "tests/support/pickle_bytes.h"

namespace gauntlet::testing {
namespace {
namespace fs = std::filesystem;

constexpr int64_t kBuffers = 3 << 20;  // of hashing, inflating and listing

const Tensor kLabels = torch::tensor({0, 2, 1, 0}, torch::kLong);

std::string idx_images(uint64_t count = 4, const std::string& pixels = std::string(24, 'p')) {
  return big_endian(0x0803) + big_endian(count) + big_endian(2) + big_endian(3) + pixels;
}
std::string idx_labels() { return big_endian(0x0801) + big_endian(4) + std::string("\0\2\1\0", 4); }
std::string cifar_bytes() {
  std::string bytes;
  for (const char label : {'\0', '\2', '\1', '\0'})
    bytes += label + bytes_of(noise_bytes({3072}, unsigned(bytes.size())));
  return bytes;
}
// As Python 2 pickled the batches.
std::string cifar_pickle(const std::string& pixels, int64_t images, const std::string& type = "u1",
                         const std::string& key = "labels") {
  const std::string dtype = p_global("numpy", "dtype") + "(" + p_text(type) + "K" +
                            std::string(1, '\0') + "K\1tR(K\3" + p_text("|") +
                            "NNNJ\xff\xff\xff\xff" + "J\xff\xff\xff\xff" + "K" +
                            std::string(1, '\0') + "tb";
  const std::string array = p_global("numpy.core.multiarray", "_reconstruct") + "(" +
                            p_global("numpy", "ndarray") + p_ints({0}) + p_text("b") + "tR(K\1" +
                            p_ints({images, 3072}) + dtype + "\x89T" +
                            little_endian(pixels.size(), 4) + pixels + "tb";
  std::string labels = "](";
  for (int64_t i = 0; i < images; ++i) labels += std::string("K") + "\0\2\1\0"[i % 4];
  return pickled(p_dict({{"data", array}, {key, labels + "e"}}));
}
std::string cifar_pickle() { return cifar_pickle(bytes_of(noise_bytes({4 * 3072})), 4); }
std::string mat_images(const std::vector<int64_t>& sizes = {2, 3, 3, 4}) {
  return mat_matrix("X", sizes, bytes_of(noise_bytes({72})));
}
std::string mat_labels() { return mat_matrix("y", {4, 1}, "\x1\x2\x3\x1"); }
Tensor npz_images() { return noise_bytes({4, 3, 2, 3}); }
ZipPart npz_x() { return stored("x", npy_bytes(npz_images())); }
ZipPart npz_y() { return stored("y", npy_bytes(kLabels)); }

/// A format with a small good file: how it is written and read.
struct Format {
  std::string name;
  std::string good;
  std::function<data::Dataset(const fs::path&)> read;
};

class Corrupt : public FilesTest {
 protected:
  data::SplitFiles split(data::DataFormat format, const fs::path& file,
                         std::vector<int64_t> shape) const {
    data::SplitFiles files;
    files.format = format, files.paths = {file}, files.classes = 3, files.samples = 4;
    files.shape = std::move(shape);
    return files;
  }
  // The file becomes the one image of class 1 of a folder.
  data::Dataset as_image(const fs::path& file, const std::string& ending) const {
    const fs::path set = folder / "set";
    fs::remove_all(set);
    const std::string other = png_bytes(noise_bytes({3, 4, 4}));
    for (const char* name : {"0", "1", "2"}) {
      fs::create_directories(set / name);
      std::ofstream(set / name / "other.png", std::ios::binary) << other;
    }
    fs::remove(set / "1/other.png");
    fs::copy(file, set / "1" / ("image" + ending));
    data::Dataset data = read_split(split(data::DataFormat::kImages, set, {3, 4, 4}));
    data.x(torch::arange(data.size()));
    return data;
  }
  data::Dataset as_idx(const fs::path& images) const {
    data::SplitFiles files = split(data::DataFormat::kIdx, images, {1, 2, 3});
    files.paths.push_back(write("labels", idx_labels()));
    return read_split(files);
  }

  std::vector<Format> formats() const {
    const auto idx = [this](const fs::path& f) { return as_idx(f); };
    const auto with = [this](data::DataFormat format, std::vector<int64_t> shape) {
      return [=, this](const fs::path& f) { return read_split(split(format, f, shape)); };
    };
    const auto svhn = with(data::DataFormat::kSvhn, {3, 2, 3});
    const auto npz = with(data::DataFormat::kNpz, {3, 2, 3});
    const Tensor picture = noise_bytes({3, 6, 5});
    return {
        {"idx", idx_images(), idx},
        {"idx.gz", gzip_bytes(idx_images()), idx},
        {"cifar", cifar_bytes(), with(data::DataFormat::kCifar10, {3, 32, 32})},
        {"pickle", cifar_pickle(), with(data::DataFormat::kCifar10, {3, 32, 32})},
        {"mat", mat_file({mat_images(), mat_labels()}, false), svhn},
        {"packed mat", mat_file({mat_images(), mat_labels()}, true), svhn},
        {"npz", zip_bytes({npz_x(), npz_y()}), npz},
        {"packed npz",
         zip_bytes({packed("x", npy_bytes(npz_images())), packed("y", npy_bytes(kLabels))}), npz},
        {"png", png_bytes(picture), [this](const fs::path& f) { return as_image(f, ".png"); }},
        {"bmp", bmp_bytes(picture), [this](const fs::path& f) { return as_image(f, ".bmp"); }},
        {"ppm", pnm_bytes(picture), [this](const fs::path& f) { return as_image(f, ".ppm"); }},
        {"jpeg", jpeg_bytes(picture), [this](const fs::path& f) { return as_image(f, ".jpg"); }},
    };
  }

  static void expect_right(const data::Dataset& data) {
    EXPECT_EQ(data.image_shape().size(), 3u);
    EXPECT_EQ(data.labels.dim(), 1);
    EXPECT_GT(data.size(), 0);
    EXPECT_GE(data.labels.min().item<int64_t>(), 0);
    EXPECT_LT(data.labels.max().item<int64_t>(), 3);
    if (!data.source) {
      EXPECT_EQ(data.images.size(0), data.size());
    }
  }

  // What reading says: "" if it accepts. Anything but BadInput fails the test, and so does memory
  // beyond twice the file and what the split declares.
  std::string verdict(const Format& format, const std::string& bytes) {
    const fs::path file = write("file", bytes);
    std::string said;
    const int64_t peak = Memory::peak_of([&] {
      try {
        expect_right(format.read(file));
      } catch (const BadInput& error) {
        said = error.what();
        EXPECT_NE(said, "");
        EXPECT_EQ(said.find('\n'), std::string::npos) << said;
      } catch (const std::exception& error) {
        ADD_FAILURE() << format.name << ": " << error.what();
      }
    });
    EXPECT_LE(peak, 2 * int64_t(bytes.size()) + kBuffers) << format.name << ": " << said;
    return said;
  }
};

TEST_F(Corrupt, GoodFilesAreAccepted) {
  for (const Format& format : formats()) EXPECT_EQ(verdict(format, format.good), "") << format.name;
}

TEST_F(Corrupt, CutShortAnywhereIsRefused) {
  for (const Format& format : formats()) {
    const size_t size = format.good.size();
    const size_t step = std::max<size_t>(1, size / 150), last = size - std::min<size_t>(size, 20);
    for (size_t cut = 0; cut < size; cut += cut < last ? step : 1)
      EXPECT_NE(verdict(format, format.good.substr(0, cut)), "") << format.name << " " << cut;
  }
}

// A fixed seed: bytes changed, inserted, left out. Whatever comes of it is a sentence or a data set
// with labels in range.
TEST_F(Corrupt, MutatedBytesNeverCrash) {
  std::mt19937 random(20);
  for (const Format& format : formats())
    for (int round = 0; round < 250; ++round) {
      std::string bytes = format.good;
      for (unsigned n = 1 + random() % 4; n > 0; --n) {
        const size_t at = random() % bytes.size();
        const unsigned kind = random() % 8;
        if (kind == 0) {
          bytes.erase(at, 1 + random() % 8);
        } else if (kind == 1) {
          bytes.insert(at, std::string(1 + random() % 8, char(random())));
        } else if (kind == 2) {
          for (size_t i = at; i < std::min(at + 4, bytes.size()); ++i) bytes[i] = '\xff';
        } else {
          bytes[at] = char(random());
        }
        if (bytes.empty()) bytes = "x";
      }
      verdict(format, bytes);
    }
}

TEST_F(Corrupt, EachMistakeHasItsSentence) {
  std::map<std::string, Format> of;
  for (const Format& format : formats()) of[format.name] = format;
  const Tensor floats = npz_images().to(torch::kFloat) / 255;
  const auto npz = [](const std::string& x, const std::string& y) {
    return zip_bytes({stored("x", x), stored("y", y)});
  };
  const std::string x = npy_bytes(npz_images()), y = npy_bytes(kLabels);
  const auto mat = [](const std::string& images, const std::string& labels) {
    return mat_file({images, labels}, true);
  };
  std::string wrong_crc = of["npz"].good;
  wrong_crc[wrong_crc.find("NUMPY") + 130] ^= 1;
  std::string big_endian_mat = of["mat"].good;
  std::swap(big_endian_mat[126], big_endian_mat[127]);
  std::string bad_label = cifar_bytes();
  bad_label[3073] = 7;
  std::string wrong_png_sum = of["png"].good, no_huffman_sum = of["jpeg"].good;
  wrong_png_sum[20] ^= 1;
  no_huffman_sum.insert(2, "\xff\xc4" + std::string("\x02\xa1", 2) + '\0' +
                               std::string("\0\0\3\0\0\0\0\0\0\0\0\x63\x63\x63\x63\xff", 16) +
                               std::string(654, '\1'));
  std::string wrong_mat_sum = of["packed mat"].good;
  wrong_mat_sum[wrong_mat_sum.size() - 1] ^= 1;
  const auto digits = [](std::vector<double> values) {
    return mat_matrix("y", {4, 1}, bytes_of(torch::tensor(values, torch::kDouble)), 9, 6);
  };
  const Tensor picture = noise_bytes({4, 4, 4});
  const std::string zeros(8 << 20, '\0');

  struct Case {
    const char* format;
    std::string bytes, words;
  };
  const std::vector<Case> cases = {
      {"idx", "", "too few for an IDX file"},
      {"idx", "GIF89a", "the magic is"},
      {"idx", big_endian(0x0d03) + idx_images().substr(4), "the magic is"},
      {"idx", idx_images(0xffffffff), "cut short"},
      {"idx", idx_images(4, std::string(25, 'p')), "too long"},
      {"idx", idx_images(5, std::string(30, 'p')), "4 labels for 5 images"},
      {"idx.gz", gzip_bytes(zeros), "unpacks to more than"},
      {"idx.gz", std::string("\x1f\x8b") + "no gzip", "gzip stream is"},
      {"cifar", cifar_bytes() + "x", "not a whole number of CIFAR records"},
      {"cifar", bad_label, "the label of image 1 is 7, expected 0 to 2 (1 such labels)"},
      {"pickle", cifar_pickle(std::string(3 * 3072, 'x'), 4), "no array of N x 3072 bytes"},
      {"pickle", cifar_pickle(std::string(4 * 3072, 'x'), 4, "i1"), "no array of N x 3072 bytes"},
      {"pickle", cifar_pickle(std::string(4 * 3072, 'x'), 4, "u1", "names"), "has no 'labels'"},
      {"pickle", pickled(p_text("data")), "is no batch of CIFAR's Python version (it is no dict)"},
      {"pickle", pickled(p_global("os", "system") + "(" + p_text("ls") + "tR"),
       "nothing of it was run"},
      {"mat", "MATLAB 7.3", "no MATLAB 5 file"},
      {"mat", big_endian_mat, "no MATLAB 5 file"},
      {"mat", mat_file({mat_images()}, false), "holds no y"},
      {"mat", mat_file({mat_images({2, 3, 3, 5}), mat_labels()}, false), "declares"},
      {"packed mat", mat(mat_images({2, 3, 3, 2'000'000'000}), mat_labels()), "declares"},
      {"packed mat", mat(mat_matrix("X", {2, 3, 3, 4}, "", 2, 9, 72), mat_labels()), "cut short"},
      {"packed mat", mat(mat_matrix("X", {1 << 23}, zeros), mat_labels()), "the entry declares"},
      {"packed mat", mat(mat_images({2, 3, 12}), mat_labels()), "X is no uint8 matrix"},
      {"packed mat", mat(mat_images(), mat_matrix("y", {4, 1}, std::string("\0\1\2\3", 4))),
       "the label of image 0 is 0, expected 1 to 3"},
      {"packed mat", mat(mat_images(), digits({1, 2, 11, 3})),
       "the label of image 2 is 11, expected 1 to 3"},
      {"packed mat", mat(mat_images(), digits({1, 2.5, 1, 3})), "no whole numbers"},
      {"packed mat", mat_file({mat_images(), mat_images(), mat_labels()}, true), "twice"},
      {"packed mat", wrong_mat_sum, "cut short or damaged"},
      {"packed mat", mat(mat_images(), mat_matrix("y", {3, 1}, "\1\2\3")), "3 labels for 4 images"},
      {"packed mat", mat(mat_matrix("X", {4}, "abcd", 2, 4), mat_labels()), "is of class 4"},
      {"npz", "PK\3\4", ""},
      {"npz", zip_bytes({npz_x(), stored("labels", y)}), "no array 'y', it has 'labels', 'x'"},
      {"npz", wrong_crc, "'x.npy'"},
      {"npz", npz("no array at all", y), "its magic is wrong"},
      {"npz", npz(npy_bytes(npz_images(), "<c8"), y), "has dtype '<c8'"},
      {"npz", npz(npy_bytes(npz_images(), "|O"), y), "has dtype '|O', expected bool"},
      {"npz", npz(npy_bytes(npz_images(), "|u1", "4, 3, 2, 300000000"), y), "declares"},
      {"npz", npz(npy_bytes(npz_images(), "|u1", "9223372036854775807, 8, 8, 8"), y), "header"},
      {"npz", npz(npy_bytes(npz_images(), "|u1", "4, 18"), y), "[N, channels, height, width]"},
      {"npz", npz(npy_bytes(floats * 2), y), "expected floats in [0, 1]"},
      {"npz", npz(npy_bytes(floats / 0), y), "not finite"},
      {"npz", npz(x, npy_bytes(kLabels.narrow(0, 0, 3))), "one label for each of the 4 images"},
      {"npz", npz(x, npy_bytes(kLabels.to(torch::kFloat))), "not of whole numbers"},
      {"npz", npz(x, npy_bytes(kLabels + 2)), "expected 0 to 2"},
      {"npz", zip_bytes({npz_x(), npz_x(), npz_y()}), "twice"},
      {"packed npz", zip_bytes({packed("x", zeros), npz_y()}), "more than"},
      {"png", "not an image", "is no PNG, JPEG, BMP or binary PNM image"},
      {"png", wrong_png_sum, "the checksum of a chunk is wrong"},
      {"png", png_file(16000, 16000, zeros), "unpacks to less than its size says"},
      {"png", png_file(1, 1, zeros), "unpacks to more than its size says"},
      {"png", png_file(9000, 9000, std::string(1126 * 9000, '\0'), 1, 0),
       "says it is 9000 x 9000 pixels, expected at most"},
      {"jpeg", no_huffman_sum, "more codes than there can be"},
      {"png", png_bytes(picture), "alpha channel"},
      {"jpeg", "\xff\xd8\xff", "it has no end"},
  };
  for (const Case& c : cases) {
    const std::string said = verdict(of.at(c.format), c.bytes);
    EXPECT_NE(said, "") << c.format << ": " << c.words;
    EXPECT_NE(said.find(c.words), std::string::npos) << c.format << ": " << said;
  }
}

// Where the files are large, so that what is beside them does not hide what they cost.
TEST_F(Corrupt, MemoryIsThatOfTheFileAndItsContent) {
  constexpr int64_t kLabels = 1 << 22, kSide = 32, kImages = 2048, kPixels = 3 * kSide * kSide;
  const Tensor images = noise_bytes({kImages, 3, kSide, kSide}), few = torch::zeros({kImages});
  const Tensor labels = few.to(torch::kByte), floats = images.to(torch::kFloat).div(255);
  const auto cost = [&](data::SplitFiles files, int64_t content) {
    int64_t bytes = 0;
    for (const fs::path& path : files.paths) bytes += int64_t(fs::file_size(path));
    int64_t size = 0;
    const int64_t peak = Memory::peak_of([&] { size = read_split(files).size(); });
    EXPECT_GT(size, 0);
    EXPECT_LE(peak, bytes + 2 * content + kBuffers) << files.paths[0];
  };
  const auto of = [&](data::DataFormat format, const std::string& bytes,
                      std::vector<int64_t> shape) {
    data::SplitFiles files = split(format, write("large", bytes), std::move(shape));
    files.samples = kImages;
    return files;
  };
  const std::string idx = big_endian(0x0804) + big_endian(kImages) + big_endian(3) +
                          big_endian(kSide) + big_endian(kSide) + bytes_of(images);
  for (const std::string& bytes : {idx, gzip_bytes(idx)}) {
    data::SplitFiles files = of(data::DataFormat::kIdx, bytes, {3, kSide, kSide});
    files.paths.push_back(
        write("labels", big_endian(0x0801) + big_endian(kImages) + bytes_of(labels)));
    cost(files, kImages * kPixels);
  }
  data::SplitFiles many = of(data::DataFormat::kIdx, "", {1, 1, 1});
  many.samples = kLabels;
  many.paths = {
      write("large", big_endian(0x0803) + big_endian(kLabels) + big_endian(1) + big_endian(1) +
                         std::string(kLabels, 'x')),
      write("labels", big_endian(0x0801) + big_endian(kLabels) + std::string(kLabels, '\1'))};
  cost(many, kLabels * 8);  // a label becomes 8 bytes
  const std::string records = bytes_of(torch::cat({labels.view({-1, 1}), images.flatten(1)}, 1));
  cost(of(data::DataFormat::kCifar10, records, {3, kSide, kSide}), kImages * kPixels);
  for (const bool pack : {false, true})
    cost(of(data::DataFormat::kSvhn,
            mat_file({mat_matrix("X", {kSide, kSide, 3, kImages}, bytes_of(images)),
                      mat_matrix("y", {kImages, 1}, std::string(kImages, '\1'))},
                     pack),
            {3, kSide, kSide}),
         kImages * kPixels);
  for (const bool last : {false, true}) {
    const Tensor x = last ? floats.permute({0, 2, 3, 1}) : floats;
    data::SplitFiles files =
        of(data::DataFormat::kNpz,
           zip_bytes({stored("x", npy_bytes(x)), stored("y", npy_bytes(labels.to(torch::kLong)))}),
           {3, kSide, kSide});
    files.channels_last = last;
    cost(files, kImages * kPixels * 4);
  }
}

TEST_F(Corrupt, UndeclaredSizesAreHeldToThatOfTheFile) {
  const std::string zeros(size_t{300} << 20, '\0');
  data::SplitFiles files;
  files.classes = 3;
  const auto refused = [&](data::DataFormat format, const std::string& bytes) {
    files.format = format;
    files.paths = {write("file", bytes)};
    if (format == data::DataFormat::kIdx) files.paths.push_back(write("labels", idx_labels()));
    std::string said;
    const int64_t peak =
        Memory::peak_of([&] { said = error<BadInput>([&] { read_split(files); }); });
    EXPECT_NE(said, "");
    EXPECT_LE(peak, 3 * plausible_bytes(bytes.size()) + kBuffers) << said;  // of a growing string
  };
  refused(data::DataFormat::kIdx, gzip_bytes(idx_images(0xffffffff, zeros)));
  refused(data::DataFormat::kCifar10, gzip_bytes(zeros));
  refused(data::DataFormat::kSvhn, mat_file({mat_matrix("X", {300 << 20}, zeros)}, true));
  refused(data::DataFormat::kNpz,
          zip_bytes(
              {packed("x", npy_bytes(torch::zeros({300, 1, 1024, 1024}, torch::kByte))), npz_y()}));
}

// However long the scaled image would be, only the crop is computed.
TEST_F(Corrupt, LongImagesCostNoMoreThanTheirCrop) {
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{1, 32768}, {32768, 1}}) {
    const fs::path file = write("long.png", png_bytes(noise_bytes({3, height, width})));
    const int64_t peak = Memory::peak_of([&] {
      const Tensor image = data::decode_image(file, 3);
      EXPECT_EQ(data::resize_and_crop(image, 224, 224, 0).numel(), 3 * 224 * 224);
      EXPECT_EQ(data::resize_and_crop(image, 224, 224, 256).numel(), 3 * 224 * 224);
    });
    EXPECT_LE(peak, 4 << 20);
  }
}

TEST_F(Corrupt, FoldersHaveTheirSentencesToo) {
  const auto problem = [&](std::vector<int64_t> shape = {3, 4, 4}, int64_t resize = 0) {
    data::SplitFiles files = split(data::DataFormat::kImages, folder / "set", std::move(shape));
    files.resize = resize;
    return error<BadInput>([&] {
      const data::Dataset data = read_split(files);
      data.x(torch::arange(data.size()));
    });
  };
  const auto says = [](const std::string& text, const std::string& words) {
    EXPECT_NE(text.find(words), std::string::npos) << text;
  };
  const std::string image = png_bytes(noise_bytes({3, 4, 4}));
  says(problem(), "no such folder");
  for (const char* name : {"a", "b"}) {
    fs::create_directories(folder / "set" / name);
    write(std::string("set/") + name + "/1.png", image);
  }
  says(problem(), "holds 2 folders, expected one for each of 3 classes");
  fs::create_directories(folder / "set/c");
  says(problem(), "set/c: the class is empty");
  write("set/c/1.png", image);
  EXPECT_EQ(problem(), "");
  says(problem({1, 4, 4}), "is in colour");
  says(problem({2, 4, 4}), "1 or 3 channels");
  says(problem({3, 4, 4}, 3), "smaller than the crop");
  write("set/c/1.jpg", image);
  says(problem(), "is there twice");
  write("set/c/1.jpg", jpeg_bytes(noise_bytes({3, 4, 4})));
  EXPECT_EQ(problem(), "") << "another image of the same name";
  write("set/c/1.jpg", "cut");
  says(error<BadInput>([&] {
         read_split(split(data::DataFormat::kImages, folder / "set", {3, 4, 4}));
       }),
       "c/1.jpg: is no PNG, JPEG, BMP or binary PNM image");
  fs::remove(folder / "set/c/1.jpg");
  fs::create_symlink("loop.png", folder / "set/c/loop.png");
  says(problem(), "loop.png: ");
}

TEST_F(Corrupt, FilesListedTwiceAreRefused) {
  data::SplitFiles files =
      split(data::DataFormat::kCifar10, write("a", cifar_bytes()), {3, 32, 32});
  files.samples = 8;
  files.paths.push_back(folder / "." / "a");
  EXPECT_NE(error<BadInput>([&] { read_split(files); }).find("is listed twice"), std::string::npos);
  files.paths[1] = write("b", cifar_bytes());
  EXPECT_NE(error<BadInput>([&] { read_split(files); }).find("same records as"), std::string::npos);
}

TEST_F(Corrupt, ArchivesNeverCrash) {
  const std::string good = tar_gz(tar_member("top/", "", '5') + tar_member("top/a", "first") +
                                  tar_member("top/b", bytes_of(noise_bytes({700}))));
  const auto verdict = [&](const std::string& bytes) {
    const fs::path file = write("a.tar.gz", bytes);
    std::string said;
    const int64_t peak = Memory::peak_of(
        [&] { said = error<BadInput>([&] { data::unpack_archive(file, folder / "out", 1); }); });
    EXPECT_LE(peak, kBuffers) << said;
    return said;
  };
  EXPECT_EQ(verdict(good), "");
  for (size_t cut = 0; cut < good.size() - 20; cut += 7)
    EXPECT_NE(verdict(good.substr(0, cut)), "") << cut;
  EXPECT_NE(verdict("no archive"), "");
  EXPECT_NE(verdict(tar_gz(tar_member("top/a", "x", '0', "", int64_t{1} << 32))), "");
  std::mt19937 random(21);
  for (int round = 0; round < 300; ++round) {
    std::string bytes = good;
    bytes[random() % bytes.size()] = char(random());
    verdict(bytes);
    std::string members = tar_member("top/a", "first") + tar_member("top/b", "second");
    members[random() % members.size()] = char(random());
    verdict(tar_gz(members));
  }
  for (const auto& item : fs::directory_iterator(folder))
    EXPECT_TRUE(item.path().filename() == "out" || item.path().filename() == "a.tar.gz");
}

}  // namespace
}  // namespace gauntlet::testing
