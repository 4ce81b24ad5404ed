// The plugin path: what is found, which of two wins, what is answered for a name.
#include "base/sha256.h"
#include "library/plugin_search.h"
#include "marked_plugins.h"

namespace gauntlet {
namespace {

class PluginLibraryTest : public MarkedPlugins {};

TEST_F(PluginLibraryTest, TellsWhatTheStampSays) {
  const library::PluginLibrary library({built("good")});
  ASSERT_EQ(library.files().size(), 1u);
  const library::Stamp& stamp = library.files()[0].stamp.value();
  EXPECT_EQ(stamp.kind, "attack");
  EXPECT_EQ(stamp.name, "marked");
  EXPECT_EQ(stamp.version, "1.2.3");
  EXPECT_EQ(stamp.summary, "tells when its code runs");
  EXPECT_EQ(stamp.abi, library::host_stamp().abi);
  EXPECT_EQ(stamp.torch, library::host_stamp().torch);
  EXPECT_FALSE(ran());
}

TEST_F(PluginLibraryTest, BindsParametersAndPassesTheirErrorsOn) {
  const library::PluginLibrary library({built("good")});
  ASSERT_EQ(library.schema("attack", "marked").size(), 1u);
  EXPECT_EQ(library.schema("attack", "marked")[0].name, "steps");
  EXPECT_NE(library.attack("marked", {{"steps", 7}}), nullptr);
  EXPECT_THROW(library.attack("marked", {{"steps", 0}}), ParamError);
  EXPECT_THROW(library.attack("marked", {{"stepz", 1}}), ParamError);
}

// An object of a plugin outlives the library it came from.
TEST_F(PluginLibraryTest, NeverUnloads) {
  std::unique_ptr<Attack> attack;
  {
    const library::PluginLibrary library({built("good")});
    attack = library.attack("marked", {});
  }
  EXPECT_EQ(attack->facts().access, Access::kNone);
}

TEST_F(PluginLibraryTest, LetsAnEarlierEntryWin) {
  const fs::path mine = copy("good", "mine/marked.so"),
                 theirs = copy("good", "theirs/deep/marked.so");
  const library::PluginLibrary library({folder / "mine", folder / "theirs"});
  EXPECT_EQ(library.file("attack", "marked").path, mine);
  ASSERT_EQ(library.files().size(), 2u);
  EXPECT_EQ(library.files()[1].path, theirs);
  EXPECT_EQ(library.files()[1].refusal,
            theirs.string() + ": hidden by " + mine.string() +
                ", the attack 'marked' of an earlier entry of the plugin path.");
}

// Running another file than the one the person put first would judge the wrong plugin.
TEST_F(PluginLibraryTest, DoesNotFallBackBehindARefusedFile) {
  copy("other_abi", "mine/marked.so");
  copy("good", "theirs/marked.so");
  EXPECT_NE(
      refusal(library::PluginLibrary({folder / "mine", folder / "theirs"})).find("built for ABI"),
      std::string::npos);
  EXPECT_EQ(refusal(library::PluginLibrary({folder / "theirs", folder / "mine"})), "");
}

TEST_F(PluginLibraryTest, TakesOneFileReachedByTwoWaysForOne) {
  const fs::path file = copy("good", "a/marked.so");
  fs::create_symlink(file, folder / "a" / "same.so");
  fs::create_directory_symlink("a", folder / "b");
  const library::PluginLibrary library({folder, folder / "a", file});
  EXPECT_EQ(library.files().size(), 1u);
  EXPECT_EQ(refusal(library), "");
}

TEST_F(PluginLibraryTest, LooksOnlyAtSharedObjectsInFolders) {
  write_bytes(folder / "notes.txt", "text");
  copy("good", "marked.so.bak");
  EXPECT_TRUE(library::PluginLibrary({folder}).files().empty());
}

TEST_F(PluginLibraryTest, SuggestsTheNearestName) {
  copy("good", "marked.so");
  const library::PluginLibrary library({folder});
  EXPECT_EQ(refusal(library, "markd"), "there is no attack plugin 'markd', did you mean 'marked'?");
  EXPECT_EQ(refusal(library, "projected"), "there is no attack plugin 'projected'; known: marked");
  EXPECT_EQ(refusal(library::PluginLibrary({}), "pgd"),
            "there is no attack plugin 'pgd': no attack is on the plugin path.");
  try {
    library.defense("marked", {});
    ADD_FAILURE() << "an attack was taken for a defense";
  } catch (const BadInput& e) {
    EXPECT_STREQ(e.what(), "there is no defense plugin 'marked': 'marked' is an attack.");
  }
}

TEST_F(PluginLibraryTest, RefusesAPathThatIsNotThere) {
  try {
    library::PluginLibrary({folder / "nothing"});
    ADD_FAILURE() << "a folder that is not there was searched";
  } catch (const BadInput& e) {
    EXPECT_EQ(e.what(), (folder / "nothing").string() +
                            ": no such file or folder; the plugin path names it.");
  }
}

TEST_F(PluginLibraryTest, DigestsTheFile) {
  const library::PluginLibrary library({built("good")});
  EXPECT_EQ(library.digest("attack", "marked"), sha256(bytes_of(built("good"))));
}

TEST_F(PluginLibraryTest, SearchesFlagsThenTheEnvironment) {
  const Variable path("GAUNTLET_PLUGIN_PATH", "/one::/two");
  const std::vector<fs::path> search = library::plugin_search_path({"/flag"});
  ASSERT_GE(search.size(), 3u);
  EXPECT_EQ(search[0], "/flag");
  EXPECT_EQ(search[1], "/one");
  EXPECT_EQ(search[2], "/two");
}

}  // namespace
}  // namespace gauntlet
