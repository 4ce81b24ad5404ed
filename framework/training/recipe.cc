#include "training/recipe.h"

#include <algorithm>
#include <set>

#include "base/sha256.h"
#include "library/plugin_architecture.h"
#include "models/architectures/build_network.h"
#include "registry/model_entry_writer.h"
#include "registry/registry_entry.h"
#include "suite/names.h"
#include "suite/plugin_checker.h"
#include "suite/radius.h"
#include "toml/toml_reader.h"

namespace gauntlet::training {
namespace {

/// What reading needs everywhere.
struct Context {
  const library::PluginCatalogue& plugins;
  const registry::Registry& registry;
  toml::Problems& problems;
  suite::PluginChecker& checker;
};

bool uses_attack(const Schema& schema) {
  return std::any_of(schema.begin(), schema.end(), [](const ParamSpec& spec) {
    return spec.type == ParamType::kUse || spec.type == ParamType::kUseList;
  });
}

void read_layer_plugins(toml::TableReader& recipe, const Context& context, std::vector<Use>& out) {
  const toml::Toml* list = recipe.list("layer_plugins");
  if (!list) return;
  for (const toml::Toml& item : *list->get<toml::Toml::List>()) {
    const auto use = context.checker.use("defense", item, "layer_plugins");
    if (!use) continue;
    context.checker.check_layer_role(*use, item.position, "layer_plugins");
    out.push_back(*use);
  }
}

// Wrappers that the network wears while it is trained. They are no part of the model: a suite says
// what is evaluated.
void read_stack(toml::TableReader& recipe, const Context& context, std::vector<Use>& out) {
  const toml::Toml* list = recipe.list("stack");
  if (!list) return;
  out = context.checker.stack(*list, "stack");
  for (const Use& use : out) {
    const library::DefenseRoles roles = context.checker.roles(use);
    if (!roles.wraps) continue;  // told already
    if (!roles.learns && (roles.refuses || !(roles.votes || roles.transforms)))
      context.problems.add(list->position,
                           "stack: '" + use.plugin +
                               "' neither changes the input nor learns; expected a plugin that "
                               "does, such as smoothing");
    if (context.checker.wants_fit(use))
      context.problems.add(list->position, "stack: '" + use.plugin +
                                               "' chooses its parameters on validation data, and "
                                               "nothing is fitted in training; expected values");
  }
}

void read_method(toml::TableReader& recipe, const Context& context, Recipe& out) {
  const toml::Toml* table = recipe.table("method");
  if (!table) return;
  out.method = context.checker.use("defense", *table, "method");
  if (!out.method) return;
  if (!context.checker.roles(*out.method).trains)
    context.problems.add(table->position, "method: '" + out.method->plugin +
                                              "' does not train; expected a training method, such "
                                              "as adversarial_training");
  if (uses_attack(context.plugins.schema("defense", out.method->plugin)) && !recipe.has("threat"))
    recipe.missing("threat", "{ norm = \"linf\", epsilon = \"8/255\" }, which the attack of '" +
                                 out.method->plugin + "' needs");
}

void read_groups(toml::TableReader& optimizer, const std::string& what, toml::Problems& problems,
                 std::vector<OptimizerGroup>& out) {
  const toml::Toml* list = optimizer.list("groups");
  if (!list) return;
  for (const toml::Toml& item : *list->get<toml::Toml::List>()) {
    toml::TableReader reader(item, what + ": groups", problems);
    OptimizerGroup group;
    if (reader.require("match", group.match) && group.match.empty())
      reader.problem("match", "is empty, expected patterns such as [\"*.bias\"]");
    double decay = 0;
    if (reader.read("weight_decay", decay, Range{0, 1})) group.weight_decay = decay;
    reader.read("learning_rate_factor", group.learning_rate_factor, Range{0, 1e6});
    reader.finish();
    out.push_back(std::move(group));
  }
}

OptimizerSpec read_optimizer(const toml::Toml& table, const std::string& what,
                             toml::Problems& problems) {
  toml::TableReader reader(table, what, problems);
  OptimizerSpec spec;
  using Type = OptimizerSpec::Type;
  reader.choose("type", spec.type,
                {{"sgd", Type::kSgd}, {"adam", Type::kAdam}, {"adamw", Type::kAdamW}}, true);
  reader.read("weight_decay", spec.weight_decay, Range{0, 1});
  reader.read("learning_rate_factor", spec.learning_rate_factor, Range{0, 1e6});
  if (spec.type == Type::kSgd) {
    reader.read("momentum", spec.momentum, Range{0, 0.9999});
    reader.read("nesterov", spec.nesterov);
    if (spec.nesterov && spec.momentum == 0)
      reader.problem("nesterov", "needs a momentum above 0, such as momentum = 0.9");
  } else {
    reader.read("beta1", spec.beta1, Range{0, 0.999999});
    reader.read("beta2", spec.beta2, Range{0, 0.999999});
    reader.read("epsilon", spec.epsilon, Range{1e-16, 1});
  }
  read_groups(reader, what, problems, spec.groups);
  reader.finish();
  return spec;
}

ScheduleSpec read_schedule(const toml::Toml& table, int64_t epochs, toml::Problems& problems) {
  toml::TableReader reader(table, "schedule", problems);
  ScheduleSpec spec;
  using Type = ScheduleSpec::Type;
  reader.choose("type", spec.type,
                {{"constant", Type::kConstant},
                 {"step", Type::kStep},
                 {"multistep", Type::kMultistep},
                 {"cosine", Type::kCosine},
                 {"one_cycle", Type::kOneCycle}},
                true);
  reader.require("learning_rate", spec.learning_rate, Range{0, 1000});
  const Range part{0, 1};
  switch (spec.type) {
    case Type::kConstant:
      break;
    case Type::kStep:
      reader.require("every", spec.every, Range{1e-6, 1e6});
      reader.read("factor", spec.factor, part);
      break;
    case Type::kMultistep:
      reader.require("milestones", spec.milestones, Range{0, 1e6});
      reader.read("factor", spec.factor, part);
      break;
    case Type::kOneCycle:
      reader.read("warmup", spec.warmup, Range{0, 0.99});
      [[fallthrough]];
    case Type::kCosine:
      reader.read("final_factor", spec.final_factor, part);
      break;
  }
  if (spec.type != Type::kOneCycle &&
      reader.read("warmup_epochs", spec.warmup_epochs, Range{0, 1e4}) &&
      spec.warmup_epochs >= double(epochs))
    reader.problem("warmup_epochs", "are as many as the " + std::to_string(epochs) +
                                        " epochs there are, or more: expected fewer");
  reader.read("start_factor", spec.start_factor, part);
  reader.finish();
  return spec;
}

void read_optimizers(toml::TableReader& recipe, toml::Problems& problems, Recipe& out) {
  if (const toml::Toml* table = recipe.table("optimizer"))
    out.optimizer = read_optimizer(*table, "optimizer", problems);
  else if (!recipe.has("optimizer"))
    recipe.missing("optimizer", "{ type = \"sgd\", momentum = 0.9 } or { type = \"adam\" }");
  if (const toml::Toml* table = recipe.table("optimizers"))
    for (const auto& member : *table->get<toml::Toml::Table>())
      out.optimizers[member.key] =
          read_optimizer(member.value, "optimizer '" + member.key + "'", problems);
  if (const toml::Toml* table = recipe.table("schedule"))
    out.schedule = read_schedule(*table, out.epochs, problems);
  else if (!recipe.has("schedule"))
    recipe.missing("schedule", "{ type = \"one_cycle\", learning_rate = 0.1 }");
}

void read_augmentation(toml::TableReader& recipe, toml::Problems& problems,
                       AugmentationSpec& spec) {
  const toml::Toml* table = recipe.table("augmentation");
  if (!table) return;
  toml::TableReader reader(*table, "augmentation", problems);
  reader.read("crop_padding", spec.crop_padding, Range{0, 64});
  reader.read("flip", spec.flip);
  reader.finish();
}

void read_averaging(toml::TableReader& recipe, toml::Problems& problems, Recipe& out) {
  const toml::Toml* table = recipe.table("averaging");
  if (!table) return;
  toml::TableReader reader(*table, "averaging", problems);
  using Type = AveragingSpec::Type;
  AveragingSpec& spec = out.averaging;
  reader.choose("type", spec.type, kAveragings, true);
  if (spec.type == Type::kEma) reader.read("decay", spec.decay, Range{0, 0.9999999});
  // SWA takes the weights at the ends of epochs, EMA those of each step.
  const double latest = double(out.epochs) - (spec.type == Type::kSwa ? 1 : 0.5);
  if (reader.read("from_epoch", spec.from_epoch, Range{0, 1e4}) && spec.from_epoch > latest)
    reader.problem("from_epoch", "is too late for " + std::to_string(out.epochs) +
                                     " epochs, expected at most " + to_text(latest));
  reader.finish();
}

// None where the registry has no such data set, which is said elsewhere.
std::optional<registry::DatasetEntry> known_data(const std::string& dataset,
                                                 const registry::Registry& registry) {
  const std::vector<std::string> ids = registry.dataset_ids();
  if (!std::binary_search(ids.begin(), ids.end(), dataset)) return {};
  try {
    return registry.dataset(dataset);
  } catch (const BadInput&) {
    return {};
  }
}

std::vector<int64_t> shape_of(const std::string& dataset, const registry::Registry& registry) {
  const std::optional<registry::DatasetEntry> data = known_data(dataset, registry);
  return data ? data->shape : std::vector<int64_t>{};
}

void read_training_threat(toml::TableReader& recipe, const registry::Registry& registry,
                          toml::Problems& problems, Recipe& out) {
  const toml::Toml* table = recipe.table("threat");
  if (!table) return;
  toml::TableReader reader(*table, "threat", problems);
  out.threat = suite::read_threat(reader, "training", shape_of(out.dataset, registry));
  if (!is_ball(out.threat->norm))
    reader.problem("norm", "'" + suite::to_string(out.threat->norm) +
                               "' is a threat to evaluate under, expected linf, l2 or l1, which "
                               "training methods step in");
}

// Of the attack that training runs and of the one that validates.
void check_steps(toml::TableReader& recipe, const registry::Registry& registry, const Recipe& out) {
  if (!out.threat) return;
  const std::vector<int64_t> shape = shape_of(out.dataset, registry);
  const auto check = [&](const char* key, const ParamMap& params) {
    if (const std::string wrong = suite::step_problem(params, {*out.threat}, shape); !wrong.empty())
      recipe.problem(key, wrong);
  };
  if (out.method) check("method", out.method->with);
  if (!out.validation.attack) return;
  ParamMap attack = out.validation.attack->with;
  attack["use"] = out.validation.attack->plugin;
  check("validation", {{"attack", attack}});
}

void read_validation(toml::TableReader& recipe, const Context& context, Recipe& out) {
  recipe.choose("selection", out.selection,
                {{"last", Selection::kLast},
                 {"best_clean", Selection::kBestClean},
                 {"best_robust", Selection::kBestRobust},
                 {"worst_clean", Selection::kWorstClean}});
  if (recipe.read("patience", out.patience, Range{0, 1e6}) && out.patience > 0 &&
      (out.selection == Selection::kLast || out.selection == Selection::kWorstClean))
    recipe.problem("patience",
                   "stops where no epoch is better any more, expected selection = "
                   "\"best_clean\" or \"best_robust\" beside it");
  if (const toml::Toml* table = recipe.table("validation")) {
    toml::TableReader reader(*table, "validation", context.problems);
    reader.require("samples", out.validation.samples, Range{1, 1e9});
    if (const toml::Toml* attack = reader.table("attack")) {
      out.validation.attack = context.checker.use("attack", *attack, "validation: attack");
      if (!recipe.has("threat"))
        recipe.missing("threat",
                       "{ norm = \"linf\", epsilon = \"8/255\" }, which the validation "
                       "attack needs");
    }
    reader.finish();
    if (out.selection == Selection::kBestRobust && !reader.has("attack"))
      recipe.problem("selection", "best_robust needs validation.attack, such as { use = \"pgd\" }");
  } else if (out.selection != Selection::kLast) {
    const std::string which = out.selection == Selection::kWorstClean ? "worst" : "best";
    recipe.problem("selection", "the " + which +
                                    " epoch is one on validation samples, expected "
                                    "validation = { samples = 1000 }");
  }
}

void check_data(toml::TableReader& recipe, const Context& context, const Recipe& out,
                const toml::Toml* network) {
  registry::DatasetEntry data;
  try {
    data = context.registry.dataset(out.dataset);
  } catch (const BadInput& error) {
    recipe.problem("dataset", error.what());
    return;
  }
  const registry::DatasetEntry::Split* train = data.find_split("train");
  if (!train) {
    recipe.problem("dataset", "'" + out.dataset + "' has no training split");
    return;
  }
  if (out.validation.samples + std::max<int64_t>(out.samples, 1) > train->samples)
    recipe.problem(recipe.has("samples") ? "samples" : "validation",
                   "the training split has " + std::to_string(train->samples) + " samples");
  const std::string shape = to_text(ParamValue(ParamList(data.shape.begin(), data.shape.end())));
  if (out.from && (out.network.input != data.shape || out.network.classes != data.classes))
    recipe.problem("from", "'" + out.from->id + "' is no network for images " + shape + " of " +
                               std::to_string(data.classes) + " classes, as '" + out.dataset +
                               "' has them");
  if (!network || out.from) return;
  toml::TableReader reader(*network, "network", context.problems);
  if (out.network.input.size() == 3 && out.network.input != data.shape)
    reader.problem("input", "images of '" + out.dataset + "' are " + shape);
  if (out.network.classes != 0 && out.network.classes != data.classes)
    reader.problem("classes", "'" + out.dataset + "' has " + std::to_string(data.classes));
}

// Builds it once: only an architecture knows its own options.
void check_network(const toml::Toml& network, const Context& context, models::NetworkSpec& spec) {
  try {
    spec = with_architecture(spec, context.plugins);
    models::check_network(spec);
  } catch (const BadInput& error) {
    context.problems.add(network.position, std::string("network: ") + error.what());
  }
}

// Wrappers and a method that the base trained go on from what it learned. A plugin learns once.
void check_learning(toml::TableReader& recipe, const Context& context, const Recipe& out) {
  const auto learns = [&](const Use& use) { return context.checker.roles(use).learns; };
  std::vector<Use> all = out.stack;
  if (out.method) {
    if (learns(*out.method))
      for (const Use& use : out.stack)
        if (use.plugin == out.method->plugin)
          recipe.problem("stack", "'" + use.plugin +
                                      "' is the method, too, which is trained already; expected it "
                                      "in one of them");
    all.push_back(*out.method);
  }
  if (out.from)
    context.checker.check_learned(*out.from, all, recipe.at("from"), "from", /*if_trained=*/true);
}

// Every model that a plugin's parameters name, also through attacks and wrappers inside of it.
void collect_models(const std::string& kind, const Use& use, const Context& context,
                    std::set<std::string>& ids) {
  for (const ParamSpec& spec : context.plugins.schema(kind, use.plugin)) {
    const auto given = use.with.find(spec.name);
    const ParamValue& value = given == use.with.end() ? spec.fallback : given->second;
    std::vector<ModelRef> refs;
    if (spec.type == ParamType::kModel)
      detail::ParamTraits<ModelRef>::assign(refs.emplace_back(), value);
    if (spec.type == ParamType::kModelList)
      detail::ParamTraits<std::vector<ModelRef>>::assign(refs, value);
    for (const ModelRef& ref : refs) {
      if (ref.id.empty()) continue;
      ids.insert(ref.id);
      for (const Use& wrapper : ref.stack) collect_models("defense", wrapper, context, ids);
    }
    for (const Use& inner : uses_of(spec, value))
      if (!inner.plugin.empty()) collect_models("attack", inner, context, ids);
  }
}

void read_models(const Context& context, Recipe& out) {
  if (out.method) collect_models("defense", *out.method, context, out.sources);
  if (out.validation.attack) collect_models("attack", *out.validation.attack, context, out.sources);
  for (const Use& use : out.stack) collect_models("defense", use, context, out.sources);
  std::set<std::string> all = out.sources;
  if (out.from) all.insert(out.from->id);
  for (const std::string& id : all) out.models[id] = model_identity(context.registry.model(id));
}

// Without layer_plugins of its own a recipe goes on with the base's.
void read_base(toml::TableReader& recipe, const Context& context, Recipe& out) {
  std::string id;
  if (!recipe.read("from", id)) return;
  const registry::ModelEntry* base = context.checker.model(id, recipe.at("from"), "from");
  if (!base) return;
  out.from = *base;
  out.network = base->network;
  if (!recipe.has("layer_plugins")) out.layer_plugins = base->layer_plugins;
}

void read_head(toml::TableReader& recipe, Recipe& out) {
  int64_t schema = 0;
  if (recipe.require("schema", schema) && schema != 1)
    recipe.problem("schema", std::to_string(schema) + " is not known, expected 1");
  if (recipe.require("id", out.id)) {
    const std::filesystem::path id(out.id);
    const bool climbs = std::count(id.begin(), id.end(), "..") > 0;
    if (id.empty() || id.is_absolute() || climbs || id.filename().empty())
      recipe.problem("id", "'" + out.id + "' is no name of a model, expected one such as " +
                               "\"fashion-mnist/at\"");
  }
  recipe.read("summary", out.summary);
  recipe.read("licence", out.licence);
  recipe.read("citation", out.citation);
  recipe.require("dataset", out.dataset);
  recipe.read("seed", out.seed, Range{0, 9e15});
  if (recipe.read("seeds", out.seeds, Range{0, 9e15})) {
    const std::set<int64_t> distinct(out.seeds.begin(), out.seeds.end());
    if (recipe.has("seed")) recipe.problem("seeds", "stands beside seed, expected one of them");
    if (distinct.size() != out.seeds.size() || out.seeds.size() < 2)
      recipe.problem("seeds", "expected two or more different numbers, such as [0, 1, 2]");
  }
  recipe.require("epochs", out.epochs, Range{1, 10'000});
  recipe.read("batch_size", out.batch_size, Range{1, 1e6});
  recipe.read("samples", out.samples, Range{0, 1e9});
  recipe.choose("precision", out.precision, kPrecisions);
  recipe.read("gradient_clip", out.gradient_clip, Range{0, 1e9});
}
}  // namespace

std::string model_identity(const registry::ModelEntry& entry) {
  registry::ModelEntry answers;
  answers.network = entry.network, answers.layer_plugins = entry.layer_plugins;
  answers.sha256 = entry.sha256, answers.learned = entry.learned;
  return sha256(registry::model_entry_text(answers));
}

Recipe read_recipe(const std::filesystem::path& file, const library::PluginCatalogue& plugins,
                   const registry::Registry& registry) {
  const toml::Toml toml = toml::read_toml(file);
  if ((toml.find("attack") || toml.find("board")) && !toml.find("epochs"))
    throw BadInput(file.string() +
                   ": is a suite, expected a recipe of training: 'gauntlet run' takes it");
  toml::Problems problems;
  suite::PluginChecker checker(plugins, registry, file.parent_path(), problems);
  checker.allow_inner_keys();
  const Context context{plugins, registry, problems, checker};
  toml::TableReader recipe(toml, "the recipe", problems);
  Recipe out;
  out.file = file;
  out.sha256 = sha256_of_file(file);
  read_head(recipe, out);
  read_optimizers(recipe, problems, out);
  read_augmentation(recipe, problems, out.augmentation);
  read_training_threat(recipe, registry, problems, out);
  const std::optional<registry::DatasetEntry> data = known_data(out.dataset, registry);
  checker.set_data(data ? &*data : nullptr);  // models that are lent see its images
  read_validation(recipe, context, out);
  read_method(recipe, context, out);
  checker.set_data(nullptr);
  check_steps(recipe, registry, out);
  read_layer_plugins(recipe, context, out.layer_plugins);
  read_stack(recipe, context, out.stack);
  read_averaging(recipe, problems, out);
  read_base(recipe, context, out);
  check_learning(recipe, context, out);
  const toml::Toml* network = recipe.table("network");
  if (network && out.from) {
    recipe.problem("network",
                   "stands beside from, whose network is trained on; expected one of "
                   "them");
  } else if (network) {
    const size_t before = problems.size();
    toml::TableReader table(*network, "network", problems);
    out.network = registry::read_network(table);
    if (problems.size() == before) check_network(*network, context, out.network);
  } else if (!recipe.has("network") && !recipe.has("from")) {
    recipe.missing("network",
                   "a table with architecture, input and classes (or from, the model to "
                   "begin with)");
  }
  if (!out.dataset.empty()) check_data(recipe, context, out, network);
  recipe.finish();
  problems.throw_if_any();
  read_models(context, out);
  return out;
}

Recipe read_recipe(const std::filesystem::path& file, const library::PluginLibrary& plugins,
                   const registry::Registry& registry) {
  return read_recipe(file, library::LibraryCatalogue(plugins), registry);
}

}  // namespace gauntlet::training
