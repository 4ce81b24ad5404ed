#include "suite/remarks.h"

#include "suite_fixture.h"

namespace gauntlet {
namespace {

using ::testing::ElementsAre;

class RemarksTest : public ::testing::Test {
 protected:
  RemarksTest() {
    for (const char* row : {"plain", "noisy"})
      for (const char* column : {"fgsm", "pgd", "cw"})
        for (const char* threat : {"l2", "linf"}) remarks.covers({row, column, threat});
  }
  suite::Remarks remarks;
};

TEST_F(RemarksTest, AreToldOnceOfAllThatHasThem) {
  for (const char* row : {"plain", "noisy"}) remarks.add({row, "pgd", "linf"}, "short");
  for (const char* column : {"fgsm", "pgd", "cw"})
    for (const char* threat : {"l2", "linf"}) remarks.add({"plain", column, threat}, "near chance");
  remarks.add({"noisy", "cw", "l2"}, "masked");
  remarks.add({"noisy", "cw", "l2"}, "masked");
  remarks.add({"noisy", "pgd", "l2"}, "");
  remarks.add("threat 'l2'", "long");
  remarks.add("threat 'l2'", "long");
  EXPECT_THAT(remarks.lines(), ElementsAre("pgd (linf): short", "plain: near chance",
                                           "noisy × cw (l2): masked", "threat 'l2': long"));
}

TEST_F(RemarksTest, WithOneThreatNameNone) {
  suite::Remarks few;
  for (const char* column : {"fgsm", "pgd"}) few.covers({"plain", column, "linf"});
  few.add({"plain", "pgd", "linf"}, "short");
  EXPECT_THAT(few.lines(), ElementsAre("pgd: short"));
}

TEST(Listed, IsSafeAndShort) {
  EXPECT_EQ(suite::listed("remarks", {}), "");
  const std::string text =
      suite::listed("remarks", {"a\x1b[2J\nb", std::string(1'000'000, 'x'), "\xe2\x80\xae evil"});
  EXPECT_TRUE(text.starts_with("\nremarks\n  a\\x1b[2J\\nb\n  xxx"));
  EXPECT_TRUE(text.ends_with("x…\n  \\u202e evil\n")) << text.substr(text.size() - 40);
  EXPECT_LT(text.size(), 1000u);
  EXPECT_TRUE(suite::listed("r", std::vector<std::string>(99, "a")).ends_with("… and 69 more\n"));
}

using Units = SuiteTest;

TEST_F(Units, OfPixelsFrom0To255AreRemarkedOn) {
  const auto remarks = [&](const std::string& threat, const std::string& stack) {
    suite::Remarks out;
    remark_on_units(
        read("schema = 1\nname = \"u\"\ndata = { dataset = \"tiny\" }\nthreat.t = " + threat +
             "\nattack.fgsm = { use = \"fgsm\" }\n[[defense]]\nname = \"r\"\n"
             "model = \"tiny/standard\"\nstack = [" +
             stack + "]\n"),
        out);
    return out.lines();
  };
  EXPECT_THAT(remarks("{ norm = \"linf\", epsilon = 0.3 }", ""), ElementsAre());
  EXPECT_THAT(remarks("{ norm = \"linf\", epsilon = 0.5 }", ""),
              ElementsAre("threat 't': epsilon = 0.5 makes every image plain gray: no accuracy "
                          "above chance is left"));
  EXPECT_THAT(remarks("{ norm = \"linf\", epsilon = 0.1 }", "{ use = \"smoothing\", sigma = 8 }"),
              ElementsAre("defense 'r': smoothing: sigma = 8 is wider than pixels in [0, 1]; if it "
                          "is of pixels of 0 to 255, write \"8/255\""));
}

}  // namespace
}  // namespace gauntlet
