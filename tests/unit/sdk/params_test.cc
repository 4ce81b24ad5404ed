#include "gauntlet/params.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gauntlet {
namespace {

struct Example {
  bool flag = true;
  int64_t steps = 10;
  double size = 0.5;
  std::string loss = "margin";
  std::vector<int64_t> layers = {1, 2};
  std::vector<double> weights = {0.5};
  std::vector<std::string> names;
  File file;
  ModelRef model = {"cifar10/at"};
  std::vector<ModelRef> models;
  Use inner = {"pgd", {{"steps", 7}}};
  std::vector<Use> members = {{"fgsm"}, {"pgd", {{"steps", 3}}}};

  void fields(auto&& visit) {
    visit(flag, "flag", "a switch");
    visit(steps, "steps", "how many", Range{1, 100});
    visit(size, "size", "how long", Range{0, 1});
    visit(loss, "loss", "which", OneOf{"cross_entropy", "margin"});
    visit(layers, "layers", "where", Range{0, 5});
    visit(weights, "weights", "how much");
    visit(names, "names", "who");
    visit(file, "file", "what from");
    visit(model, "model", "on whom");
    visit(models, "models", "on whom else");
    visit(inner, "inner", "by what");
    visit(members, "members", "by what in turn");
  }
};

std::string error_of(const ParamMap& given) {
  try {
    bind<Example>(given);
  } catch (const ParamError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Params, DefaultsAreThoseOfTheStruct) {
  const auto p = bind<Example>({});
  EXPECT_TRUE(p.flag);
  EXPECT_EQ(p.steps, 10);
  EXPECT_EQ(p.layers, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(p.model.id, "cifar10/at");
  EXPECT_EQ(p.inner.plugin, "pgd");
  EXPECT_EQ(p.inner.with, (ParamMap{{"steps", 7}}));
}

TEST(Params, GivenValuesAreBound) {
  const auto p =
      bind<Example>({{"flag", false},
                     {"steps", 3},
                     {"size", "8/255"},
                     {"loss", "cross_entropy"},
                     {"layers", ParamList{5, 0}},
                     {"weights", ParamList{1, "1/4", 0.125}},
                     {"names", ParamList{"a", "b"}},
                     {"file", "weights.bin"},
                     {"model", "mnist/trades"},
                     {"inner", ParamMap{{"use", "fgsm"}, {"deep", ParamMap{{"x", 1}}}}}});
  EXPECT_FALSE(p.flag);
  EXPECT_EQ(p.steps, 3);
  EXPECT_EQ(p.size, 8.0 / 255);
  EXPECT_EQ(p.loss, "cross_entropy");
  EXPECT_EQ(p.layers, (std::vector<int64_t>{5, 0}));
  EXPECT_EQ(p.weights, (std::vector<double>{1, 0.25, 0.125}));
  EXPECT_EQ(p.names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(p.file.path, "weights.bin");
  EXPECT_EQ(p.model.id, "mnist/trades");
  EXPECT_EQ(p.inner.plugin, "fgsm");
  EXPECT_EQ(p.inner.with, (ParamMap{{"deep", ParamMap{{"x", 1}}}}));
}

TEST(Params, AModelMayHaveAStack) {
  const ParamMap noise = {{"use", "smoothing"}, {"sigma", 0.1}};
  const ParamMap table = {{"model", "mnist/at"}, {"stack", ParamList{noise}}};
  const auto p = bind<Example>({{"model", table}, {"models", ParamList{"mnist/trades", table}}});
  for (const ModelRef& ref : {p.model, p.models.at(1)}) {
    EXPECT_EQ(ref.id, "mnist/at");
    ASSERT_EQ(ref.stack.size(), 1u);
    EXPECT_EQ(ref.stack[0].plugin, "smoothing");
    EXPECT_EQ(ref.stack[0].with, (ParamMap{{"sigma", 0.1}}));
  }
  EXPECT_EQ(p.models.at(0).id, "mnist/trades");
  EXPECT_TRUE(p.models.at(0).stack.empty());
  // Without wrappers both ways of writing it are one value.
  const Schema schema = schema_of<Example>();
  for (const ParamMap& bare :
       {ParamMap{{"model", "a"}}, ParamMap{{"model", "a"}, {"stack", ParamList{}}}})
    EXPECT_EQ(resolve(schema, {{"model", bare}}), resolve(schema, {{"model", "a"}}));
  EXPECT_EQ(resolve(schema, resolve(schema, {{"model", table}})),
            resolve(schema, {{"model", table}}));
}

TEST(Params, AListOfPluginsKeepsItsOrder) {
  const ParamMap pgd = {{"use", "pgd"}, {"steps", 9}}, fgsm = {{"use", "fgsm"}};
  EXPECT_EQ(bind<Example>({}).members.at(1).with, (ParamMap{{"steps", 3}}));
  const auto p = bind<Example>({{"members", ParamList{pgd, fgsm, pgd}}});
  ASSERT_EQ(p.members.size(), 3u);
  EXPECT_EQ(p.members[0].plugin, "pgd");
  EXPECT_EQ(p.members[0].with, (ParamMap{{"steps", 9}}));
  EXPECT_EQ(p.members[1].plugin, "fgsm");
  EXPECT_TRUE(p.members[1].with.empty());
  EXPECT_TRUE(bind<Example>({{"members", ParamList{}}}).members.empty());
  const Schema schema = schema_of<Example>();
  const ParamMap once = resolve(schema, {{"members", ParamList{pgd, fgsm}}});
  EXPECT_EQ(resolve(schema, once), once);
  EXPECT_FALSE(once == resolve(schema, {{"members", ParamList{fgsm, pgd}}}));
  EXPECT_EQ(to_text(once.at("members")), "[{ steps = 9, use = \"pgd\" }, { use = \"fgsm\" }]");
}

TEST(Params, UsesAreThoseOfPluginsAndListsOfThem) {
  const Schema schema = schema_of<Example>();
  const ParamMap values = resolve(schema, {});
  std::string names;
  for (const ParamSpec& spec : schema)
    for (const Use& use : uses_of(spec, values.at(spec.name)))
      names += spec.name + "=" + use.plugin + " ";
  EXPECT_EQ(names, "inner=pgd members=fgsm members=pgd ");
}

TEST(Params, WhatIsNoListOfPluginsIsRefused) {
  const std::string expected = " is not a list of plugins: [{ use = \"name\", … }, …]";
  for (const ParamValue& wrong :
       {ParamValue("pgd"), ParamValue(ParamList{"pgd"}),
        ParamValue(ParamList{ParamMap{{"steps", 1}}}), ParamValue(ParamList{ParamMap{{"use", 3}}})})
    EXPECT_EQ(error_of({{"members", wrong}}), "members: " + to_text(wrong) + expected);
  const ParamMap pgd = {{"use", "pgd"}};
  EXPECT_EQ(error_of({{"members", pgd}}),
            "members: { use = \"pgd\" }" + expected + ", write [{ use = \"pgd\" }]");
}

TEST(Params, WhatIsNoModelIsRefused) {
  const std::string expected = " is not the id of a registry model or { model = \"id\", stack = ";
  for (const ParamValue& wrong :
       {ParamValue(3), ParamValue(ParamMap{{"stack", ParamList{}}}),
        ParamValue(ParamMap{{"model", 3}}),
        ParamValue(ParamMap{{"model", "a"}, {"stak", ParamList{}}}),
        ParamValue(ParamMap{{"model", "a"}, {"stack", "smoothing"}}),
        ParamValue(ParamMap{{"model", "a"}, {"stack", ParamList{"smoothing"}}})})
    EXPECT_NE(error_of({{"model", wrong}}).find(to_text(wrong) + expected), std::string::npos)
        << error_of({{"model", wrong}});
  EXPECT_EQ(error_of({{"models", "a"}}),
            "models: \"a\" is not a list of registry models, write [\"a\"]");
}

TEST(Params, ErrorsNameParameterValueAndExpectation) {
  EXPECT_EQ(error_of({{"steps", 0}}), "steps: 0 is not in [1, 100]");
  EXPECT_EQ(error_of({{"steps", 1.5}}), "steps: 1.5 is not a whole number");
  EXPECT_EQ(error_of({{"steps", "ten"}}), "steps: \"ten\" is not a whole number");
  EXPECT_EQ(error_of({{"size", "3/2"}}), "size: 1.5 is not in [0, 1]");
  EXPECT_EQ(error_of({{"size", "8/0"}}),
            "size: \"8/0\" is not a number or a fraction such as \"8/255\"");
  EXPECT_EQ(error_of({{"flag", 1}}), "flag: 1 is not true or false");
  EXPECT_EQ(error_of({{"layers", ParamList{1, 6}}}), "layers: 6 is not in [0, 5]");
  EXPECT_EQ(error_of({{"layers", 1}}), "layers: 1 is not a list of whole numbers, write [1]");
  EXPECT_EQ(error_of({{"names", ParamList{1}}}), "names: [1] is not a list of strings");
  EXPECT_EQ(error_of({{"inner", "pgd"}}), "inner: \"pgd\" is not a plugin: { use = \"name\", … }");
  EXPECT_EQ(error_of({{"inner", ParamMap{{"steps", 1}}}}),
            "inner: { steps = 1 } is not a plugin: { use = \"name\", … }");
}

TEST(Params, ErrorsShowTheValueAsItIsWrittenAndHowItWouldBe) {
  EXPECT_EQ(error_of({{"steps", 2.0}}), "steps: 2.0 is not a whole number, write 2");
  EXPECT_EQ(error_of({{"steps", "20"}}), "steps: \"20\" is not a whole number, write 20");
  EXPECT_EQ(error_of({{"flag", "true"}}), "flag: \"true\" is not true or false, write true");
  EXPECT_EQ(error_of({{"layers", ParamList{1, 2.0}}}),
            "layers: 2.0 is not a whole number, write 2");
}

TEST(Params, NumbersAreFiniteAndZeroHasNoSign) {
  for (const double wrong : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    EXPECT_NE(error_of({{"size", wrong}}).find(" is not a finite number"), std::string::npos);
    EXPECT_NE(error_of({{"steps", wrong}}).find(" is not a finite number"), std::string::npos);
  }
  for (const char* wrong : {"nan", "inf", "1e400", "1e-400", "1e300/1e-300", "8/nan"})
    EXPECT_NE(error_of({{"size", wrong}}).find(" is not a number"), std::string::npos) << wrong;
  const ParamMap resolved = resolve(schema_of<Example>(), {{"size", -0.0}});
  EXPECT_FALSE(std::signbit(*resolved.at("size").get<double>()));
}

TEST(Params, ErrorsNameTheNearestName) {
  EXPECT_NE(error_of({{"step", 1}}).find("did you mean 'steps'?"), std::string::npos);
  const std::string error = error_of({{"loss", "crossentropy"}});
  EXPECT_NE(error.find("'crossentropy' is not one of 'cross_entropy', 'margin'"),
            std::string::npos);
  EXPECT_NE(error.find("did you mean 'cross_entropy'?"), std::string::npos);
  EXPECT_NE(error_of({{"zzzzzzzz", 1}}).find("unknown parameter 'zzzzzzzz'"), std::string::npos);
}

TEST(Params, FractionsAreReadExactly) {
  EXPECT_EQ(parse_fraction("8/255"), 8.0 / 255);
  EXPECT_EQ(parse_fraction(" 0.5 / 2 "), 0.25);
  EXPECT_EQ(parse_fraction("-3"), -3.0);
  EXPECT_EQ(parse_fraction("1e-3"), 1e-3);
  for (const char* wrong : {"", "/", "1/", "/2", "1/0", "a", "1/2/3", "nan", "inf", "0x8", "1 2"})
    EXPECT_FALSE(parse_fraction(wrong)) << wrong;
}

TEST(Params, NotANumberIsNotAParameter) {
  EXPECT_NE(error_of({{"size", std::numeric_limits<double>::quiet_NaN()}}), "no error");
  EXPECT_NE(error_of({{"weights", ParamList{std::numeric_limits<double>::infinity()}}}),
            "no error");
}

TEST(Params, CanonicalValuesAreEqualWhereTheMeaningIs) {
  const Schema schema = schema_of<Example>();
  EXPECT_EQ(resolve(schema, {{"size", "1/2"}}), resolve(schema, {}));
  EXPECT_EQ(resolve(schema, {{"size", 1}}), resolve(schema, {{"size", 1.0}}));
  EXPECT_EQ(resolve(schema, {{"weights", ParamList{"1/2"}}}), resolve(schema, {}));
  EXPECT_FALSE(resolve(schema, {{"size", 0.25}}) == resolve(schema, {}));
  EXPECT_EQ(resolve(schema, resolve(schema, {{"size", "8/255"}})),
            resolve(schema, {{"size", "8/255"}}));
}

TEST(Params, TextReadsBackAsTheSameNumber) {
  for (const double v : {0.1, 8.0 / 255, 1e-12, 1.0 / 3, 12345678.9})
    EXPECT_EQ(parse_fraction(to_text(v)), v);
  EXPECT_EQ(to_text(true), "true");
  EXPECT_EQ(to_text(7), "7");
  EXPECT_EQ(to_text("a"), "\"a\"");
  EXPECT_EQ(to_text(ParamList{1, "b"}), "[1, \"b\"]");
  EXPECT_EQ(to_text(ParamMap{{"steps", 7}, {"use", "pgd"}}), "{ steps = 7, use = \"pgd\" }");
}

TEST(Params, TextIsQuotedAsInToml) {
  EXPECT_EQ(to_text("a\"b\\c\n"), R"("a\"b\\c\n")");
  EXPECT_EQ(to_text("\x01"), R"("\u0001")");
  EXPECT_EQ(to_text(ParamMap{{"a b", 1}}), "{ \"a b\" = 1 }");
  EXPECT_NE(to_text("a\", \"b"), to_text(ParamList{"a", "b"}));
  EXPECT_NE(to_text(ParamList{"a\", \"b"}), to_text(ParamList{"a", "b"}));
}

}  // namespace
}  // namespace gauntlet
