#include "registry/registry.h"

#include <zlib.h>

#include "base/sha256.h"
#include "registry/search_path.h"
#include "tests/support/message_of.h"
#include "tests/unit/suite/suite_fixture.h"

namespace gauntlet {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using RegistryOfFiles = SuiteTest;

fs::path tiny(const std::string& name) { return golden_suites() / "registry/datasets" / name; }

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_packed(const fs::path& file, const std::string& content) {
  gzFile out = gzopen(file.c_str(), "wb");
  gzwrite(out, content.data(), unsigned(content.size()));
  gzclose(out);
}

// An entry over the tiny images under the names a and b.
std::string entry_text(const std::string& a, const std::string& b, const std::string& hashes_a = "",
                       const std::string& more = "", int64_t samples = 10) {
  return "schema = 1\nid = \"mine\"\nclasses = [\"x\", \"y\", \"z\"]\nshape = [1, 4, 4]\n" + more +
         "[split.test]\nformat = \"idx\"\nsamples = " + std::to_string(samples) +
         "\nfiles = [{ path = \"" + a + "\"" + hashes_a + " }, { path = \"" + b + "\" }]\n";
}

TEST_F(RegistryOfFiles, ListsEntriesByTheirPlace) {
  EXPECT_THAT(registry_.dataset_ids(), ElementsAre("absent", "tiny"));
  EXPECT_THAT(registry_.model_ids(), ::testing::Contains("tiny/pni-w"));
  const registry::ModelEntry model = registry_.model("tiny/pni-w");
  EXPECT_EQ(model.network.architecture, "sequential");
  EXPECT_THAT(model.network.input, ElementsAre(1, 4, 4));
  EXPECT_EQ(model.network.options.size(), 1u);
  EXPECT_EQ(model.layer_plugins[0].plugin, "pni");
  EXPECT_EQ(model.layer_plugins[0].with, (ParamMap{{"initial", 0.25}}));
  EXPECT_TRUE(fs::exists(model.weights));
}

TEST_F(RegistryOfFiles, AnUnknownIdNamesTheNearest) {
  EXPECT_EQ(message_of([&] { registry_.model("tiny/standrd"); }),
            "the registry has no model 'tiny/standrd', did you mean 'tiny/standard'?");
  EXPECT_EQ(message_of([&] { registry_.dataset("tyni"); }),
            "the registry has no data set 'tyni', did you mean 'tiny'?");
  EXPECT_EQ(
      message_of([&] { registry_.model("../../../etc/passwd"); }),
      "the registry has no model '../../../etc/passwd'; known: " + [&] {
        std::string names;
        for (const std::string& id : registry_.model_ids())
          names += (names.empty() ? "" : ", ") + id;
        return names;
      }());
}

TEST_F(RegistryOfFiles, AMissingFolderIsAnEmptyRegistry) {
  const registry::Registry empty("no-such-folder", {});
  EXPECT_TRUE(empty.dataset_ids().empty());
  EXPECT_THAT(message_of([&] { empty.dataset("tiny"); }), HasSubstr("holds none"));
}

TEST_F(RegistryOfFiles, LoadsAndVerifies) {
  const data::Dataset data = registry_.load("tiny", "test");
  EXPECT_EQ(data.id, "tiny");
  EXPECT_EQ(data.split, "test");
  EXPECT_EQ(data.size(), 10);
  EXPECT_THAT(data.class_names, ElementsAre("one", "two", "three"));
  EXPECT_EQ(data.images.sizes(), (std::vector<int64_t>{10, 1, 4, 4}));
  EXPECT_EQ(data.images[0][0][0][1].item<int64_t>(), 48);  // (1 * 37 + 11) % 256
  EXPECT_EQ(message_of([&] { registry_.load("tiny", "train"); }),
            "data set 'tiny' has no split 'train'; known: test");
}

TEST_F(RegistryOfFiles, FilesLieBesideTheEntryOrBelowADataRoot) {
  write("registry/datasets/mine.toml",
        entry_text("tiny-images-idx3-ubyte", "tiny-labels-idx1-ubyte",
                   ", sha256 = \"" + std::string(64, '0') + "\""));
  const registry::Registry registry("registry", {"one", "two"});
  const auto file = registry.dataset("mine").splits[0].files[0];
  EXPECT_FALSE(registry.find(file));
  fs::create_directories("two/mine");
  for (const char* place : {"two/tiny-images-idx3-ubyte", "two/mine/tiny-images-idx3-ubyte",
                            "registry/datasets/tiny-images-idx3-ubyte"}) {
    fs::copy(tiny("tiny-images-idx3-ubyte"), place);
    EXPECT_EQ(registry.find(file), fs::path(place));
  }
}

TEST_F(RegistryOfFiles, AnAbsentFileSaysWhereItWasLookedForAndHowToGetIt) {
  write("registry/datasets/mine.toml",
        entry_text("a.gz", "b.gz", ", sha256 = \"" + std::string(64, '0') + "\"",
                   "homepage = \"https://example.org\"\n"));
  EXPECT_EQ(message_of([] { registry::Registry("registry", {"roots/one"}).load("mine", "test"); }),
            "data set 'mine': the file a.gz is absent; looked for\n"
            "  registry/datasets/a.gz\n"
            "  roots/one/mine/a.gz\n"
            "  roots/one/a.gz\n"
            "Get it from https://example.org and put it in one of these places, or name its "
            "folder with --data or GAUNTLET_DATA.");
}

TEST_F(RegistryOfFiles, EitherHashProvesAFileAndNeitherRefusesIt) {
  const std::string images = bytes_of(tiny("tiny-images-idx3-ubyte"));
  fs::create_directories("registry/datasets");
  write_packed("registry/datasets/a.gz", images);
  fs::copy(tiny("tiny-labels-idx1-ubyte"), "registry/datasets/b");
  const std::string file_hash = sha256(bytes_of("registry/datasets/a.gz"));
  const std::string content_hash = sha256(images), wrong(64, '0');
  const auto load = [&](const std::string& hashes) {
    write("registry/datasets/mine.toml", entry_text("a.gz", "b", hashes));
    return message_of([] { registry::Registry("registry", {}).load("mine", "test"); });
  };
  EXPECT_EQ(load(", sha256 = \"" + file_hash + "\""), "");
  EXPECT_EQ(load(", content_sha256 = \"" + content_hash + "\""), "");
  EXPECT_EQ(load(", sha256 = \"" + wrong + "\", content_sha256 = \"" + content_hash + "\""), "")
      << "packed anew";
  EXPECT_EQ(
      load(", sha256 = \"" + wrong + "\", content_sha256 = \"" + wrong + "\""),
      "registry/datasets/a.gz: is not the file that data set 'mine' declares: its SHA-256 is " +
          file_hash + ", expected " + wrong);
  EXPECT_THAT(load(", content_sha256 = \"" + wrong + "\""),
              HasSubstr("expected " + wrong + " of the unpacked content"));
}

TEST_F(RegistryOfFiles, CountsAndShapesMustBeAsDeclared) {
  fs::create_directories("registry/datasets");
  fs::copy(tiny("tiny-images-idx3-ubyte"), "registry/datasets/a");
  fs::copy(tiny("tiny-labels-idx1-ubyte"), "registry/datasets/b");
  write("registry/datasets/mine.toml", entry_text("a", "b", "", "", 11));
  EXPECT_EQ(message_of([] { registry::Registry("registry", {}).load("mine", "test"); }),
            "data set 'mine', split 'test': the files hold 10 samples, the entry declares 11");
  std::string text = entry_text("a", "b");
  text.replace(text.find("[1, 4, 4]"), 9, "[1, 2, 8]");
  write("registry/datasets/mine.toml", text);
  EXPECT_EQ(
      message_of([] { registry::Registry("registry", {}).load("mine", "test"); }),
      "data set 'mine', split 'test': the images are 1 x 4 x 4, the entry declares 1 x 2 x 8");
}

TEST_F(RegistryOfFiles, AMalformedDataSetListsEveryProblem) {
  write("registry/datasets/mine.toml",
        "schema = 1\nid = \"mine\"\nclases = [\"x\"]\nshape = [4, 4]\n[split.test]\nformat = "
        "\"idx3\"\nsamples = 0\nfiles = [{ path = \"a\", sha1 = \"b\" }]\n[split.train]\n");
  EXPECT_EQ(
      message_of([] { registry::Registry("registry", {}).dataset("mine"); }),
      "registry/datasets/mine.toml:1:1: data set 'mine': 'classes' is missing, expected a list of "
      "strings\n"
      "registry/datasets/mine.toml:3:1: data set 'mine': unknown key 'clases', did you mean "
      "'classes'?\n"
      "registry/datasets/mine.toml:4:9: data set 'mine': shape: [4, 4] is no image shape, expected "
      "[channels, height, width]\n"
      "registry/datasets/mine.toml:6:10: split 'test': format: 'idx3' is not one of 'idx', "
      "'cifar10', 'cifar100', 'svhn', 'images', 'npz'; did you mean 'idx'?\n"
      "registry/datasets/mine.toml:7:11: split 'test': samples: 0 is not in [1, 999999999]\n"
      "registry/datasets/mine.toml:8:9: split 'test': files: 1 listed, expected two: images, then "
      "labels\n"
      "registry/datasets/mine.toml:8:24: split 'test': files: unknown key 'sha1'; known: path, "
      "sha256, "
      "content_sha256, bytes, urls\n"
      "registry/datasets/mine.toml:9:1: split 'train': 'format' is missing, expected one of 'idx', "
      "'cifar10', 'cifar100', 'svhn', 'images', 'npz'\n"
      "registry/datasets/mine.toml:9:1: split 'train': 'samples' is missing, expected a whole "
      "number\n"
      "registry/datasets/mine.toml:9:1: split 'train': 'files' is missing, expected a list of { "
      "path = \"…\", sha256 = \"…\" }");
}

TEST_F(RegistryOfFiles, AMalformedModelIsRefused) {
  EXPECT_THAT(
      message_of([&] { registry_.model("tiny/malformed"); }),
      HasSubstr("malformed.toml:4:1: model 'tiny/malformed': unknown key 'weigths', did you "
                "mean 'weights'?"));
}

TEST_F(RegistryOfFiles, TheShippedEntriesAreWellFormed) {
  const registry::Registry shipped(fs::path(std::getenv("GAUNTLET_SOURCE_DIR")) / "registry", {});
  ASSERT_FALSE(shipped.dataset_ids().empty());
  for (const std::string& id : shipped.dataset_ids())
    EXPECT_EQ(message_of([&] { shipped.dataset(id); }), "");
  for (const std::string& id : shipped.model_ids())
    EXPECT_EQ(message_of([&] { shipped.model(id); }), "");
}

TEST_F(RegistryOfFiles, TheEmbeddedSubsetLoadsWithoutAnyDataRoot) {
  const registry::Registry shipped(fs::path(std::getenv("GAUNTLET_SOURCE_DIR")) / "registry", {});
  const data::Dataset data = shipped.load("fashion-mnist-1k", "test");
  EXPECT_EQ(data.size(), 1000);
  EXPECT_EQ(data.class_names.size(), 10u);
}

TEST_F(RegistryOfFiles, SearchPathsTakeSeveralFoldersInOrder) {
  const Variable data("GAUNTLET_DATA", "third:fourth"), cache("XDG_CACHE_HOME", "cache");
  const std::vector<fs::path> path = registry::data_search_path("first:second");
  EXPECT_THAT(std::vector(path.begin(), path.begin() + 4),
              ElementsAre("first", "second", "third", "fourth"));
  EXPECT_THAT(std::vector(path.end() - 2, path.end()),
              ElementsAre("cache/gauntlet/data", "/usr/share/datasets"));
  {
    const Variable registry("GAUNTLET_REGISTRY", "elsewhere");
    EXPECT_EQ(registry::default_registry(), "elsewhere");
  }
  const Variable none("GAUNTLET_REGISTRY", {});
  EXPECT_EQ(registry::default_registry(),
            fs::path(std::getenv("GAUNTLET_SOURCE_DIR")) / "registry");
}

}  // namespace
}  // namespace gauntlet
