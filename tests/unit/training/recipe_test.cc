#include "training/recipe.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "../suite/fixed_catalogue.h"
#include "base/bad_input.h"
#include "base/sha256.h"
#include "data/formats/readers.h"
#include "evaluation/laboratory.h"
#include "models/architectures/build_network.h"
#include "models/weights/safetensors.h"
#include "registry/model_entry_writer.h"
#include "suite/inner_keys.h"
#include "training/model_writer.h"
#include "training/replicates.h"
#include "training_fixture.h"

namespace gauntlet {
namespace {
using namespace training_tests;

const char* const kNetwork = R"(
[network]
architecture = "sequential"
input = [1, 8, 8]
classes = 4
layers = [{ type = "flatten" }, { type = "linear", out = 4 }]
)";

// A folder with a registry of one data set, and recipes.
struct RecipeTest : ::testing::Test {
  Folder folder;
  fs::path registry_folder = folder.path / "registry";

  RecipeTest() {
    fs::create_directories(registry_folder / "datasets");
    const auto split = [&](const std::string& name, int64_t samples, uint64_t seed) {
      const std::string images = name + "-images.gz", labels = name + "-labels.gz";
      write_idx(quarters(samples, seed), registry_folder / "datasets" / images,
                registry_folder / "datasets" / labels);
      return "[split." + name + "]\nformat = \"idx\"\nsamples = " + std::to_string(samples) +
             "\nfiles = [{ path = \"" + images + "\" }, { path = \"" + labels + "\" }]\n";
    };
    std::ofstream(registry_folder / "datasets" / "quarters.toml")
        << "schema = 1\nid = \"quarters\"\nclasses = [\"a\", \"b\", \"c\", \"d\"]\nshape = [1, 8, "
           "8]\n"
        << split("train", 72, 1) << split("test", 40, 2);
  }

  registry::Registry registry() const { return registry::Registry(registry_folder, {}); }
  fs::path write(const std::string& text) const {
    const fs::path file = folder.path / "recipe.toml";
    std::ofstream(file) << text;
    return file;
  }
  training::Recipe read(const std::string& text) const {
    return training::read_recipe(write(text), FixedCatalogue(), registry());
  }
  // What is wrong with it, without the folder's name.
  std::string problems(const std::string& text) const {
    try {
      read(text);
    } catch (const BadInput& error) {
      std::string message = error.what();
      const std::string name = folder.path.string() + "/";
      for (size_t at; (at = message.find(name)) != std::string::npos;)
        message.erase(at, name.size());
      return message;
    }
    return "";
  }
};

const std::string kHead = R"(schema = 1
id = "quarters/x"
dataset = "quarters"
epochs = 2
optimizer = { type = "sgd" }
schedule = { type = "constant", learning_rate = 0.1 }
)";

