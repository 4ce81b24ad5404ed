// Data sets of the registry whose files are here: as their entries declare them.
#include <gtest/gtest.h>

#include "external.h"
#include "registry/registry.h"

namespace gauntlet::testing {
namespace {
registry::Registry registry() {
  return registry::Registry(source_dir() / "registry",
                            {external("GAUNTLET_DATA", "data"), "/usr/share/datasets"});
}
bool here(const registry::Registry& registry, const registry::DatasetEntry::Split& split) {
  return std::all_of(split.files.begin(), split.files.end(),
                     [&](const auto& file) { return registry.find(file).has_value(); });
}

TEST(DataSets, LoadAsDeclared) {
  const registry::Registry all = registry();
  int loaded = 0;
  for (const std::string& id : all.dataset_ids())
    for (const registry::DatasetEntry::Split& split : all.dataset(id).splits) {
      if (!here(all, split)) continue;
      const data::Dataset data = all.load(id, split.name);
      EXPECT_EQ(data.size(), split.samples) << id;
      EXPECT_EQ(data.sha256.size(), 64u) << id;
      EXPECT_EQ(data.labels.max().item<int64_t>() + 1, int64_t(data.class_names.size())) << id;
      ++loaded;
    }
  EXPECT_GE(loaded, 1) << "fashion-mnist-1k lies in the registry itself";
}

TEST(DataSets, HaveTitleLicenceAndCitation) {
  const registry::Registry all = registry();
  for (const std::string& id : all.dataset_ids()) {
    const registry::DatasetEntry entry = all.dataset(id);
    for (const std::string* text : {&entry.title, &entry.licence, &entry.citation, &entry.homepage})
      EXPECT_FALSE(text->empty()) << id;
  }
}

}  // namespace
}  // namespace gauntlet::testing
