// Files that are no bundles, and runs that are none yet.
#include <sys/stat.h>
#include <zip.h>

#include "bundle_fixture.h"
#include "suite/read_suite.h"

namespace gauntlet::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Structure : public Bundles {
 protected:
  std::string with(const std::string& name, const std::string& content) {
    ZipWriter zip(folder_ / "made.zip");
    zip.add(name, content);
    zip.close();
    return refusal(folder_ / "made.zip");
  }
};

TEST_F(Structure, ZipBombsAreRefusedUnread) {
  const std::string sum(64, 'a');
  EXPECT_THAT(with(bundle::x_adv_file(sum), std::string(size_t{200} << 20, '\0')),
              AllOf(HasSubstr("is said to unpack to 209715200 bytes"), HasSubstr("lets expect")));
  EXPECT_THAT(with("settings.json", std::string(size_t{80} << 20, ' ')),
              HasSubstr("more than the 67108864 that a bundle holds there"));
}

TEST_F(Structure, NamesThatLeaveTheFolderAreRefused) {
  for (const char* name : {"../evil.json", "entries/../../evil.json", "entries\\..\\evil.json"})
    EXPECT_THAT(with(name, "{}"), HasSubstr("a name that leaves its folder")) << name;
  for (const char* name : {"/etc/passwd", "C:/evil.json"})
    EXPECT_THAT(with(name, "{}"), HasSubstr("an absolute name")) << name;
}

TEST_F(Structure, LinksAreRefused) {
  int code = 0;
  zip_t* zip = zip_open((folder_ / "made.zip").c_str(), ZIP_CREATE, &code);
  ASSERT_TRUE(zip);
  const zip_int64_t index = zip_file_add(
      zip, "settings.json", zip_source_buffer(zip, "/etc/passwd", 11, 0), ZIP_FL_ENC_UTF_8);
  zip_file_set_external_attributes(zip, zip_uint64_t(index), 0, ZIP_OPSYS_UNIX,
                                   zip_uint32_t(S_IFLNK | 0777) << 16);
  ASSERT_EQ(zip_close(zip), 0);
  EXPECT_THAT(refusal(folder_ / "made.zip"), HasSubstr("holds a link, 'settings.json'"));
}

TEST_F(Structure, WhatBelongsToNoBundleIsRefused) {
  EXPECT_THAT(with("readme.txt", "hello"), HasSubstr("'readme.txt', which belongs to no bundle"));
  EXPECT_THAT(with("settings.json", "{}"), HasSubstr("there is no bundle.json in it"));
  EXPECT_THAT(with("bundle.json", "[]"), HasSubstr("bundle.json has schema"));
  EXPECT_THAT(with("bundle.json", R"({"schema": 1, "files": {"settings.json": "x"}})"),
              HasSubstr("lists 'settings.json', which is not there"));
  std::ofstream(folder_ / "made.zip") << "no zip file at all";
  EXPECT_THAT(refusal(folder_ / "made.zip"), HasSubstr("no readable zip file"));
  EXPECT_THAT(refusal(folder_ / "absent.zip"), HasSubstr("no such file"));
}

TEST_F(Structure, UnlistedAndMissingFilesAreRefused) {
  Opened opened(bundle(suite("plain@1")));
  opened.write(folder_ / "changed.zip");
  Opened more = opened;
  more.files[bundle::x_adv_file(std::string(64, '0'))] = "unlisted";
  ZipWriter zip(folder_ / "changed.zip");
  for (const auto& [name, content] : more.files) zip.add(name, content);
  zip.close();
  EXPECT_THAT(refusal(folder_ / "changed.zip"), HasSubstr("which bundle.json does not list"));
  opened.files.erase(bundle::kImages);
  opened.write(folder_ / "changed.zip");
  EXPECT_THAT(refusal(folder_ / "changed.zip"), HasSubstr("the bundle lacks images.safetensors"));
}

TEST_F(Structure, TextThatGrowsWhereItIsReadIsRefused) {
  EXPECT_THAT(with("bundle.json", std::string(size_t{1} << 16, '[')),
              HasSubstr("is nested too deeply"));
  Opened opened(bundle(suite("plain@1")));
  auto entry = nlohmann::json::parse(opened.files.at("entries/at.json"));
  auto& cells = entry["threats"][0]["attacks"][0]["cells"];
  for (int i = 0; i < 2; ++i) cells[i]["outcomes"]["index"] = {{"from", 0}, {"count", 1'000'000}};
  opened.files["entries/at.json"] = entry.dump();
  opened.write(folder_ / "changed.zip");
  EXPECT_THAT(refusal(folder_ / "changed.zip"), HasSubstr("has ranges of more rows"));
}

