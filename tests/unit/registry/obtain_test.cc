// Getting a data set's files from a server or a folder.
#include "registry/obtain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "base/bad_input.h"
#include "base/sha256.h"
#include "registry/search_path.h"
#include "tests/support/http_server.h"
#include "tests/unit/data/file_bytes.h"
#include "tests/unit/data/files.h"

namespace gauntlet::testing {
namespace {
namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string cifar_record(char label) {
  return std::string(1, label).append(3072, char(label * 20));
}

class Obtain : public FilesTest {
 protected:
  Obtain() {
    fs::create_directories(folder / "registry/datasets");
    fs::create_directories(folder / "disk");
  }
  registry::Registry registry() const {
    return registry::Registry(folder / "registry", {folder / "data"});
  }
  // Entry "set" of a test and a train file of which `archive` may tell more.
  void entry(const std::string& archive, const std::string& of_files = "") const {
    const auto file = [&](const std::string& name, const std::string& content) {
      std::string text = "{ path = \"" + name + "\", sha256 = \"" + sha256(content) + "\"";
      if (!of_files.empty()) text += ", urls = [\"" + of_files + "/" + name + "\"]";
      return text + " }";
    };
    write("registry/datasets/set.toml",
          "schema = 1\nid = \"set\"\nclasses = [\"a\", \"b\"]\nshape = [3, 32, 32]\n" + archive +
              "[split.test]\nformat = \"cifar10\"\nsamples = 2\nfiles = [" +
              file("test.bin", test_) + "]\n[split.train]\nformat = \"cifar10\"\nsamples = 1\n" +
              "files = [" + file("train.bin", train_) + "]\n");
  }
  std::string archive_entry(const std::string& url, const std::string& bytes) const {
    return "[archive]\nurls = [\"" + url + "\"]\nsha256 = \"" + sha256(bytes) +
           "\"\nbytes = " + std::to_string(bytes.size()) + "\nstrip = 1\n";
  }
  std::string problem(const fs::path& from = {}) const {
    registry::ObtainOptions options;
    options.to = folder / "data";
    options.from = from;
    options.download.attempts = 2;
    options.download.wait = std::chrono::milliseconds(1);
    const registry::Registry all = registry();
    return error<BadInput>([&] { obtain(all, all.dataset("set"), options); });
  }
  void expect_loads() const {
    EXPECT_EQ(registry().load("set", "test").size(), 2);
    EXPECT_EQ(registry().load("set", "train").size(), 1);
  }
  std::vector<std::string> files_in(const fs::path& place) const {
    std::vector<std::string> names;
    if (fs::exists(place))
      for (const auto& item : fs::directory_iterator(place))
        names.push_back(item.path().filename());
    return names;
  }

