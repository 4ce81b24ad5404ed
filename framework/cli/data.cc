#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/commands.h"

namespace gauntlet::cli {
namespace {

struct Flags {
  Common common;
  std::string id;
};

bool present(const Registry& registry, const DatasetEntry::Split& split) {
  for (const auto& file : split.files)
    if (!registry.find(file)) return false;
  return true;
}

int list(const Flags& flags) {
  const Registry registry = flags.common.open_registry();
  for (const std::string& id : registry.dataset_ids()) {
    const DatasetEntry entry = registry.dataset(id);
    std::string splits;
    for (const auto& split : entry.splits)
      splits += fmt::format("{}{} {}{}", splits.empty() ? "" : ", ", split.samples, split.name,
                            present(registry, split) ? "" : " (absent)");
    fmt::print("{:<20} {:<32} {}\n", id, splits, entry.title);
  }
  return kOk;
}

int info(const Flags& flags) {
  const Registry registry = flags.common.open_registry();
  const DatasetEntry entry = registry.dataset(flags.id);
  fmt::print("{}: {}\nimages: {}, {} classes\nlicence: {}\nhomepage: {}\n", entry.id, entry.title,
             fmt::join(entry.shape, " x "), entry.classes, entry.licence, entry.homepage);
  for (const auto& split : entry.splits)
    for (const auto& file : split.files) {
      const auto found = registry.find(file);
      fmt::print("{:<6} {:<32} {}\n", split.name, file.path.filename().string(),
                 found ? found->string() : "absent");
    }
  fmt::print("\n{}\n", entry.citation);
  return kOk;
}

int verify(const Flags& flags) {
  const Registry registry = flags.common.open_registry();
  for (const auto& split : registry.dataset(flags.id).splits) {
    const Dataset data = registry.load(flags.id, split.name);
    fmt::print("{} {}: {} images, as published\n", flags.id, split.name, data.size());
  }
  return kOk;
}
}  // namespace

void add_data(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("data", "List, describe and verify data sets");
  command->require_subcommand(1);
  const auto sub = [&](const char* name, const char* help, int (*what)(const Flags&)) {
    return add_subcommand(*command, name, help, flags, action, what);
  };
  sub("list", "All data sets of the registry", list);
  sub("info", "One data set: where its files lie, licence, citation", info)
      ->add_option("id", flags->id)
      ->required();
  sub("verify", "Read a data set whole and compare it with its published sums", verify)
      ->add_option("id", flags->id)
      ->required();
}

}  // namespace gauntlet::cli