class Packing : public Bundles {
 protected:
  std::string packing_problem(const suite::Suite& suite) const {
    run(suite, plugins_, registry_, folder_ / "run", {});
    try {
      bundle::pack(results::Store(folder_ / "run"), {}, plugins_, registry_, folder_ / "out.zip");
    } catch (const BadInput& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(Packing, ListsWhatIsMissing) {
  const std::string why = packing_problem(suite("plain@1", "[]", "", {{}, {"attack=*gsm"}}));
  EXPECT_THAT(why, AllOf(HasSubstr("the run is no complete entry of board 'plain@1':"),
                         HasSubstr("\n  the board's attack 'pgd' was left out"),
                         HasSubstr("\n  the board's attack 'random_noise' was left out")));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out.zip"));
}

TEST_F(Packing, AsksForAdditionalAttacksToo) {
  EXPECT_THAT(packing_problem(
                  suite("plain@1", "[]", "attack.mine = { use = \"pgd\", access = \"none\" }\n")),
              HasSubstr("at × mine × linf × seed 0 is skipped (pgd needs gradient access"));
}

TEST_F(Packing, NeedsABoard) {
  std::ofstream(folder_ / "suite.toml") << R"(schema = 1
name = "mine"
data = { dataset = "fashion-mnist-1k", samples = 4 }
threat.linf = { norm = "linf", epsilon = 0.1 }
attack.fgsm = { use = "fgsm" }
[[defense]]
name = "at"
model = "fashion-mnist/at"
)";
  EXPECT_THAT(packing_problem(suite::read_suite(folder_ / "suite.toml", {}, plugins_, registry_)),
              HasSubstr("this run is on no board"));
}

TEST_F(Packing, KnowsWhenTheBoardWasEdited) {
  const suite::Suite read = suite("plain@1");
  write_board("plain", "deterministic", "scoring = { trials = 2 }\n");
  EXPECT_THAT(packing_problem(read), HasSubstr("another definition of board 'plain@1'"));
}

TEST_F(Packing, TakesStrongerExternalAttacks) {
  const auto first = bundle(suite("plain@1"));
  // What pgd found, brought as a file.
  const boards::BoardEntry entry = Opened(first).entry("at");
  std::filesystem::copy_file(from_environment("GAUNTLET_SOURCE_DIR") /
                                 "plugins/attacks/transfer/external/fashion-mnist-64.npz",
                             folder_ / "x_adv.npz");
  const auto file = bundle(suite("plain@1", "[]",
                                 "attack.theirs = { use = \"external\", file = \"" +
                                     (folder_ / "x_adv.npz").string() + "\" }\n"),
                           "again");
  const bundle::Verification found = verified(file);
  EXPECT_THAT(found.failures, IsEmpty());
  const boards::BoardEntry more = Opened(file).entry("at");
  ASSERT_EQ(more.threats[0].attacks.size(), 4u);
  EXPECT_TRUE(more.threats[0].attacks[3].additional);
  EXPECT_EQ(more.threats[0].attacks[3].plugin, "external");
  EXPECT_THAT(more.threats[0].attacks[3].parameters, HasSubstr("\"x_adv.npz\""));
  EXPECT_LE(more.threats[0].robust_accuracy, entry.threats[0].robust_accuracy);
}

class Divisions : public Bundles {
 protected:
  std::string problem(const suite::Suite& suite) const {
    try {
      run(suite, plugins_, registry_, folder_ / "run", {});
    } catch (const BadInput& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(Divisions, AreProbedBeforeTheFirstCell) {
  const std::string noisy = "[{ use = \"smoothing\", sigma = 0.1, mc_samples = 4 }]",
                    still = "[{ use = \"smoothing\", sigma = 0.0, mc_samples = 4 }]";
  EXPECT_THAT(problem(suite("plain@1", noisy)),
              HasSubstr("defense 'at': its answers to one input differ"));
  EXPECT_THAT(problem(suite("noisy@1")),
              HasSubstr("defense 'at': its answers to one input never differ"));
  EXPECT_THAT(problem(suite("plain@1", still)), IsEmpty()) << "what it is called is believed";
}

TEST_F(Divisions, TheCertifiedOneTakesCertifiersOnly) {
  std::ofstream(folder_ / "boards/sure.toml")
      << "schema = 1\nversion = 1\ntitle = \"t\"\ndivision = \"certified\"\nseeds = [0]\ndata = { "
         "dataset = \"fashion-mnist-1k\", samples = 4 }\ncertify = true\nthreat.l2 = { norm = "
         "\"l2\", epsilon = 0.25 }\nattack.fgsm = { use = \"fgsm\" }\naudit = { control = [], "
         "white_box = [\"fgsm\"], black_box = [] }\n";
  EXPECT_THROW(suite("sure@1"), BadInput);
}

}  // namespace
}  // namespace gauntlet::testing
