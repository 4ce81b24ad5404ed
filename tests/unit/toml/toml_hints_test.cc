// What people write that is no TOML, and what is said of it.
#include "toml/toml_hints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bad_input.h"
#include "toml/toml_reader.h"

namespace gauntlet {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

std::string said(const std::string& text) {
  try {
    toml::parse_toml(text, "s.toml");
  } catch (const BadInput& error) {
    return error.what();
  }
  return "";
}

TEST(TomlHints, NameWhatWasProbablyMeant) {
  EXPECT_EQ(said("epsilon = 8/255\n"),
            "s.toml:1:12: not valid TOML: Error while parsing decimal integer: expected digit, saw "
            "'/'; a fraction is written in quotes: \"8/255\"");
  EXPECT_THAT(said("a = 1\nb = { x = 8 / 255, y = 2 }\n"), EndsWith("in quotes: \"8 / 255\""));
  EXPECT_THAT(said("b = [1, 2.5/255]\n"), EndsWith("in quotes: \"2.5/255\""));
  EXPECT_THAT(said("use = pgd\n"), EndsWith("; a text is written in quotes: \"pgd\""));
  EXPECT_THAT(said("norm = linf\n"), EndsWith("in quotes: \"linf\""));
  EXPECT_THAT(said("model = fashion-mnist/at\n"), EndsWith("in quotes: \"fashion-mnist/at\""));
  EXPECT_THAT(said("t = { use = transfer }\n"), EndsWith("in quotes: \"transfer\""));
  EXPECT_THAT(said("certify = True\n"), EndsWith("; write true"));
  EXPECT_THAT(said("goal = None\n"), EndsWith("; leave the key out"));
  EXPECT_THAT(said("epsilon = .5\n"), EndsWith("; write 0.5"));
  EXPECT_THAT(said("epsilon = 5.\n"), EndsWith("; write 5.0"));
  EXPECT_THAT(said("name = \u201cx\u201d\n"), HasSubstr("quotes are straight"));
}

TEST(TomlHints, AreSilentWhereNothingIsPlain) {
  for (const char* text : {"[attack\n", "a: 1\n", "a = \"x\n", "= 3\n", "a = {\n", "a = 1 b = 2\n"})
    EXPECT_EQ(said(text).find(';'), std::string::npos) << said(text);
}

TEST(TomlDepth, IsBoundedAndSaid) {
  const auto dotted = [](int parts) {
    std::string key = "a";
    for (int i = 1; i < parts; ++i) key += ".a";
    return key + " = 1\n";
  };
  EXPECT_EQ(said(dotted(100)), "");
  EXPECT_EQ(said(dotted(102)),
            "s.toml:1:201: lies more than 100 tables or lists deep, expected no "
            "more");
  EXPECT_EQ(said("b = 1\n" + dotted(2100)),
            "s.toml:2:1: lies more than 100 tables or lists deep, expected no more");
  EXPECT_EQ(said("[" + dotted(60).substr(0, 119) + "]\n" + dotted(30)), "");
  EXPECT_THAT(said("a = " + std::string(110, '[') + std::string(110, ']') + "\n"),
              HasSubstr("more than 100 tables or lists deep"));
  EXPECT_EQ(said("a = \"" + std::string(3000, 'x') + "\"\nb = [0.1, 0.2]\n"), "");
}

TEST(TomlNumbers, ThatAFloatCannotHoldAreRefused) {
  EXPECT_EQ(said("b = 1\na = 1e-400\n"),
            "s.toml:2:5: 1e-400 is too small for a number, it would be read as 0");
  EXPECT_EQ(said("a = 0.0\nb = -0.0\nc = 0e5\nd = 1e-300\n"), "");
  EXPECT_THAT(said("a = 1e400\n"), HasSubstr("1e400"));
}

}  // namespace
}  // namespace gauntlet