TEST_F(RecipeTest, ReadsEverything) {
  const training::Recipe recipe = read(R"(schema = 1
id = "quarters/x"
summary = "a test"
licence = "MIT"
dataset = "quarters"
seed = 7
epochs = 9
batch_size = 32
samples = 40
gradient_clip = 0.5
selection = "best_robust"
optimizer = { type = "sgd", momentum = 0.9, nesterov = true, weight_decay = 5e-4 }
optimizers = { critic = { type = "adam", beta1 = 0.5, learning_rate_factor = 0.1 } }
schedule = { type = "multistep", learning_rate = 0.1, milestones = [4, 6.5], factor = 0.2 }
augmentation = { crop_padding = 2, flip = true }
validation = { samples = 8, attack = { use = "pgd", steps = 3 } }
threat = { norm = "l2", epsilon = "1/4" }
method = { use = "adversarial_training", attack = { use = "pgd", steps = 5 } }
layer_plugins = [{ use = "pni", initial = 0.1 }]
stack = [{ use = "smoothing", sigma = 0.2 }]
)" + std::string(kNetwork));
  EXPECT_EQ(recipe.id, "quarters/x");
  EXPECT_EQ(recipe.seed, 7);
  EXPECT_EQ(recipe.epochs, 9);
  EXPECT_EQ(recipe.batch_size, 32);
  EXPECT_EQ(recipe.samples, 40);
  EXPECT_EQ(recipe.gradient_clip, 0.5);
  EXPECT_EQ(recipe.selection, training::Selection::kBestRobust);
  EXPECT_TRUE(recipe.optimizer.nesterov);
  EXPECT_EQ(recipe.optimizers.at("critic").beta1, 0.5);
  EXPECT_EQ(recipe.schedule.milestones, (std::vector<double>{4, 6.5}));
  EXPECT_EQ(recipe.augmentation.crop_padding, 2);
  EXPECT_EQ(recipe.validation.attack->with.at("steps"), ParamValue(3));
  EXPECT_EQ(recipe.validation.attack->with.at("start"), ParamValue("uniform"));  // completed
  EXPECT_EQ(recipe.threat->norm, Norm::kL2);
  EXPECT_EQ(recipe.threat->epsilon, 0.25);
  EXPECT_EQ(recipe.threat->epsilon_text, "1/4");
  EXPECT_EQ(recipe.method->with.at("attack").get<ParamMap>()->at("steps"), ParamValue(5));
  EXPECT_EQ(recipe.layer_plugins.at(0).with.at("initial"), ParamValue(0.1));
  EXPECT_EQ(recipe.stack.at(0).with.at("sigma"), ParamValue(0.2));
  EXPECT_EQ(recipe.sha256.size(), 64u);
}

TEST_F(RecipeTest, AnEmptyRecipeSaysAllThatIsMissing) {
  EXPECT_EQ(problems(""),
            "recipe.toml:1:1: the recipe: 'schema' is missing, expected a whole number\n"
            "recipe.toml:1:1: the recipe: 'id' is missing, expected a string\n"
            "recipe.toml:1:1: the recipe: 'dataset' is missing, expected a string\n"
            "recipe.toml:1:1: the recipe: 'epochs' is missing, expected a whole number\n"
            "recipe.toml:1:1: the recipe: 'optimizer' is missing, expected { type = \"sgd\", "
            "momentum = 0.9 } or { type = \"adam\" }\n"
            "recipe.toml:1:1: the recipe: 'schedule' is missing, expected { type = \"one_cycle\", "
            "learning_rate = 0.1 }\n"
            "recipe.toml:1:1: the recipe: 'network' is missing, expected a table with "
            "architecture, input and classes (or from, the model to begin with)");
}

TEST_F(RecipeTest, ListsEveryMistakeWithItsPlace) {
  EXPECT_EQ(problems(R"(schema = 1
id = "quarters/x"
dataset = "quarter"
epochs = 0
epoch = 3
optimizer = { type = "adam", momentum = 0.9 }
schedule = { type = "one_cycl", learning_rate = 0.1 }
selection = "best_robust"
validation = { samples = 8 }
method = { use = "adversarial_trainin" }
layer_plugins = [{ use = "smoothing" }]
)" + std::string(kNetwork)),
            "recipe.toml:3:11: the recipe: dataset: "
            "the registry has no data set 'quarter', did you mean 'quarters'?\n"
            "recipe.toml:4:10: the recipe: epochs: 0 is not in [1, 10000]\n"
            "recipe.toml:5:1: the recipe: unknown key 'epoch', did you mean 'epochs'?\n"
            "recipe.toml:6:30: optimizer: unknown key 'momentum'; known: type, weight_decay, "
            "learning_rate_factor, beta1, beta2, epsilon, groups\n"
            "recipe.toml:7:21: schedule: type: 'one_cycl' is not one of 'constant', 'step', "
            "'multistep', 'cosine', 'one_cycle'; did you mean 'one_cycle'?\n"
            "recipe.toml:8:13: the recipe: selection: best_robust needs validation.attack, such as "
            "{ use = \"pgd\" }\n"
            "recipe.toml:10:18: method: there is no defense plugin 'adversarial_trainin', did you "
            "mean 'adversarial_training'?\n"
            "recipe.toml:11:18: layer_plugins: 'smoothing' does not act inside layers; expected a "
            "plugin that does, such as pni");
}

