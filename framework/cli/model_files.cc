// models import: a weights file becomes a registry entry. models export: the other way.
#include <fmt/format.h>

#include <fstream>
#include <numeric>

#include "audit/near_chance.h"
#include "base/bad_input.h"
#include "base/sha256.h"
#include "cli/commands.h"
#include "cli/values.h"
#include "cli/words.h"
#include "evaluation/cell.h"
#include "library/plugin_architecture.h"
#include "models/architectures/build_network.h"
#include "models/architectures/load_weights.h"
#include "models/script_network.h"
#include "models/weights/safetensors.h"
#include "models/weights/weights.h"
#include "registry/model_entry_writer.h"
#include "registry/registry_entry.h"
#include "registry/search_path.h"
#include "toml/toml_reader.h"

namespace gauntlet::cli {
namespace {
namespace fs = std::filesystem;

struct ModelFileFlags {
  Common common;
  std::string file, from, output;
  double accuracy = -1;  // in percent; negative: not given
  std::vector<std::string> set;
  registry::ModelEntry entry;
};

void refuse_to_overwrite(const fs::path& file) {
  if (fs::exists(file)) throw BadInput(file.string() + ": is there already; nothing was written");
}

void check_id(const std::string& id) {
  const auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' ||
           c == '/';
  };
  const fs::path path(id);
  if (!std::all_of(id.begin(), id.end(), allowed) || path.lexically_normal().string() != id ||
      path.is_absolute() || !path.has_parent_path() || !path.has_filename() ||
      *path.begin() == "..")
    throw BadInput("--id: '" + id + "' is no name of a model, expected one like cifar10/my-model");
}

// Where the network is as good as guessing, what may be wrong.
void remark_on(double accuracy, evaluation::DefendedModel& model, const data::Dataset& data) {
  if (!audit::near_chance(accuracy, model.classes(), data.size())) return;
  std::vector<int64_t> indices(static_cast<size_t>(data.size()));
  std::iota(indices.begin(), indices.end(), int64_t{0});
  const results::Finding finding = audit::near_chance_finding(
      accuracy, model.classes(), audit::likely_cause(model, data, indices, at::kCPU));
  say(stderr, "{}\n", sentence(finding));
}

// On the test images of the data set, and of the embedded parts of it that are here.
std::vector<registry::DeclaredAccuracy> measure(const std::shared_ptr<models::Network>& network,
                                                const registry::Registry& registry,
                                                const std::string& dataset) {
  evaluation::DefendedModel model(network, {}, {});
  std::vector<registry::DeclaredAccuracy> all;
  for (const std::string& id : registry.dataset_ids()) {
    const registry::DatasetEntry entry = registry.dataset(id);
    const registry::DatasetEntry::Split* split = entry.find_split("test");
    if (!split || (id != dataset && entry.embedded_of != dataset)) continue;
    if (id != dataset && !std::all_of(split->files.begin(), split->files.end(),
                                      [&](const auto& file) { return registry.find(file); }))
      continue;
    const data::Dataset data = registry.load(id, "test");
    const evaluation::CleanCount count = count_right(model, data, data.size());
    all.push_back({id, "test", data.size(), count.right});
    say("right on {:.2f} % of the {} test images of {}{}\n",
        100.0 * double(count.right) / double(data.size()), data.size(), id,
        count.random ? ", in one draw of its random numbers" : "");
    remark_on(double(count.right) / double(data.size()), model, data);
  }
  return all;
}

// How far a measured share, in percent, may lie from a declared one: what was rounded, and images
// that other processors decide otherwise.
bool fits(double percent, double declared, int64_t samples) {
  constexpr double kRounded = 0.1, kImages = 2;
  return std::abs(percent - declared) <= kRounded + 100 * kImages / double(samples);
}

// What a state dict does not hold and only accuracy tells: tries other epsilons of batch norm.
// Returns a sentence.
std::string epsilon_that_fits(const ModelFileFlags& flags, registry::ModelEntry entry,
                              const library::PluginLibrary& plugins, const data::Dataset& data) {
  constexpr const char* kEpsilon = "batchnorm_eps";
  if (entry.network.options.contains(kEpsilon)) return "";
  for (const double epsilon : {1e-3, 1e-4, 2e-5, 1e-6}) {  // Keras, Caffe, MXNet, Flax
    entry.network.options[kEpsilon] = epsilon;
    const std::shared_ptr<models::Network> network =
        build_network(with_architecture(entry.network, library::LibraryCatalogue(plugins)));
    load_weights(*network, flags.file, flags.from);
    evaluation::DefendedModel model(network, {}, {});
    const double percent =
        100.0 * double(count_right(model, data, data.size()).right) / double(data.size());
    if (fits(percent, flags.accuracy, data.size()))
      return fmt::format("; with {0} = {1} it is {2:.2f} %: give --set {0}={1}", kEpsilon,
                         to_text(epsilon), percent);
  }
  return "; no usual epsilon of batch norm makes it so: see mean and std, the order of "
         "channels and of classes, and the options of the architecture";
}

// Throws BadInput unless the network is as good as its makers say.
void check_accuracy(const ModelFileFlags& flags, const registry::ModelEntry& entry,
                    const models::Network& network, const library::PluginLibrary& plugins,
                    const registry::Registry& registry) {
  if (flags.accuracy < 0) return;
  const auto measured =
      std::find_if(entry.accuracy.begin(), entry.accuracy.end(),
                   [&](const registry::DeclaredAccuracy& a) { return a.dataset == entry.dataset; });
  if (measured == entry.accuracy.end())
    throw BadInput("--accuracy: data set '" + entry.dataset + "' has no test images");
  const double percent = 100.0 * double(measured->correct) / double(measured->samples);
  if (fits(percent, flags.accuracy, measured->samples)) return;
  throw BadInput(fmt::format(
      "--accuracy {}: the network is right on {:.2f} % of the test images of {}{}",
      to_text(flags.accuracy), percent, entry.dataset,
      has_batch_norm(network) && entry.network.architecture != models::kTorchScript
          ? epsilon_that_fits(flags, entry, plugins, registry.load(entry.dataset, "test"))
          : std::string("; see mean and std, the order of channels and of classes")));
}

void write_weights(const registry::ModelEntry& entry, const models::Network& network,
                   const fs::path& original) {
  if (entry.network.architecture == models::kTorchScript) {
    fs::copy_file(original, entry.weights);
    return;
  }
  std::map<std::string, Tensor> tensors;
  for (const models::NamedTensor& named : network.tensors())
    tensors[named.name] = named.tensor.detach();
  models::write_safetensors(entry.weights, tensors, {{"id", entry.id}});
}

int import_model(const ModelFileFlags& flags) {
  flags.common.apply_threads();
  const library::PluginLibrary plugins = flags.common.plugins();
  const registry::Registry registry = flags.common.open_registry();
  registry::ModelEntry entry = flags.entry;
  check_id(entry.id);
  const registry::DatasetEntry data = registry.dataset(entry.dataset);
  entry.network.input = data.shape, entry.network.classes = data.classes;
  entry.network.options = values_of("--set", flags.set);
  const fs::path registry_folder = flags.common.registry.empty() ? registry::default_registry()
                                                                 : fs::path(flags.common.registry);
  const fs::path folder = flags.output.empty()
                              ? registry_folder / "models" / fs::path(entry.id).parent_path()
                              : fs::path(flags.output);
  const std::string name = fs::path(entry.id).filename().string();
  const bool script = entry.network.architecture == models::kTorchScript;
  entry.entry_file = folder / (name + ".toml");
  entry.weights = folder / (name + (script ? ".pt" : ".safetensors"));
  refuse_to_overwrite(entry.entry_file);
  refuse_to_overwrite(entry.weights);

  const std::shared_ptr<models::Network> network =
      build_network(with_architecture(entry.network, library::LibraryCatalogue(plugins)));
  say("read as {}\n", load_weights(*network, flags.file, flags.from));
  entry.accuracy = measure(network, registry, entry.dataset);
  check_accuracy(flags, entry, *network, plugins, registry);

  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) throw BadInput(folder.string() + ": cannot be made: " + failed.message());
  try {
    write_weights(entry, *network, flags.file);
    entry.sha256 = sha256_of_file(entry.weights);
    std::ofstream out(entry.entry_file, std::ios::binary);
    out << model_entry_text(entry);
    out.close();
    if (!out) throw BadInput(entry.entry_file.string() + ": cannot be written");
  } catch (...) {
    fs::remove(entry.weights, failed);
    fs::remove(entry.entry_file, failed);
    throw;
  }
  say("{}\n{}\n", entry.entry_file.string(), entry.weights.string());
  return kOk;
}

