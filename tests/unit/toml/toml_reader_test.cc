#include "toml/toml_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/message_of.h"

namespace gauntlet {
namespace {

std::string sentences_of(const toml::Problems& problems) {
  return message_of([&] { problems.throw_if_any(); });
}

TEST(TomlReader, ReadsFractionsListsAndWords) {
  const toml::Toml file = toml::parse_toml(
      "epsilon = \"8/255\"\nrates = [1, 0.5, \"1/4\"]\nnesterov = true\nsteps = 3\nnorm = \"l2\"\n",
      "r.toml");
  toml::Problems problems;
  toml::TableReader reader(file, "the recipe", problems);
  double epsilon = 0;
  std::vector<double> rates;
  bool nesterov = false;
  int64_t steps = 0, absent = 17;
  enum class Norm { kLinf, kL2 } norm = Norm::kLinf;
  EXPECT_TRUE(reader.require("epsilon", epsilon));
  EXPECT_TRUE(reader.read("rates", rates));
  EXPECT_TRUE(reader.read("nesterov", nesterov));
  EXPECT_TRUE(reader.read("steps", steps, Range{1, 10}));
  EXPECT_TRUE(reader.choose("norm", norm, {{"linf", Norm::kLinf}, {"l2", Norm::kL2}}));
  EXPECT_FALSE(reader.read("absent", absent));
  reader.finish();
  EXPECT_EQ(sentences_of(problems), "");
  EXPECT_EQ(epsilon, 8.0 / 255);
  EXPECT_EQ(rates, (std::vector<double>{1, 0.5, 0.25}));
  EXPECT_TRUE(nesterov);
  EXPECT_EQ(steps, 3);
  EXPECT_EQ(absent, 17);
  EXPECT_EQ(norm, Norm::kL2);
}

TEST(TomlReader, ListsEveryProblemWithLineAndColumnInOrder) {
  const toml::Toml file = toml::parse_toml("epohcs = 3\nsteps = 0\n[data]\nname = 5\n", "r.toml");
  toml::Problems problems;
  toml::TableReader reader(file, "the recipe", problems);
  int64_t epochs = 0, steps = 0;
  std::string name, optimizer;
  toml::TableReader data(*reader.table("data"), "data", problems);
  data.read("name", name);
  reader.read("steps", steps, Range{1, 10});
  reader.require("epochs", epochs);
  reader.require("optimizer", optimizer, OneOf{"sgd", "adam"});
  reader.finish();
  EXPECT_EQ(sentences_of(problems),
            "r.toml:1:1: the recipe: 'epochs' is missing, expected a whole number\n"
            "r.toml:1:1: the recipe: 'optimizer' is missing, expected one of 'sgd', 'adam'\n"
            "r.toml:1:1: the recipe: unknown key 'epohcs', did you mean 'epochs'?\n"
            "r.toml:2:9: the recipe: steps: 0 is not in [1, 10]\n"
            "r.toml:4:8: data: name: 5 is not a string");
}

TEST(TomlReader, NamesTheNearestWord) {
  const toml::Toml file = toml::parse_toml("norm = \"l-inf\"\n", "r.toml");
  toml::Problems problems;
  toml::TableReader reader(file, "threat 'a'", problems);
  int norm = 0;
  EXPECT_FALSE(reader.choose("norm", norm, {{"linf", 1}, {"l2", 2}}));
  EXPECT_EQ(sentences_of(problems),
            "r.toml:1:8: threat 'a': norm: 'l-inf' is not one of 'linf', 'l2'; did you mean "
            "'linf'?");
}

TEST(TomlReader, TheSameProblemIsSaidOnce) {
  toml::Problems problems;
  problems.add({"a.toml", 2, 1}, "wrong");
  problems.add({"a.toml", 2, 1}, "wrong");
  problems.add({"b.toml", 1, 1}, "wrong too");
  problems.add({"a.toml", 1, 1}, "first");
  EXPECT_EQ(sentences_of(problems), "a.toml:1:1: first\na.toml:2:1: wrong\nb.toml:1:1: wrong too");
}

TEST(TomlReader, TakesTheRestAsParameters) {
  const toml::Toml file =
      toml::parse_toml("use = \"pgd\"\ninner = { steps = 3, day = 2020-01-02 }\n", "r.toml");
  toml::Problems problems;
  toml::TableReader reader(file, "it", problems);
  std::string use;
  reader.read("use", use);
  const ParamMap rest = reader.rest();
  reader.finish();
  EXPECT_TRUE(problems.empty());
  const ParamMap inner{{"steps", 3}, {"day", "2020-01-02"}};
  EXPECT_EQ(rest, (ParamMap{{"inner", inner}}));
}

TEST(TomlReader, KeepsTheOrderOfTheFile) {
  const toml::Toml file =
      toml::parse_toml("z = 1\na = 2\n[m]\nz.y = 1\nb = { d = 1, c = 2 }\n", "r.toml");
  std::string keys;
  for (const auto& member : *file.get<toml::Toml::Table>()) keys += member.key;
  for (const auto& member : *file.find("m")->get<toml::Toml::Table>()) keys += member.key;
  for (const auto& member : *file.find("m")->find("b")->get<toml::Toml::Table>())
    keys += member.key;
  EXPECT_EQ(keys, "zamzbdc");
}

TEST(TomlReader, BrokenTomlAndDuplicateKeysSayWhere) {
  EXPECT_THAT(message_of([] { toml::parse_toml("a = 1\nb = [1,\n", "r.toml"); }),
              ::testing::StartsWith("r.toml:2:9: not valid TOML: "));
  EXPECT_THAT(message_of([] { toml::parse_toml("a = 1\na = 2\n", "r.toml"); }),
              ::testing::StartsWith("r.toml:2:"));
}

TEST(TomlReader, AMissingFileAndAFolderAreBadInput) {
  EXPECT_EQ(message_of([] { toml::read_toml("no/such.toml"); }),
            "no/such.toml: there is no such file");
  EXPECT_EQ(message_of([] { toml::read_toml("."); }), ".: is a folder, expected a TOML file");
}

}  // namespace
}  // namespace gauntlet