TEST_F(RecipeTest, AMethodWithAnAttackNeedsAThreat) {
  EXPECT_EQ(problems(kHead + "method = { use = \"adversarial_training\" }" + kNetwork),
            "recipe.toml:1:1: the recipe: 'threat' is missing, expected { norm = \"linf\", epsilon "
            "= \"8/255\" }, which the attack of 'adversarial_training' needs");
}

TEST_F(RecipeTest, AStackMustChangeTheInput) {
  EXPECT_EQ(problems(kHead + "stack = [{ use = \"pni\" }]" + kNetwork),
            "recipe.toml:7:18: stack: 'pni' works inside layers, expected it in the model's "
            "layer_plugins");
}

TEST_F(RecipeTest, AMethodMustTrain) {
  EXPECT_EQ(problems(kHead + "method = { use = \"pni\" }" + kNetwork),
            "recipe.toml:7:10: method: 'pni' does not train; expected a training method, such as "
            "adversarial_training");
}

TEST_F(RecipeTest, ParametersOfInnerAttacksAreChecked) {
  EXPECT_EQ(
      problems(kHead +
               "threat = { norm = \"linf\", epsilon = 0.1 }\n"
               "method = { use = \"adversarial_training\", attack = { use = \"pgd\", step = 3 "
               "} }" +
               kNetwork),
      "recipe.toml:8:66: method: attack: unknown parameter 'step' of attack plugin 'pgd', did "
      "you mean 'steps'?");
}

TEST_F(RecipeTest, InnerAttacksCarryTheHostsKeys) {
  const std::string text = kHead + "threat = { norm = \"linf\", epsilon = 0.1 }\n" + R"(
validation = { samples = 8, attack = { use = "pgd", restarts = 3 } }
[method]
use = "adversarial_training"
attack = { use = "pgd", steps = 7, draws = 8, average = "probability" }
)" + kNetwork;
  training::Recipe recipe = read(text);
  const ParamMap attack = *recipe.method->with.at("attack").get<ParamMap>();
  EXPECT_EQ(attack, (ParamMap{{"use", "pgd"},
                              {"steps", 7},
                              {"step_size", 2.0 / 255},
                              {"start", "uniform"},
                              {"loss", "cross_entropy"},
                              {"draws", 8},
                              {"average", "probability"}}));
  const suite::InnerKeys keys = suite::take_inner_keys(*recipe.validation.attack);
  EXPECT_EQ(keys.restarts, 3);
  EXPECT_EQ(keys.draws, 1);
  EXPECT_EQ(keys.averaged(), Average::kLoss);
  // What is left is what it would have been without them.
  training::Recipe plain = read(kHead +
                                "threat = { norm = \"linf\", epsilon = 0.1 }\n"
                                "validation = { samples = 8, attack = { use = \"pgd\" } }\n" +
                                kNetwork);
  EXPECT_EQ(recipe.validation.attack->with, plain.validation.attack->with);
  for (const char* key : {"restarts", "draws", "average"})
    EXPECT_FALSE(plain.validation.attack->with.count(key)) << key;
}

TEST_F(RecipeTest, WrongHostsKeysOfInnerAttacksAreToldWithTheirPlace) {
  EXPECT_EQ(
      problems(kHead + "threat = { norm = \"linf\", epsilon = 0.1 }\n" + R"(
validation = { samples = 8, attack = { use = "pgd", draws = 0, goal = "targeted" } }
[method]
use = "adversarial_training"
attack = { use = "pgd", drawss = 8, average = "probabilty", restarts = "two" }
)" + kNetwork),
      "recipe.toml:9:61: validation: attack: draws: 0 is not in [1, 999999]\n"
      "recipe.toml:9:64: validation: attack: unknown parameter 'goal' of attack plugin 'pgd'; "
      "known: steps, step_size, start, loss\n"
      "recipe.toml:12:25: method: attack: unknown parameter 'drawss' of attack plugin 'pgd', "
      "did you mean 'draws'?\n"
      "recipe.toml:12:47: method: attack: average: 'probabilty' is not one of 'loss', "
      "'probability', 'logit'; did you mean 'probability'?\n"
      "recipe.toml:12:72: method: attack: restarts: \"two\" is not a whole number");
  // The host does not run an attack that is nested in another.
  EXPECT_EQ(problems(kHead + "threat = { norm = \"linf\", epsilon = 0.1 }\n" + R"(
[method]
use = "adversarial_training"
draws = 8
attack = { use = "transfer", source = "", attack = { use = "pgd", draws = 8 } }
)" + kNetwork),
            "recipe.toml:11:1: method: unknown parameter 'draws' of defense plugin "
            "'adversarial_training'; known: attack\n"
            "recipe.toml:12:39: method: attack: 'source' is missing, expected the id of a registry "
            "model\n"
            "recipe.toml:12:67: method: attack: attack: unknown parameter 'draws' of attack plugin "
            "'pgd'; known: steps, step_size, start, loss");
}