int export_model(const ModelFileFlags& flags) {
  refuse_to_overwrite(flags.output);
  const library::PluginLibrary plugins = flags.common.plugins();
  const registry::ModelEntry entry = flags.common.open_registry().model(flags.entry.id);
  if (entry.network.architecture == models::kTorchScript)
    throw BadInput("model '" + entry.id + "' is a TorchScript program, not a state dict; copy " +
                   entry.weights.string());
  std::vector<std::shared_ptr<Defense>> layer_plugins;
  const auto network = evaluation::load_network(entry, plugins, layer_plugins);
  registry::ModelEntry out = entry;
  out.weights = flags.output;
  write_weights(out, *network, {});
  say("{}\n", flags.output);
  return kOk;
}
}  // namespace

void add_model_files(CLI::App& models, Action& action) {
  auto in = std::make_shared<ModelFileFlags>();
  CLI::App* command = add_subcommand(
      models, "import", "Make a weights file (safetensors, PyTorch, TorchScript) a registry entry",
      in, action, import_model);
  registry::ModelEntry& entry = in->entry;
  command->add_option("file", in->file, "The weights")->required();
  command->add_option("--id", entry.id, "Its name: cifar10/my-model")->required();
  command->add_option("--architecture", entry.network.architecture, "resnet20, torchscript, …")
      ->required();
  command->add_option("--dataset", entry.dataset, "What it was trained for")->required();
  command->add_option("--mean", entry.network.mean, "A value a channel: 0.49,0.48,0.45")
      ->delimiter(',')
      ->transform(pixels(registry::kMeans.min, registry::kMeans.max))
      ->allow_extra_args(false);
  command->add_option("--std", entry.network.std, "A value a channel")
      ->delimiter(',')
      ->transform(pixels(registry::kDeviations.min, registry::kDeviations.max))
      ->allow_extra_args(false);
  command->add_option("--from", in->from, "Where in a checkpoint the weights are: ema.state_dict");
  command
      ->add_option("--accuracy", in->accuracy,
                   "Percent of the test images that its makers say it is right on. Where that is "
                   "not so nothing is written, and usual epsilons of batch norm are tried")
      ->transform(real(0, 100));
  command
      ->add_option("--set", in->set,
                   "An option of the architecture, KEY=VALUE. The file cannot tell batchnorm_eps "
                   "(0.001 where it was ported from Keras or TensorFlow), mean and std, and "
                   "options such as shortcut_from")
      ->allow_extra_args(false);
  command->add_option("--summary", entry.summary, "One line");
  command->add_option("--licence", entry.licence, "Of the weights");
  command->add_option("--citation", entry.citation, "Who made them");
  command->add_option("--output", in->output, "Folder for the entry and its weights");

  auto out = std::make_shared<ModelFileFlags>();
  command = add_subcommand(models, "export", "Write a model's weights as one safetensors file", out,
                           action, export_model);
  command->add_option("id", out->entry.id)->required();
  command->add_option("--output", out->output, "The file")->required();
}

}  // namespace gauntlet::cli
