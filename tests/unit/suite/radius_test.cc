#include "suite/radius.h"

#include "suite/names.h"
#include "suite_fixture.h"

namespace gauntlet {
namespace {

using ::testing::HasSubstr;

class Radius : public SuiteTest {
 protected:
  // What is wrong with a threat, without its place; "" where it is taken.
  std::string said(const std::string& threat) {
    const std::string all =
        error("schema = 1\nname = \"r\"\ndata = { dataset = \"tiny\" }\nthreat.t = { " + threat +
              " }\nattack.fgsm = { use = \"fgsm\" }\n[[defense]]\nname = \"r\"\n"
              "model = \"tiny/standard\"\n");
    const size_t place = all.find("threat 't': ");
    return place == std::string::npos ? all : all.substr(place + 12);
  }
};

TEST_F(Radius, OfPixelsFrom0To255IsRefusedWithTheFraction) {
  const std::string meant = " (unbounded = true if it is meant)";
  EXPECT_EQ(said("norm = \"linf\", epsilon = 8"),
            "epsilon: 8 is not in (0, 1]; pixels are in [0, 1], write \"8/255\"" + meant);
  EXPECT_EQ(said("norm = \"linf\", epsilon = \"8\""),
            "epsilon: 8 is not in (0, 1]; pixels are in [0, 1], write \"8/255\"" + meant);
  EXPECT_EQ(said("norm = \"linf\", epsilon = 1.5"),
            "epsilon: 1.5 is not in (0, 1]; pixels are in [0, 1], write \"1.5/255\"" + meant);
  EXPECT_EQ(said("norm = \"linf\", epsilon = 300"), "epsilon: 300 is not in (0, 1]" + meant);
  // Images of 1 x 4 x 4: an L2 diameter of 4, an L1 diameter of 16.
  EXPECT_EQ(said("norm = \"l2\", epsilon = 128"),
            "epsilon: 128 is more than 4, the longest L2 distance of images [1, 4, 4] with pixels "
            "in [0, 1]; pixels are in [0, 1], write \"128/255\"" +
                meant);
  EXPECT_THAT(said("norm = \"l1\", epsilon = 16.5"),
              HasSubstr("16.5 is more than 16, the longest"));
}

TEST_F(Radius, ThatMovesNothingIsRefused) {
  EXPECT_EQ(said("norm = \"linf\", epsilon = 0"),
            "epsilon: 0 leaves every image as it is, expected more than 0; clean accuracy stands "
            "beside every attack (unbounded = true if it is meant)");
  EXPECT_THAT(said("norm = \"l2\", epsilon = -0.0"), HasSubstr("leaves every image as it is"));
  EXPECT_THAT(said("norm = \"l2\", epsilon = 1e-30"), HasSubstr("is too small to move a pixel"));
  EXPECT_THAT(said("norm = \"linf\", epsilon = -1"), HasSubstr("-1 is below 0, expected a radius"));
}

TEST_F(Radius, ThatIsNoNumberIsRefused) {
  EXPECT_THAT(said("norm = \"linf\", epsilon = nan"), HasSubstr("nan is not a finite number"));
  EXPECT_THAT(said("norm = \"linf\", epsilon = inf"), HasSubstr("inf is not a finite number"));
  EXPECT_THAT(said("norm = \"linf\", epsilon = 1e-400"), HasSubstr("1e-400 is too small for a"));
  EXPECT_THAT(said("norm = \"linf\", epsilon = \"1e-400\""), HasSubstr("is not a number"));
  EXPECT_THAT(said("norm = \"linf\", epsilon = \"1e300/1e-300\""), HasSubstr("is not a number"));
  EXPECT_THAT(said("norm = \"linf\", epsilon = \"nan/1\""), HasSubstr("is not a number"));
}

TEST_F(Radius, UpToTheDiameterOrSaidToBeMeantIsTaken) {
  for (const char* right : {"norm = \"linf\", epsilon = 1", "norm = \"linf\", epsilon = \"8/255\"",
                            "norm = \"l2\", epsilon = 4.0", "norm = \"l1\", epsilon = 16",
                            "norm = \"linf\", epsilon = 8, unbounded = true",
                            "norm = \"l2\", epsilon = 20, unbounded = true",
                            "norm = \"linf\", epsilon = 0, unbounded = true"})
    EXPECT_EQ(said(right), "") << right;
  EXPECT_THAT(said("norm = \"linf\", epsilon = -1, unbounded = true"), HasSubstr("is below 0"));
  EXPECT_THAT(said("norm = \"linf\", epsilon = 1e300, unbounded = true"),
              HasSubstr("is more than"));
}

TEST_F(Radius, InPixelsAndDegreesHasARangeOfItsOwn) {
  // Images of 1 x 4 x 4.
  for (const char* right :
       {"norm = \"l0\", epsilon = 16", "norm = \"patch\", epsilon = 4", "norm = \"unbounded\"",
        "norm = \"rotation\", epsilon = 180", "norm = \"rotation\", epsilon = 0.5",
        "norm = \"translation\", epsilon = 2.5", "norm = \"flow\", epsilon = 0.3"})
    EXPECT_EQ(said(right), "") << right;
  EXPECT_EQ(said("norm = \"l0\", epsilon = 2.5"), "epsilon: 2.5 is no whole number of pixels");
  EXPECT_EQ(said("norm = \"l0\", epsilon = 17"),
            "epsilon: 17 is more than 16 pixels, all that images [1, 4, 4] have");
  EXPECT_EQ(said("norm = \"patch\", epsilon = 5"),
            "epsilon: 5 is more than 4 pixels, the longer side of images [1, 4, 4]");
  EXPECT_EQ(said("norm = \"rotation\", epsilon = 200"),
            "epsilon: 200 is more than 180 degrees, half a turn");
  EXPECT_EQ(said("norm = \"translation\", epsilon = 4.5"),
            "epsilon: 4.5 is more than 4 pixels, the longer side of images [1, 4, 4]");
  EXPECT_EQ(said("norm = \"flow\", epsilon = 0"),
            "epsilon: 0 leaves every image as it is, expected more than 0; clean accuracy stands "
            "beside every attack");
  EXPECT_THAT(said("norm = \"flow\", epsilon = 1e-5"),
              HasSubstr("is too small to show, expected at least 0.001 pixels"));
  EXPECT_THAT(said("norm = \"patch\", epsilon = -1"), HasSubstr("-1 is below 0"));
  EXPECT_EQ(said("norm = \"unbounded\", epsilon = 1"),
            "epsilon: is given, expected none: norm = \"unbounded\" leaves it to the box");
  EXPECT_THAT(said("norm = \"l0\", epsilon = 3, unbounded = true"), HasSubstr("unbounded"));
  EXPECT_THAT(said("norm = \"rotations\", epsilon = 3"), HasSubstr("did you mean 'rotation'"));
}

TEST(ThreatTexts, HaveTheUnit) {
  EXPECT_EQ(suite::threat_text(Norm::kLinf, "8/255"), "linf 8/255");
  EXPECT_EQ(suite::threat_text(Norm::kL0, "20"), "l0 20 pixels");
  EXPECT_EQ(suite::threat_text(Norm::kPatch, "1"), "patch 1 pixel");
  EXPECT_EQ(suite::threat_text(Norm::kRotation, "30"), "rotation 30 degrees");
  EXPECT_EQ(suite::threat_text(Norm::kUnbounded, "1"), "unbounded");
}

TEST(Steps, LongerThanTheBoxAreRefusedWhereTheyAreOfPixels) {
  const suite::ThreatSpec linf{"linf", Norm::kLinf, 0.1, "0.1"}, l2{"l2", Norm::kL2, 1, "1"};
  const std::vector<int64_t> shape{1, 4, 4};
  const auto step = [](double size, const char* unit) {
    return ParamMap{{"step_size", size}, {"step_unit", unit}};
  };
  EXPECT_EQ(suite::step_problem(step(2, "input"), {linf}, shape),
            "step_size: 2 is longer than 1, the width of the box; pixels are in [0, 1], write "
            "\"2/255\"");
  EXPECT_EQ(suite::step_problem(step(1, "input"), {linf}, shape), "");
  EXPECT_EQ(suite::step_problem(step(2, "epsilon"), {linf}, shape), "");
  EXPECT_EQ(suite::step_problem(step(2, "input"), {linf, l2}, shape), "");  // fits one of them
  EXPECT_THAT(suite::step_problem(step(5, "input"), {linf, l2}, shape),
              HasSubstr("5 is longer than 4, the diameter of the box"));
  ParamMap inner = step(2, "input");
  inner["use"] = "pgd";
  EXPECT_THAT(suite::step_problem({{"attack", inner}}, {linf}, shape),
              HasSubstr("attack: step_size: 2"));
}

}  // namespace
}  // namespace gauntlet