TEST_F(RecipeTest, SelectionsNeedWhatTheySelectBy) {
  const std::string validation = "validation = { samples = 8 }\n";
  const std::string worst = "selection = \"worst_clean\"\n";
  EXPECT_EQ(read(kHead + worst + validation + kNetwork).selection,
            training::Selection::kWorstClean);
  EXPECT_EQ(
      problems(kHead + worst + kNetwork),
      "recipe.toml:7:13: the recipe: selection: the worst epoch is one on validation samples, "
      "expected validation = { samples = 1000 }");
  EXPECT_EQ(problems(kHead + worst + validation + "patience = 2\n" + kNetwork),
            "recipe.toml:9:12: the recipe: patience: stops where no epoch is better any more, "
            "expected selection = \"best_clean\" or \"best_robust\" beside it");
  EXPECT_EQ(problems(kHead + "selection = \"worst\"\n" + validation + kNetwork),
            "recipe.toml:7:13: the recipe: selection: 'worst' is not one of 'last', 'best_clean', "
            "'best_robust', 'worst_clean'");
}

TEST_F(RecipeTest, NetworkAndDataMustFit) {
  EXPECT_EQ(problems(kHead + R"(samples = 70
validation = { samples = 8 }
[network]
architecture = "sequential"
input = [3, 8, 8]
classes = 10
layers = [{ type = "flatten" }, { type = "linear", out = 10 }]
)"),
            "recipe.toml:7:11: the recipe: samples: the training split has 72 samples\n"
            "recipe.toml:11:9: network: input: images of 'quarters' are [1, 8, 8]\n"
            "recipe.toml:12:11: network: classes: 'quarters' has 4");
}

TEST_F(RecipeTest, AnIdIsANameNotAPlace) {
  for (const char* id : {"../x", "/x", "quarters/", ""}) {
    const std::string text =
        std::string(kHead).replace(kHead.find("quarters/x"), 10, id) + kNetwork;
    EXPECT_EQ(problems(text), "recipe.toml:2:6: the recipe: id: '" + std::string(id) +
                                  "' is no name of a model, expected one such as "
                                  "\"fashion-mnist/at\"");
  }
}

TEST_F(RecipeTest, TrainWritesAnEntryThatLoadsAndDeclaresWhatItMeasured) {
  const training::Recipe recipe = training::read_recipe(write(kHead +
                                                              "batch_size = 4\n"
                                                              "validation = { samples = 8 }\n"
                                                              "licence = \"MIT\"\n" +
                                                              kNetwork),
                                                        built_plugins(), registry());
  training::TrainOptions options;
  options.output = registry_folder / "models" / "quarters";
  const training::TrainingResult result = train(recipe, built_plugins(), registry(), options, {});
  ASSERT_TRUE(result.finished);

  const registry::ModelEntry entry = registry().model("quarters/x");
  EXPECT_EQ(entry.sha256, sha256_of_file(entry.weights));
  EXPECT_EQ(entry.training.at("recipe_sha256"), ParamValue(recipe.sha256));
  const auto network = build_network(entry.network, /*seed=*/99);
  load_state(*network, models::read_safetensors(entry.weights), entry.weights.string());
  ASSERT_EQ(entry.accuracy.size(), 1u);
  EXPECT_EQ(entry.accuracy[0].samples, 40);
  EXPECT_EQ(entry.accuracy[0].correct,
            training::count_correct(*network, registry().load("quarters", "test")));
  EXPECT_GT(entry.accuracy[0].correct, 20);  // chance is 10
  // Entry, weights and log, no checkpoint.
  EXPECT_EQ(std::distance(fs::directory_iterator(options.output), fs::directory_iterator()), 3);
}

