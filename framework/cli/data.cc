#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>

#include "base/bad_input.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "registry/obtain.h"
#include "registry/search_path.h"

namespace gauntlet::cli {
namespace {

struct DataFlags {
  Common common;
  std::string id, to, from;
};

bool present(const registry::Registry& registry, const registry::DatasetEntry::Split& split) {
  for (const auto& file : split.files)
    if (!registry.find(file)) return false;
  return true;
}

int list(const DataFlags& flags) {
  const registry::Registry registry = flags.common.open_registry();
  for (const std::string& id : registry.dataset_ids()) {
    const registry::DatasetEntry entry = registry.dataset(id);
    std::string splits;
    for (const auto& split : entry.splits)
      splits += fmt::format("{}{} {}{}", splits.empty() ? "" : ", ", split.samples, split.name,
                            present(registry, split) ? "" : " (absent)");
    say("{:<20} {:<32} {}\n", id, splits, entry.title);
  }
  return kOk;
}

int info(const DataFlags& flags) {
  const registry::Registry registry = flags.common.open_registry();
  const registry::DatasetEntry entry = registry.dataset(flags.id);
  say("{}: {}\nimages: {}, {} classes\nlicence: {}\nhomepage: {}\n", entry.id, entry.title,
      fmt::join(entry.shape, " x "), entry.classes, entry.licence, entry.homepage);
  for (const auto& split : entry.splits)
    for (const auto& file : split.files) {
      const auto found = registry.find(file);
      say("{:<6} {:<32} {}\n", split.name, file.path.filename().string(),
          found ? found->string() : "absent");
    }
  say("\n{}\n", Lines{entry.citation});
  return kOk;
}

// Images that are decoded on demand are known to be whole only once each was decoded.
void decode_all(const data::Dataset& data) {
  constexpr int64_t kBatch = 64;
  if (!data.source) return;
  const auto batch = [&](int64_t from) {
    return torch::arange(from, std::min(from + kBatch, data.size()));
  };
  for (int64_t from = 0; from < data.size(); from += kBatch) {
    const Tensor x = data.x(batch(from));
    if (from + kBatch < data.size()) data.prefetch(batch(from + kBatch));
  }
}

// Whether every file of a split was compared with a sum.
bool proven(const registry::Registry& registry, const registry::DatasetEntry& entry,
            const registry::DatasetEntry::Split& split) {
  return std::all_of(split.files.begin(), split.files.end(), [&](const auto& file) {
    return registry::Registry::verify(entry, file, *registry.find(file));
  });
}

// One split that is absent or wrong says nothing about the others.
int verify(const DataFlags& flags) {
  const registry::Registry registry = flags.common.open_registry();
  const registry::DatasetEntry entry = registry.dataset(flags.id);
  int code = kOk;
  for (const auto& split : entry.splits) {
    try {
      const data::Dataset data = registry.load(entry, split.name);
      decode_all(data);
      for (const std::string& remark : data.remarks) say("{}\n", remark);
      say("{} {}: {} images, {}\n", entry.id, split.name, data.size(),
          proven(registry, entry, split) ? "as published"
                                         : "whole; no published sum to compare them with");
    } catch (const BadInput& error) {
      say(stderr, "{}\n", Lines{error.what()});
      code = kBadInput;
    }
  }
  return code;
}

// One line on a terminal, nothing elsewhere.
std::function<void(int64_t, int64_t)> progress_line() {
  if (!isatty(STDERR_FILENO)) return {};
  return [last = int64_t{-1}](int64_t done, int64_t of) mutable {
    constexpr int64_t kMebi = 1 << 20;
    if (done / kMebi == last) return;
    last = done / kMebi;
    if (of > 0) {
      say(stderr, "\r  {} of {} MiB ({} %) ", last, of / kMebi, 100 * done / of);
    } else {
      say(stderr, "\r  {} MiB ", last);
    }
    std::fflush(stderr);
  };
}

int get(const DataFlags& flags) {
  const registry::Registry registry = flags.common.open_registry(/*makes_data=*/true);
  registry::ObtainOptions options;
  options.to = flags.to.empty() ? registry::writable_data_root(flags.common.data)
                                : std::filesystem::path(flags.to);
  options.from = flags.from;
  options.download.progress = progress_line();
  options.download.stop = &stop_on_signals();
  options.begins = [](const std::string& name, const std::string& what) {
    say(stderr, "\r{}: {}\n", name, what);
  };
  const registry::DatasetEntry entry = registry.dataset(flags.id);
  obtain(registry, entry, options);
  const bool found = std::all_of(entry.splits.begin(), entry.splits.end(),
                                 [&](const auto& split) { return present(registry, split); });
  say("{}: complete{}\n", entry.id,
      found ? ""
            : "; to be found it needs --data " + options.to.string() +
                  " or GAUNTLET_DATA=" + options.to.string());
  return kOk;
}
}  // namespace

void add_data(CLI::App& app, Action& action) {
  auto flags = std::make_shared<DataFlags>();
  CLI::App* command = app.add_subcommand("data", "List, describe, get and verify data sets");
  command->require_subcommand(1);
  const auto sub = [&](const char* name, const char* help, int (*what)(const DataFlags&)) {
    return add_subcommand(*command, name, help, flags, action, what);
  };
  sub("list", "All data sets of the registry", list);
  sub("info", "One data set: where its files lie, licence, citation", info)
      ->add_option("id", flags->id)
      ->required();
  CLI::App* getting =
      sub("get", "Download a data set, or take it from a folder; checked before it is used", get);
  getting->add_option("id", flags->id)->required();
  getting->add_option("--to", flags->to, "Folder of data sets to put it in");
  getting->add_option("--from", flags->from, "Folder that has the files or the archive already");
  sub("verify", "Read a data set whole and compare it with its published sums", verify)
      ->add_option("id", flags->id)
      ->required();
}

}  // namespace gauntlet::cli
