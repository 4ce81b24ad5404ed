// What `plugins new` writes and refuses. That it builds and passes its own test is the business of
// tests/end_to_end/out_of_tree.
#include "library/scaffold.h"

#include <set>

#include "marked_plugins.h"

namespace gauntlet {
namespace {

class Scaffold : public MarkedPlugins {
 protected:
  static std::string refused(const std::string& kind, const std::string& name,
                             const fs::path& into) {
    try {
      library::write_scaffold(kind, name, into);
      return "";
    } catch (const BadInput& e) {
      return e.what();
    }
  }
};

TEST_F(Scaffold, WritesAllFilesWithTheNameFilledIn) {
  for (const std::string kind : {"attack", "defense"}) {
    const fs::path into = folder / "deep" / kind;
    library::write_scaffold(kind, "my_idea", into);
    for (const char* file : {"CMakeLists.txt", "README.md", "my_idea.cc", "my_idea_test.cc",
                             "preset.toml", "suite.toml"}) {
      const std::string text = bytes_of(into / file);
      EXPECT_EQ(text.find('@'), std::string::npos)
          << kind << " " << file << ": a word was not filled in";
    }
    EXPECT_NE(bytes_of(into / "my_idea.cc")
                  .find(kind == "attack" ? "struct MyIdeaAttack final : Attack"
                                         : "struct MyIdeaDefense final : Defense"),
              std::string::npos);
  }
}

// Among Gauntlet's own plugins: what the build and the tests of folders there expect, and no more.
TEST_F(Scaffold, InTheTreeWritesWhatTheTreeWants) {
  fs::create_directories(folder / "framework/include/gauntlet");
  write_bytes(folder / "framework/include/gauntlet/plugin.h", "");
  for (const std::string kind : {"attack", "defense"}) {
    const fs::path into = folder / "plugins" / (kind + "s") / "group" / "my_idea";
    EXPECT_EQ(library::write_scaffold(kind, "my_idea", into), library::ScaffoldPlace::kTree);
    std::set<std::string> files;
    for (const auto& entry : fs::directory_iterator(into)) files.insert(entry.path().filename());
    EXPECT_EQ(files, (std::set<std::string>{"CMakeLists.txt", "README.md", "my_idea.cc",
                                            "my_idea_test.cc", "preset.toml"}));
    EXPECT_EQ(bytes_of(into / "CMakeLists.txt"), "gauntlet_plugin(" + kind + " my_idea)\n");
    EXPECT_EQ(bytes_of(into / "README.md").rfind("# my_idea\n", 0), 0u);
    EXPECT_NE(bytes_of(into / "my_idea_test.cc").find("built(\"" + kind + "s/my_idea\")"),
              std::string::npos);
  }
  fs::create_directories(folder / "plugins/attacks/gradient");
  EXPECT_EQ(refused("attack", "other", folder / "plugins/attacks/other"),
            (folder / "plugins/attacks/other").string() +
                " is no place for the attack 'other': among Gauntlet's own plugins it lies in "
                "plugins/attacks/GROUP/other (groups that are there: gradient, group).");
  EXPECT_NE(refused("attack", "other", folder / "plugins/defenses/group/other"), "");
  EXPECT_NE(refused("attack", "other", folder / "plugins/attacks/group/another"), "");
}

TEST_F(Scaffold, NamesTheKindOnceInTheClass) {
  library::write_scaffold("attack", "my_attack", folder / "one");
  EXPECT_NE(bytes_of(folder / "one/my_attack.cc").find("struct MyAttack final : Attack"),
            std::string::npos);
  library::write_scaffold("attack", "attack", folder / "two");
  EXPECT_NE(bytes_of(folder / "two/attack.cc").find("struct AttackAttack final : Attack"),
            std::string::npos);
}

TEST_F(Scaffold, RefusesNamesThatCannotBe) {
  for (const std::string name :
       {"", "Demo", "1demo", "_demo", "my-attack", "a b", "a/b", "../a", "é"})
    EXPECT_EQ(
        refused("attack", name, folder / "new"),
        "'" + name +
            "' cannot name a plugin: a name is made of a-z, 0-9 and _, and begins with a letter.");
  EXPECT_EQ(
      refused("attack", std::string(48, 'a'), folder / "new"),
      "'" + std::string(48, 'a') + "' cannot name a plugin: it has 48 characters, at most 47 fit.");
  EXPECT_EQ(refused("optimizer", "adam", folder / "new"),
            "A plugin is an attack or a defense, not 'optimizer'.");
  EXPECT_FALSE(fs::exists(folder / "new"));
}

TEST_F(Scaffold, NeverWritesOverSomething) {
  write_bytes(folder / "mine", "text");
  EXPECT_EQ(refused("attack", "demo", folder),
            folder.string() + " is not empty: name a folder that is, or is not there yet.");
  EXPECT_EQ(refused("attack", "demo", folder / "mine"),
            (folder / "mine").string() + " is no folder: name one that is empty or not there yet.");
  EXPECT_EQ(bytes_of(folder / "mine"), "text");
}

TEST_F(Scaffold, SaysWhereItCannotWrite) {
  EXPECT_EQ(refused("attack", "demo", "/proc/nothing"),
            "/proc/nothing/CMakeLists.txt cannot be written: name a folder that can be.");
}

}  // namespace
}  // namespace gauntlet