TEST_F(RecipeTest, AStoppedTrainingIsNotOverwrittenUnasked) {
  const training::Recipe recipe =
      training::read_recipe(write(kHead + kNetwork), built_plugins(), registry());
  training::TrainOptions options;
  options.output = folder.path / "out";
  int epochs = 0;
  training::TrainCallbacks callbacks;
  callbacks.epoch = [&](const training::EpochLog&) { ++epochs; };
  callbacks.stop = [&] { return epochs == 1; };
  EXPECT_FALSE(train(recipe, built_plugins(), registry(), options, callbacks).finished);
  EXPECT_FALSE(fs::exists(options.output / "x.toml"));
  EXPECT_THROW(train(recipe, built_plugins(), registry(), options, {}), BadInput);
  options.resume = true;
  EXPECT_TRUE(train(recipe, built_plugins(), registry(), options, {}).finished);
  EXPECT_TRUE(fs::exists(options.output / "x.toml"));
}

TEST_F(RecipeTest, AFinishedModelIsNotOverwrittenUnasked) {
  training::Recipe recipe =
      training::read_recipe(write(kHead + kNetwork), built_plugins(), registry());
  training::TrainOptions options;
  options.output = folder.path / "out";
  options.resume = true;  // where there is nothing, it begins
  EXPECT_TRUE(train(recipe, built_plugins(), registry(), options, {}).finished);
  EXPECT_TRUE(train(recipe, built_plugins(), registry(), options, {}).found);
  recipe.sha256 = std::string(64, '0');  // another version: not the one that is finished
  for (const bool resume : {false, true}) {
    options.resume = resume;
    EXPECT_THROW(check_output(recipe, options), BadInput);
    EXPECT_THROW(train(recipe, built_plugins(), registry(), options, {}), BadInput);
  }
  options.resume = false, options.overwrite = true;
  EXPECT_FALSE(train(recipe, built_plugins(), registry(), options, {}).found);
}

TEST_F(RecipeTest, FineTuningBeginsWithTheBaseAndItsNewPluginsAtTheirInitialValues) {
  training::TrainOptions options;
  options.output = registry_folder / "models" / "quarters";
  train(training::read_recipe(write(kHead + kNetwork), built_plugins(), registry()),
        built_plugins(), registry(), options, {});
  const auto base = models::read_safetensors(options.output / "x.safetensors");
  std::string head(kHead);
  head.replace(head.find("quarters/x"), 10, "quarters/y");
  head.replace(head.find("learning_rate = 0.1"), 19, "learning_rate = 0");
  const training::Recipe recipe = training::read_recipe(
      write(head + "from = \"quarters/x\"\nlayer_plugins = [{ use = \"pni\", initial = 0.125 }]\n"),
      built_plugins(), registry());
  const training::TrainingResult result = train(recipe, built_plugins(), registry(), options, {});
  auto tuned = models::read_safetensors(result.weights);
  EXPECT_EQ(tuned.at("1.pni.alpha").item<float>(), 0.125f);
  tuned.erase("1.pni.alpha");
  EXPECT_TRUE(same_bits(base, tuned));
  const registry::ModelEntry entry = registry().model("quarters/y");
  EXPECT_EQ(entry.training.at("from"), ParamValue("quarters/x"));
  EXPECT_EQ(entry.training.at("from_sha256"), ParamValue(registry().model("quarters/x").sha256));
  // A recipe without plugins of its own goes on with those of its base.
  head.replace(head.find("quarters/y"), 10, "quarters/z");
  EXPECT_EQ(
      training::read_recipe(write(head + "from = \"quarters/y\"\n"), built_plugins(), registry())
          .layer_plugins.size(),
      1u);
  EXPECT_EQ(problems(head + "from = \"quarters/xx\"\n"),
            "recipe.toml:7:8: from: the registry has no model 'quarters/xx', did you "
            "mean 'quarters/x'?");
}

