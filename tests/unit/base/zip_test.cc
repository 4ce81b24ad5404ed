#include "base/zip.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zip.h>

#include <fstream>
#include <random>

#include "base/bad_input.h"
#include "tests/support/zip_bytes.h"

namespace gauntlet::testing {
namespace {
class Zip : public ::testing::Test {
 protected:
  Zip() { std::filesystem::create_directories(folder_); }
  ~Zip() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path file(const std::string& bytes) const {
    const auto path = folder_ / "a.zip";
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  // Opens it and reads all entries; the problem, or "".
  std::string problem(const std::string& bytes, uint64_t limit = 1 << 20) const {
    try {
      const ZipFile zip(file(bytes));
      for (const ZipFile::Entry& entry : zip.entries()) (void)zip.read(entry, limit);
    } catch (const BadInput& error) {
      return error.what();
    }
    return "";
  }
  void says(const std::string& bytes, const std::string& words, uint64_t limit = 1 << 20) const {
    const std::string text = problem(bytes, limit);
    EXPECT_NE(text.find(words), std::string::npos) << text << "\nlacks\n" << words;
    EXPECT_NE(text.find("a.zip: "), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("gauntlet_zip_" + std::to_string(::getpid()));
};
const std::vector<ZipPart> kTwo = {{"b/two", "second"}, {"a/one", std::string("fi\0rst", 6)}};

TEST_F(Zip, ReadsWhatIsThere) {
  for (const bool wide : {false, true}) {
    const ZipFile zip(file(zip_bytes(kTwo, {.wide = wide})));
    ASSERT_EQ(zip.entries().size(), 2u);
    const ZipFile::Entry* one = zip.find("a/one");
    ASSERT_TRUE(one);
    EXPECT_EQ(one->size, 6u);
    EXPECT_EQ(one->packed, 6u);
    EXPECT_FALSE(one->deflated);
    EXPECT_EQ(zip.read(*one, 6), kTwo[1].content);
    EXPECT_EQ(zip.read(*zip.find("b/two"), 100), "second");
    EXPECT_FALSE(zip.find("a/on"));
    EXPECT_FALSE(zip.find("c"));
  }
  EXPECT_TRUE(looks_like_zip(file(zip_bytes(kTwo))));
  EXPECT_TRUE(ZipFile(file(zip_bytes({}))).entries().empty());
  EXPECT_FALSE(looks_like_zip(file("PK")));
  EXPECT_FALSE(looks_like_zip(folder_ / "none"));
}

TEST_F(Zip, UnpacksDeflate) {
  const std::string content(100'000, 'x');
  const auto path = file("");
  std::filesystem::remove(path);
  zip_t* out = zip_open(path.c_str(), ZIP_CREATE, nullptr);
  ASSERT_TRUE(out);
  zip_source_t* source = zip_source_buffer(out, content.data(), content.size(), 0);
  ASSERT_GE(zip_file_add(out, "x", source, 0), 0);
  ASSERT_EQ(zip_close(out), 0);
  const ZipFile zip(path);
  EXPECT_TRUE(zip.entries().at(0).deflated);
  EXPECT_LT(zip.entries().at(0).packed, 1000u);
  EXPECT_EQ(zip.read(zip.entries().at(0), content.size()), content);
  EXPECT_THROW((void)zip.read(zip.entries().at(0), content.size() - 1), BadInput);
}

TEST_F(Zip, SaysWhatIsWrong) {
  says("", "no readable zip file");
  says("PK\3\4 and no more", "no readable zip file");
  says(zip_bytes({{"a", "1"}, {"a", "2"}}), "entry 'a' is there twice");
  says(zip_bytes({{"a", "1", 0, 1}}), "entry 'a' is encrypted");
  says(zip_bytes({{"a", "1", 12}}), "packed with method 12; known: 0 (stored), 8 (deflate)");
  says(zip_bytes({{"a", "1", 8, 0, 2000}}), "said to have 2000 bytes in 1 of the file");
  says(zip_bytes({{"a", "1", 0, 0, 4'000'000'000}}), "said to have 4000000000 bytes");
  says(zip_bytes({{"a", "1", 0, 0, 4'000'000'000, 4'000'000'000}}), "which cannot be");
  says(zip_bytes({{"a", "1", 0, 0, 60, 60}}), "cannot be read");
  says(zip_bytes({{"a", "12", 8, 0, 100}}), "cannot be read");
  says(zip_bytes({{"a", "1", 0, 0, -1, -1, 5}}), "entry 'a' cannot be read (CRC error)");
  says(zip_bytes({{"a", "1234"}}), "has 4 bytes, more than the 3 that can be used", 3);
  says(zip_bytes(kTwo, {.entries = 3}), "no readable zip file");
  says(zip_bytes(kTwo, {.entries = 65535}), "said to have 65535 entries, which is more than 10000");
  says(zip_bytes(kTwo, {.entries = 9000}), "9000 entries, which is more than its size allows");
  says(zip_bytes(kTwo, {.entries = INT64_MAX, .wide = true}), "said to have 9223372036854775807");
  says(zip_bytes(kTwo, {.entries = 500'000'000, .wide = true}), "said to have 500000000 entries");
  says(zip_bytes(kTwo, {.directory_at = 1 << 30}), "no readable zip file");
  says(zip_bytes(kTwo, {.directory_size = 1 << 30}), "no readable zip file");
  says(zip_bytes(kTwo, {.directory_size = INT64_MAX, .wide = true}), "no readable zip file");
  EXPECT_THROW(ZipFile(folder_ / "none"), BadInput);
  EXPECT_THROW(ZipFile{folder_}, BadInput);
}

TEST_F(Zip, IsRefusedWhereverItIsCut) {
  const std::string whole = zip_bytes(kTwo);
  for (size_t length = 0; length < whole.size(); ++length)
    says(whole.substr(0, length), "", 1 << 20);
}

TEST_F(Zip, HoldsUnderEveryChangedByte) {
  std::minstd_rand random(7);
  for (const bool wide : {false, true}) {
    const std::string whole = zip_bytes(kTwo, {.wide = wide});
    for (size_t at = 0; at < whole.size(); ++at)
      for (int repeat = 0; repeat < 4; ++repeat) {
        std::string changed = whole;
        changed[at] = char(random());
        (void)problem(changed);  // reads or throws BadInput; anything else ends the test
      }
  }
}

}  // namespace
}  // namespace gauntlet::testing