  const std::string test_ = cifar_record(0) + cifar_record(1), train_ = cifar_record(1);
  const std::string archive_ =
      tar_gz(tar_member("top/", "", '5') + tar_member("top/readme.html", "hello") +
             tar_member("top/test.bin", test_) + tar_member("top/train.bin", train_));
};

TEST_F(Obtain, DownloadsAndUnpacksAnArchive) {
  HttpServer server([&](const HttpServer::Request& r) {
    HttpServer::Reply reply = HttpServer::reply_with(archive_, r);
    if (r.number < 3) reply.cut_after = 40;
    return reply;
  });
  entry(archive_entry(server.url("/set.tar.gz"), archive_));
  EXPECT_EQ(problem(), "");
  expect_loads();
  EXPECT_THAT(
      files_in(folder / "data/set"),
      ::testing::UnorderedElementsAre("readme.html", "test.bin", "train.bin", ".sha256sums"));
  const int before = server.requests();
  EXPECT_EQ(problem(), "");
  EXPECT_EQ(server.requests(), before) << "what is there is not downloaded again";
}

TEST_F(Obtain, DownloadsSingleFilesAndOnlyThoseThatAreAbsent) {
  HttpServer server([&](const HttpServer::Request& r) {
    return HttpServer::reply_with(r.path == "/test.bin" ? test_ : train_, r);
  });
  entry("", server.url(""));
  fs::create_directories(folder / "data/set");
  write("data/set/test.bin", test_);
  EXPECT_EQ(problem(), "");
  EXPECT_EQ(server.requests(), 1);
  expect_loads();
}

TEST_F(Obtain, ReplacesAWrongFile) {
  HttpServer server([&](const HttpServer::Request& r) {
    return HttpServer::reply_with(r.path == "/test.bin" ? test_ : train_, r);
  });
  entry("", server.url(""));
  fs::create_directories(folder / "data/set");
  write("data/set/test.bin", "wrong");
  EXPECT_EQ(problem(), "");
  expect_loads();
}

TEST_F(Obtain, LeavesNothingOfAWrongArchive) {
  const std::string other = tar_gz(tar_member("top/test.bin", test_));
  HttpServer server([&](const HttpServer::Request& r) { return HttpServer::reply_with(other, r); });
  entry(archive_entry(server.url("/set.tar.gz"), archive_));
  EXPECT_THAT(problem(), HasSubstr("bytes"));
  EXPECT_THAT(files_in(folder / "data/set"), ::testing::IsEmpty());
  // The right sum over wrong files: an entry that contradicts itself.
  entry(archive_entry(server.url("/set.tar.gz"), other));
  EXPECT_THAT(problem(), HasSubstr("holds no train.bin"));
  const std::string lying =
      tar_gz(tar_member("top/test.bin", test_) + tar_member("top/train.bin", "other"));
  HttpServer liar([&](const HttpServer::Request& r) { return HttpServer::reply_with(lying, r); });
  entry(archive_entry(liar.url("/set.tar.gz"), lying));
  EXPECT_THAT(problem(), HasSubstr("expected " + sha256(train_)));
  EXPECT_FALSE(fs::exists(folder / "data/set/test.bin"));
}

TEST_F(Obtain, TakesFilesOrTheArchiveFromAFolder) {
  entry(archive_entry("http://127.0.0.1:1/set.tar.gz", archive_));
  EXPECT_THAT(problem(folder / "none"), HasSubstr("there is no folder"));
  EXPECT_THAT(problem(folder / "disk"), HasSubstr("holds no test.bin and no set.tar.gz"));
  write("disk/set.tar.gz", archive_);
  EXPECT_EQ(problem(folder / "disk"), "");
  expect_loads();
  fs::remove_all(folder / "data");
  fs::remove(folder / "disk/set.tar.gz");
  write("disk/test.bin", test_);
  write("disk/train.bin", "wrong");
  EXPECT_THAT(problem(folder / "disk"), HasSubstr("expected " + sha256(train_)));
  EXPECT_THAT(files_in(folder / "data/set"), ::testing::ElementsAre("test.bin"));
  write("disk/train.bin", train_);
  EXPECT_EQ(problem(folder / "disk"), "");
  expect_loads();
}

TEST_F(Obtain, TakesFilesInTheFoldersAndPackingsTheyUsuallyHave) {
  entry("folders = [\"top\"]\n");
  fs::create_directories(folder / "disk/top");
  write("disk/top/test.bin", test_);
  write("disk/train.bin", train_);
  EXPECT_EQ(problem(folder / "disk"), "");
  expect_loads();
  fs::remove_all(folder / "data");
  fs::create_directories(folder / "data/top");
  write("data/top/test.bin", test_);
  EXPECT_EQ(registry().load("set", "test").size(), 2) << "found there, too";
}

// An entry whose files have no sums: only the archive proves them.
class ObtainUnsummed : public Obtain {
 protected:
  ObtainUnsummed() {
    write("registry/datasets/set.toml",
          "schema = 1\nid = \"set\"\nclasses = [\"a\", \"b\"]\nshape = [3, 32, 32]\n" +
              archive_entry("http://127.0.0.1:1/set.tar.gz", archive_) +
              "[split.test]\nformat = \"cifar10\"\nsamples = 2\n"
              "files = [{ path = \"test.bin\", bytes = 6146 }]\n"
              "[split.train]\nformat = \"cifar10\"\nsamples = 1\n"
              "files = [{ path = \"train.bin\" }]\n");
  }
  bool verified() const {
    const registry::Registry all = registry();
    const registry::DatasetEntry set = all.dataset("set");
    const registry::DatasetEntry::DataFile& file = set.splits[0].files[0];
    return all.verify(set, file, *all.find(file));
  }
};

TEST_F(ObtainUnsummed, WhatAnArchiveUnpackedToIsKnownByItsManifest) {
  write("disk/set.tar.gz", archive_);
  EXPECT_EQ(problem(folder / "disk"), "");
  EXPECT_TRUE(verified());
  expect_loads();
  EXPECT_EQ(problem(), "") << "is there";
  std::string other = test_;
  other[5] ^= 1;
  write("data/set/test.bin", other);
  EXPECT_THAT(error<BadInput>([&] { registry().load("set", "test"); }),
              HasSubstr("expected " + sha256(test_)));
  EXPECT_EQ(problem(folder / "disk"), "");
  expect_loads();
}

TEST_F(ObtainUnsummed, OthersAreNeitherTakenNorCalledVerified) {
  write("disk/test.bin", test_);
  write("disk/train.bin", train_);
  EXPECT_THAT(problem(folder / "disk"), HasSubstr("holds no set.tar.gz, by which alone test.bin"));
  fs::create_directories(folder / "data/set");
  write("data/test.bin", test_);
  EXPECT_THAT(error<BadInput>([&] { registry().load("set", "test"); }), HasSubstr("is absent"))
      << "anybody's test.bin";
  write("data/set/test.bin", test_);
  EXPECT_FALSE(verified());
  EXPECT_EQ(registry().load("set", "test").size(), 2) << "put there by hand";
  EXPECT_NE(problem(), "") << "but not what 'get' calls complete";
  write("data/set/test.bin", "");
  EXPECT_THAT(error<BadInput>([&] { registry().load("set", "test"); }),
              HasSubstr("it has 0 bytes, expected 6146"));
}

TEST_F(Obtain, UnpacksAnArchiveThatIsThereAlready) {
  entry(archive_entry("http://127.0.0.1:1/set.tar.gz", archive_));
  fs::create_directories(folder / "data/set");
  write("data/set/set.tar.gz", archive_);
  EXPECT_EQ(problem(), "");
  expect_loads();
}

TEST_F(Obtain, OfTwoAtOnceOneIsToldOfTheOther) {
  std::string second;
  HttpServer server([&](const HttpServer::Request& r) {
    second = problem();
    return HttpServer::reply_with(archive_, r);
  });
  entry(archive_entry(server.url("/set.tar.gz"), archive_));
  EXPECT_EQ(problem(), "");
  EXPECT_THAT(second, HasSubstr("another process is getting this data set"));
  expect_loads();
}

TEST_F(Obtain, WhatTheFileSystemSaysIsASentence) {
  entry("", "http://127.0.0.1:1");
  const registry::Registry all = registry();
  registry::ObtainOptions options;
  options.to = "/proc/none";
  EXPECT_THAT(error<BadInput>([&] { obtain(all, all.dataset("set"), options); }),
              HasSubstr("/proc/none"));
}

TEST_F(Obtain, EntriesCannotWriteElsewhere) {
  for (const char* path : {"../test.bin", "/tmp/test.bin"}) {
    write("registry/datasets/set.toml",
          "schema = 1\nid = \"set\"\nclasses = [\"a\", \"b\"]\nshape = [3, 32, 32]\n" +
              archive_entry("http://127.0.0.1:1/set.tar.gz", archive_) +
              "[split.test]\nformat = \"cifar10\"\nsamples = 2\nfiles = [{ path = \"" + path +
              "\" }]\n");
    EXPECT_THAT(error<BadInput>([&] { registry().dataset("set"); }),
                HasSubstr("leaves the folder that downloads go to"));
  }
}

TEST_F(Obtain, SaysHowWithoutAnAddress) {
  entry("");
  EXPECT_THAT(problem(), HasSubstr("is absent; looked for"));
}

TEST_F(Obtain, EntriesSayWhatADownloadIsCheckedWith) {
  write("registry/datasets/set.toml",
        "schema = 1\nid = \"set\"\nclasses = [\"a\", \"b\"]\nshape = [3, 32, 32]\n"
        "[archive]\nurls = [\"ftp://host/set.tar.gz\"]\nsha256 = \"12\"\n"
        "[split.test]\nformat = \"svhn\"\nsamples = 2\n"
        "files = [{ path = \"a\", urls = [\"https://host/a\"] }, { path = \"b\" }]\n");
  const std::string said = error<BadInput>([&] { registry().dataset("set"); });
  EXPECT_THAT(said, HasSubstr("'12' is no SHA-256"));
  EXPECT_THAT(said, HasSubstr("is no http or https address"));
  EXPECT_THAT(said, HasSubstr("'sha256' is missing"));
  EXPECT_THAT(said, HasSubstr("2 listed, expected one"));
}

TEST_F(Obtain, WritesToTheFirstRootThatCanBeWritten) {
  EXPECT_EQ(registry::writable_data_root((folder / "a").string()), folder / "a");
  EXPECT_TRUE(fs::is_directory(folder / "a"));
  EXPECT_EQ(registry::writable_data_root("/proc/none:" + (folder / "b").string()), folder / "b");
}

TEST_F(Obtain, FoldersOfImagesAreFoundBelowTheirDataSetOnly) {
  write("registry/datasets/pictures.toml",
        "schema = 1\nid = \"pictures\"\nclasses = [\"a\", \"b\"]\nshape = [3, 4, 4]\n"
        "[split.test]\nformat = \"images\"\nsamples = 2\nresize = 8\n"
        "files = [{ path = \"val\" }]\n");
  const registry::DatasetEntry entry = registry().dataset("pictures");
  EXPECT_EQ(entry.splits[0].resize, 8);
  fs::create_directories(folder / "data/val/a");
  EXPECT_FALSE(registry().find(entry.splits[0].files[0]));
  EXPECT_THAT(error<BadInput>([&] { registry().load("pictures", "test"); }),
              HasSubstr("the folder val is absent"));
  fs::create_directories(folder / "data/pictures/val/a");
  EXPECT_TRUE(registry().find(entry.splits[0].files[0]));
}

}  // namespace
}  // namespace gauntlet::testing