TEST_F(RecipeTest, ReplicatesAreEntriesThatTellTheirSpread) {
  const std::string text = kHead + "validation = { samples = 8 }\nseeds = [0, 1, 5]\n" + kNetwork;
  const training::Recipe recipe = training::read_recipe(write(text), built_plugins(), registry());
  training::TrainOptions options;
  options.output = registry_folder / "models" / "quarters";
  options.resume = true;
  std::vector<registry::ModelEntry> entries;
  for (const training::Recipe& one : replicates(recipe)) {
    EXPECT_FALSE(train(one, built_plugins(), registry(), options, {}).found);
    entries.push_back(registry().model(one.id));
  }
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[2].id, "quarters/x-seed5");
  EXPECT_NE(entries[0].sha256, entries[1].sha256);
  const std::vector<training::Spread> spread = training::spread_of(entries);
  ASSERT_EQ(spread.size(), 2u);
  EXPECT_EQ(spread[0].what, "test of quarters");
  EXPECT_EQ(spread[1].what, "validation");
  double mean = 0, squares = 0;
  for (const registry::ModelEntry& entry : entries)
    mean += double(entry.accuracy[0].correct) / 40 / 3;
  for (const registry::ModelEntry& entry : entries)
    squares += std::pow(double(entry.accuracy[0].correct) / 40 - mean, 2);
  EXPECT_NEAR(spread[0].mean, mean, 1e-12);
  EXPECT_NEAR(spread[0].deviation, std::sqrt(squares / 2), 1e-12);
  write_spread(entries, spread);
  for (const training::Recipe& one : replicates(recipe)) {
    const ParamMap told = *registry().model(one.id).training.at("replicates").get<ParamMap>();
    EXPECT_EQ(told.at("ids").get<ParamList>()->size(), 3u);
    EXPECT_TRUE(train(one, built_plugins(), registry(), options, {}).found);  // nothing is repeated
  }
  EXPECT_EQ(problems(kHead + "seed = 1\nseeds = [2, 2]\n" + kNetwork),
            "recipe.toml:8:9: the recipe: seeds: stands beside seed, expected one of them\n"
            "recipe.toml:8:9: the recipe: seeds: expected two or more different numbers, such as "
            "[0, 1, 2]");
}

TEST_F(RecipeTest, RefinementsThatMeanNothingAreRefused) {
  EXPECT_EQ(problems(kHead + R"(patience = 3
precision = "float16"
averaging = { type = "swa", from_epoch = 1.5 }
)" + kNetwork),
            "recipe.toml:7:12: the recipe: patience: stops where no epoch is better any more, "
            "expected selection = \"best_clean\" or \"best_robust\" beside it\n"
            "recipe.toml:8:13: the recipe: precision: 'float16' is not one of 'float32', "
            "'bfloat16'; did you mean 'bfloat16'?\n"
            "recipe.toml:9:42: averaging: from_epoch: is too late for 2 epochs, expected at most "
            "1");
  std::string head(kHead);
  head.replace(head.find("learning_rate = 0.1"), 19, "learning_rate = 0.1, warmup_epochs = 2");
  EXPECT_EQ(problems(head + kNetwork),
            "recipe.toml:6:70: schedule: warmup_epochs: are as many as the 2 epochs there are, or "
            "more: expected fewer");
}

