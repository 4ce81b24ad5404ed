// Wrong plugin files: each is refused with its own sentence, and nothing of it is executed.
#include <elf.h>
#include <sys/stat.h>

#include <cstring>
#include <random>

#include "library/plugin_search.h"
#include "library/stamp_reader.h"
#include "marked_plugins.h"

namespace gauntlet {
namespace {

class PluginRefusal : public MarkedPlugins {};

// The control of all tests here: the marker does appear when code of the plugin runs.
TEST_F(PluginRefusal, DoesNotHitTheRightPlugin) {
  copy("good", "marked.so");
  const library::PluginLibrary library({folder});
  EXPECT_FALSE(ran()) << "reading the stamp ran the plugin";
  EXPECT_EQ(refusal(library), "");
  EXPECT_TRUE(ran());
}

TEST_F(PluginRefusal, NamesBothAbiDigests) {
  const fs::path file = copy("other_abi", "marked.so");
  EXPECT_EQ(refusal_in(folder), file.string() +
                                    ": It is built for ABI 0123456789abcdef, this host for ABI " +
                                    library::host_stamp().abi + ".");
  EXPECT_FALSE(ran());
}

TEST_F(PluginRefusal, NamesBothLibTorchVersions) {
  const fs::path file = copy("other_torch", "marked.so");
  EXPECT_EQ(refusal_in(folder), file.string() +
                                    ": It is built with LibTorch 2.5.0, this host with LibTorch " +
                                    library::host_stamp().torch + ".");
  EXPECT_FALSE(ran());
}

TEST_F(PluginRefusal, NamesBothStandardLibraries) {
  const fs::path file = copy("other_stdlib", "marked.so");
  EXPECT_EQ(refusal_in(folder),
            file.string() +
                ": It is built with the C++ library libc++ 190000, this host with the "
                "C++ library " +
                library::host_stamp().stdlib + ".");
  EXPECT_FALSE(ran());
}

TEST_F(PluginRefusal, GivesEachMismatchItsSentence) {
  const fs::path file = copy("other_torch_and_stdlib", "marked.so");
  EXPECT_EQ(refusal_in(folder),
            file.string() + ": It is built with LibTorch 2.5.0, this host with LibTorch " +
                library::host_stamp().torch +
                ". It is built with the C++ library libc++ 190000, this host with the "
                "C++ library " +
                library::host_stamp().stdlib + ".");
  EXPECT_FALSE(ran());
}

TEST_F(PluginRefusal, SaysThatThereIsNoStamp) {
  const fs::path file = copy("no_stamp", "marked.so");
  EXPECT_EQ(refusal_in(folder),
            "there is no attack plugin 'marked': " + file.string() +
                ": it is a shared library without a Gauntlet stamp, so no plugin made by "
                "gauntlet_plugin() with GAUNTLET_ATTACK or GAUNTLET_DEFENSE.");
  EXPECT_FALSE(ran());
}

TEST_F(PluginRefusal, SaysThatATextFileIsNoLibrary) {
  write_bytes(folder / "marked.so", "#!/bin/sh\ntouch marker\n");
  EXPECT_EQ(refusal_in(folder),
            "there is no attack plugin 'marked': " + (folder / "marked.so").string() +
                ": it is no shared library (it does not begin as an ELF file does).");
}

TEST_F(PluginRefusal, SaysThatAFileIsEmptyOrNoFile) {
  write_bytes(folder / "empty.so", "");
  EXPECT_EQ(library::inspect_plugin(folder / "empty.so").refusal,
            (folder / "empty.so").string() + ": it is empty.");
  ASSERT_EQ(mkfifo((folder / "pipe.so").c_str(), 0600),
            0);  // opening it to read would wait forever
  EXPECT_EQ(library::inspect_plugin(folder / "pipe.so").refusal,
            (folder / "pipe.so").string() + ": it is no regular file, expected a plugin's .so.");
  EXPECT_EQ(library::inspect_plugin(folder / "none.so").refusal,
            (folder / "none.so").string() + ": it cannot be read (No such file or directory).");
}

TEST_F(PluginRefusal, SaysThatAProgramIsNoLibraryAndAnotherMachineAnother) {
  std::string bytes = bytes_of(built("good"));
  bytes[offsetof(Elf64_Ehdr, e_type)] = ET_EXEC;
  write_bytes(folder / "a.so", bytes);
  EXPECT_EQ(library::inspect_plugin(folder / "a.so").refusal,
            (folder / "a.so").string() + ": it is an ELF file, but no shared library.");
  bytes[offsetof(Elf64_Ehdr, e_machine)] = char(EM_RISCV);
  write_bytes(folder / "b.so", bytes);
  EXPECT_EQ(library::inspect_plugin(folder / "b.so").refusal,
            (folder / "b.so").string() + ": it is built for another kind of machine.");
}

TEST_F(PluginRefusal, HoldsForAFileCutAnywhere) {
  const std::string whole = bytes_of(built("good"));
  std::vector<size_t> lengths;
  for (size_t n = 1; n <= sizeof(Elf64_Ehdr) + 2; ++n) lengths.push_back(n);
  for (size_t n = 100; n < whole.size(); n += whole.size() / 64) lengths.push_back(n);
  for (size_t back = 1; back <= 2 * sizeof(Elf64_Shdr) + 1; ++back)
    lengths.push_back(whole.size() - back);
  const fs::path file = folder / "marked.so";
  for (const size_t n : lengths) {
    write_bytes(file, whole.substr(0, n));
    const std::string said = refusal_in(folder);
    const std::string why = n < SELFMAG ? "no shared library"
                            : n < sizeof(Elf64_Ehdr)
                                ? "cut short: an ELF header has 64 bytes, the file "
                                : "cut short: its section table ends at byte ";
    EXPECT_NE(said.find(why), std::string::npos) << n << " bytes: " << said;
    const std::string length = n < SELFMAG ? "" : std::to_string(n);
    EXPECT_NE(said.find(length), std::string::npos) << n << " bytes: " << said;
  }
  EXPECT_FALSE(ran());
}

// Any bytes may come: whatever they say of offsets and sizes, the reader stays inside the file.
TEST_F(PluginRefusal, SurvivesDamagedHeaders) {
  const std::string whole = bytes_of(built("good"));
  Elf64_Ehdr elf;
  std::memcpy(&elf, whole.data(), sizeof elf);
  const size_t table = elf.e_shoff, table_size = elf.e_shnum * sizeof(Elf64_Shdr);
  std::mt19937 random(1);
  const fs::path file = folder / "marked.so";
  size_t refused = 0;
  for (int round = 0; round < 400; ++round) {
    std::string bytes = whole;
    for (int flips = 0; flips < 4; ++flips) {
      const size_t at = round % 2
                            ? sizeof(elf.e_ident) + random() % (sizeof elf - sizeof(elf.e_ident))
                            : table + random() % table_size;
      bytes[at] = char(random());
    }
    write_bytes(file, bytes);
    refused += !library::inspect_plugin(file).refusal.empty();
  }
  EXPECT_GT(refused, 100u);
  EXPECT_FALSE(ran());
}

TEST_F(PluginRefusal, SaysThatAStampIsDamaged) {
  const std::string whole = bytes_of(built("good"));
  const size_t stamp = whole.find(GAUNTLET_MAGIC);
  ASSERT_NE(stamp, std::string::npos);
  const auto with = [&](size_t at, char byte) {
    std::string bytes = whole;
    bytes[stamp + at] = byte;
    write_bytes(folder / "marked.so", bytes);
    return library::inspect_plugin(folder / "marked.so").refusal;
  };
  const std::string damaged = (folder / "marked.so").string() + ": its Gauntlet stamp is damaged.";
  EXPECT_EQ(with(0, 'X'), damaged);
  EXPECT_EQ(with(offsetof(gauntlet_stamp, kind), 'X'), damaged);
  EXPECT_EQ(with(offsetof(gauntlet_stamp, name), '/'), damaged);
  EXPECT_EQ(with(offsetof(gauntlet_stamp, summary), '\033'),
            damaged);  // would move a terminal's cursor
}

TEST_F(PluginRefusal, NamesBothFilesOfADuplicate) {
  const fs::path a = copy("good", "a/marked.so"), b = copy("good", "b/marked.so");
  const library::PluginLibrary library({folder});
  EXPECT_EQ(refusal(library),
            a.string() + " and " + b.string() +
                " are both the attack 'marked': neither is used, remove one of them.");
  EXPECT_FALSE(library.has("attack", "marked"));
  EXPECT_TRUE(library.names("attack").empty());
  EXPECT_EQ(library.files().size(), 2u);
  for (const library::PluginFile& file : library.files()) EXPECT_FALSE(file.refusal.empty());
  EXPECT_FALSE(ran());
}

TEST_F(PluginRefusal, EndsLoopsOfLinks) {
  fs::create_symlink("marked.so", folder / "marked.so");
  fs::create_directories(folder / "a");
  fs::create_directory_symlink("..", folder / "a" / "up");
  const library::PluginLibrary library({folder});
  ASSERT_EQ(library.files().size(), 2u);
  EXPECT_EQ(library.files()[0].refusal, (folder / "a" / "up").string() +
                                            ": it is a symbolic link back to " + folder.string() +
                                            ", not followed again.");
  EXPECT_EQ(library.files()[1].refusal,
            (folder / "marked.so").string() +
                ": it is a symbolic link that leads nowhere (Too many levels of symbolic links).");
  EXPECT_EQ(refusal(library), "there is no attack plugin 'marked': " + library.files()[1].refusal);
}

// The stamp is compared again at the moment of loading.
TEST_F(PluginRefusal, HoldsForAFileExchangedAfterTheSearch) {
  copy("good", "marked.so");
  const library::PluginLibrary library({folder});
  copy("other_abi", "marked.so");
  EXPECT_NE(refusal(library).find("built for ABI 0123456789abcdef"), std::string::npos);
  EXPECT_FALSE(ran());
}

TEST_F(PluginRefusal, SaysWhatTheLoaderMisses) {
  std::string bytes = bytes_of(built("good"));
  const size_t needed = bytes.find("libgauntlet.so");
  ASSERT_NE(needed, std::string::npos);
  bytes.replace(needed, 14, "libgauntlex.so");
  write_bytes(folder / "marked.so", bytes);
  const std::string said = refusal_in(folder);
  EXPECT_EQ(said.find((folder / "marked.so").string() +
                      ": its stamp is right, but it cannot be loaded ("),
            0u)
      << said;
  EXPECT_NE(said.find("libgauntlex.so"), std::string::npos) << said;
}

}  // namespace
}  // namespace gauntlet