TEST_F(RecipeTest, TrainsAnArchitectureThatAPluginBuilds) {
  const fs::path build = std::getenv("GAUNTLET_BUILD_DIR");
  const library::PluginLibrary plugins({build / "plugins", build / "test_plugins"});
  const std::string network =
      "layer_plugins = [{ use = \"pni\" }]\n[network]\narchitecture = "
      "\"two_towers\"\ninput = [1, 8, 8]\nclasses = 4\nwidth = ";
  const training::Recipe recipe =
      training::read_recipe(write(kHead + network + "3\n"), plugins, registry());
  training::TrainOptions options;
  options.output = registry_folder / "models" / "quarters";
  train(recipe, plugins, registry(), options, {});
  std::vector<std::shared_ptr<Defense>> layer_plugins;
  const auto loaded =
      evaluation::load_network(registry().model("quarters/x"), plugins, layer_plugins);
  EXPECT_EQ(loaded->layers().front().weight_shape, (std::vector<int64_t>{3, 1, 3, 3}));
  EXPECT_TRUE(loaded->layers().front().learned.contains("alpha"));
  try {
    training::read_recipe(write(kHead + network + "0\n"), plugins, registry());
    ADD_FAILURE() << "a width of 0 was accepted";
  } catch (const BadInput& error) {
    EXPECT_NE(std::string(error.what()).find("two_towers: width: 0 is not in [1, 64]"),
              std::string::npos)
        << error.what();
  }
}

// Trains models that lend each other their answers.
struct LentModels : RecipeTest {
  const fs::path build = std::getenv("GAUNTLET_BUILD_DIR");
  const library::PluginLibrary plugins{{build / "plugins", build / "test_plugins"}};
  const std::string distilled =
      "method = { use = \"distillation\", teacher = \"quarters/teacher\" }\n";

  training::TrainingResult train_as(const std::string& id, const std::string& more,
                                    training::TrainOptions options = {},
                                    const training::TrainCallbacks& callbacks = {}) const {
    return train_on(id, more + kNetwork, std::move(options), callbacks);
  }
  training::TrainingResult train_on(const std::string& id, const std::string& rest,
                                    training::TrainOptions options = {},
                                    const training::TrainCallbacks& callbacks = {}) const {
    std::string head(kHead);
    head.replace(head.find("quarters/x"), std::string("quarters/x").size(), id);
    const training::Recipe recipe = training::read_recipe(write(head + rest), plugins, registry());
    options.output = registry_folder / "models" / "quarters";
    return train(recipe, plugins, registry(), options, callbacks);
  }
  std::string refusal(const std::function<void()>& action) const {
    try {
      action();
    } catch (const BadInput& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(LentModels, AreInTheIdentityOfWhatTheyTrained) {
  train_as("quarters/teacher", "");
  train_as("quarters/student", distilled);
  const registry::ModelEntry student = registry().model("quarters/student");
  ASSERT_TRUE(student.training.contains("sources"));
  const auto* sources = student.training.at("sources").get<ParamList>();
  ASSERT_TRUE(sources && sources->size() == 1);
  const ParamMap& source = *sources->front().get<ParamMap>();
  EXPECT_EQ(source.at("model"), ParamValue("quarters/teacher"));
  EXPECT_EQ(source.at("sha256"),
            ParamValue(training::model_identity(registry().model("quarters/teacher"))));
  EXPECT_TRUE(train_as("quarters/student", distilled, {.resume = true}).found);
  train_as("quarters/teacher", "seed = 9\n", {.overwrite = true});
  EXPECT_NE(refusal([&] {
              train_as("quarters/student", distilled, {.resume = true});
            }).find("student.toml: is there already"),
            std::string::npos);
}

TEST_F(LentModels, OfACheckpointAreThoseItWasMadeWith) {
  train_as("quarters/teacher", "");
  training::TrainCallbacks callbacks;
  int64_t epochs = 0;
  callbacks.epoch = [&](const training::EpochLog&) { ++epochs; };
  callbacks.stop = [&] { return epochs == 1; };
  EXPECT_FALSE(train_as("quarters/student", distilled, {}, callbacks).finished);
  train_as("quarters/teacher", "seed = 9\n", {.overwrite = true});
  EXPECT_NE(refusal([&] {
              train_as("quarters/student", distilled, {.resume = true});
            }).find("was trained with another model 'quarters/teacher'"),
            std::string::npos);
  train_as("quarters/teacher", "", {.overwrite = true});  // the first one, bit for bit
  EXPECT_TRUE(train_as("quarters/student", distilled, {.resume = true}).finished);
}

TEST_F(LentModels, AreOfTheRegistryAndSeeTheImages) {
  train_as("quarters/teacher", "");
  std::string wrong = distilled;
  wrong.replace(wrong.find("teacher\" }"), 7, "taecher");
  EXPECT_NE(refusal([&] { train_as("quarters/student", wrong); })
                .find("the registry has no model 'quarters/taecher', did you mean "
                      "'quarters/teacher'?"),
            std::string::npos);
  EXPECT_NE(refusal([&] {
              train_as("quarters/student", "method = { use = \"distillation\" }\n");
            }).find("'teacher' is missing, expected the id of a registry model"),
            std::string::npos);
  const fs::path entry = registry_folder / "models" / "quarters" / "teacher.toml";
  std::stringstream text;
  text << std::ifstream(entry).rdbuf();
  std::string other = text.str();
  other.replace(other.find("[1, 8, 8]"), 9, "[1, 4, 8]");
  std::ofstream(entry) << other;
  EXPECT_NE(
      refusal([&] { train_as("quarters/student", distilled); }).find("takes images of [1, 4, 8]"),
      std::string::npos);
}

// A base whose wrapper is trained on.
struct BaseModels : LentModels {
  const std::string worn = "stack = [{ use = \"denoiser\" }]\n";
  const fs::path base = registry_folder / "models" / "quarters" / "base.toml";

  training::TrainingResult tune(training::TrainOptions options) const {
    return train_on("quarters/tuned", "from = \"quarters/base\"\n" + worn, std::move(options));
  }
  std::string tuned_from() const {
    const ParamMap training = registry().model("quarters/tuned").training;
    const auto sum = training.find("from_learned_sha256");
    return sum == training.end() ? "" : *sum->second.get<std::string>();
  }
  bool is_refused() const {
    return refusal([&] { tune({.resume = true}); }).find("tuned.toml: is there already") !=
           std::string::npos;
  }
  std::string text_of_base() const {
    std::stringstream text;
    text << std::ifstream(base).rdbuf();
    return text.str();
  }
};

TEST_F(BaseModels, AreKnownAgainByWhatWasTrainedBesideThem) {
  train_as("quarters/base", worn);
  tune({});
  const registry::LearnedEntry first = registry().model("quarters/base").learned;
  ASSERT_FALSE(first.sha256.empty());
  EXPECT_EQ(tuned_from(), first.sha256);
  EXPECT_TRUE(tune({.resume = true}).found);

  // The same network, another wrapper.
  models::write_safetensors(first.weights, {{"denoiser.kernel", torch::full({1, 1, 3, 3}, 0.01)}});
  const std::string other = sha256_of_file(first.weights);
  std::string text = text_of_base();
  text.replace(text.find(first.sha256), other.size(), other);
  std::ofstream(base) << text;
  EXPECT_TRUE(is_refused());
  EXPECT_FALSE(tune({.overwrite = true}).found);
  EXPECT_EQ(tuned_from(), other);
  EXPECT_TRUE(tune({.resume = true}).found);

  // The same network, and no wrapper any more.
  const size_t from = text.find("\n[learned]"), to = text.find("\n[[accuracy]]");
  ASSERT_TRUE(from < to && to != std::string::npos);
  std::ofstream(base) << text.erase(from, to - from);
  EXPECT_TRUE(is_refused());
  tune({.overwrite = true});
  EXPECT_EQ(tuned_from(), "");
  EXPECT_TRUE(tune({.resume = true}).found);
}

TEST(ToToml, WritesTypeAndUseFirst) {
  EXPECT_EQ(registry::to_toml(ParamMap{{"kernel", 3}, {"type", "conv"}, {"bias", false}}),
            "{ type = \"conv\", bias = false, kernel = 3 }");
  EXPECT_EQ(registry::to_toml(ParamList{1, "a\"b", ParamMap{{"use", "pgd"}}}),
            "[1, \"a\\\"b\", { use = \"pgd\" }]");
}

}  // namespace
}  // namespace gauntlet
