// Suites over the attacks and defenses that cheat (tests/bad_plugins), around a network that falls
// to any attack.
#pragma once
#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "suite/read_suite.h"
#include "tests/support/laboratory_fixture.h"
#include "tests/support/text_of.h"

namespace gauntlet::testing {

/// A row is named after what its defense does wrong.
struct CheatingRow {
  std::string plugin, how;
  std::string name() const { return how == "nothing" ? plugin : how; }
};

class CheatsSuite {
 public:
  static constexpr int64_t kSamples = 60;

  CheatsSuite() {  // of each image its bytes, then its label
    const data::Dataset data = registry_.load("fashion-mnist-1k", "test");
    const Tensor images = data.images.slice(0, 0, kSamples).flatten(1),
                 labels = data.labels.slice(0, 0, kSamples).to(torch::kByte).unsqueeze(1),
                 all = torch::cat({images, labels}, 1).contiguous();
    std::ofstream(table(), std::ios::binary)
        .write(static_cast<const char*>(all.const_data_ptr()), int64_t(all.nbytes()));
  }

  std::string row(const CheatingRow& row) const {
    const bool layers = row.plugin == "cheating_layers";
    const std::string use =
        fmt::format("{{ use = \"{}\", how = \"{}\"{} }}", row.plugin, row.how,
                    layers ? fmt::format(", table = \"{}\"", table().string()) : std::string());
    return fmt::format(R"(
[[defense]]
name = "{}"
stack = [{}]
[defense.model]
architecture = "sequential"
weights = "{}"
input = [1, 28, 28]
classes = 10
mean = [0.286]
std = [0.353]
layer_plugins = [{}]
layers = [
  {{ type = "conv", bias = false, kernel = 4, out = 16, padding = 1, stride = 2 }},
  {{ type = "batchnorm" }}, {{ type = "relu" }},
  {{ type = "conv", bias = false, kernel = 4, out = 32, padding = 1, stride = 2 }},
  {{ type = "batchnorm" }}, {{ type = "relu" }}, {{ type = "flatten" }},
  {{ type = "linear", out = 100 }}, {{ type = "relu" }}, {{ type = "linear", out = 10 }},
]
)",
                       row.name(), layers ? "" : use,
                       (source() / "registry/models/fashion-mnist/standard.safetensors").string(),
                       layers ? use : "");
  }

  std::filesystem::path write(const std::string& name, const std::string& attacks,
                              const std::string& rows, int64_t offset = 0) const {
    const std::filesystem::path file = folder_ / (name + ".toml");
    std::ofstream(file) << fmt::format(
        "schema = 1\nname = \"{}\"\nseeds = [0]\n"
        "data = {{ dataset = \"fashion-mnist-1k\", samples = {}, offset = {} }}\n"
        "scoring = {{ trials = 2 }}\nthreat.linf = {{ norm = \"linf\", epsilon = 0.1 }}\n"
        "[attack]\n{}{}",
        name, kSamples, offset, attacks, rows);
    return file;
  }

  /// By row, then by column.
  using Records = std::map<std::string, std::map<std::string, results::CellRecord>>;
  Records run_suite_of(const std::string& name, const std::string& attacks, const std::string& rows,
                       int64_t offset = 0) const {
    const results::Store::Run done =
        run(suite::read_suite(write(name, attacks, rows, offset), {}, plugins_, registry_),
            plugins_, registry_, folder_ / name, {});
    Records out;
    for (const results::CellRecord& cell : done.cells) out[cell.defense][cell.attack] = cell;
    return out;
  }

  /// What the program prints; its exit code where it is wanted.
  std::string said(const std::string& arguments, int* code = nullptr) const {
    const std::filesystem::path out = folder_ / "said";
    const int status =
        std::system(fmt::format("'{}' {} > '{}' 2> '{}.err'", (build() / "gauntlet").string(),
                                arguments, out.string(), out.string())
                        .c_str());
    if (code) *code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return text_of(out);
  }

  static std::filesystem::path build() { return from_environment("GAUNTLET_BUILD_DIR"); }
  static std::filesystem::path source() { return from_environment("GAUNTLET_SOURCE_DIR"); }
  std::filesystem::path folder() const { return folder_; }
  const library::PluginLibrary& plugins() const { return plugins_; }

 private:
  std::filesystem::path table() const { return folder_ / "table.bin"; }

  TemporaryFolder folder_;
  const registry::Registry registry_{source() / "registry", {}};
  const library::PluginLibrary plugins_{{build() / "plugins", build() / "cheats"}};
};

}  // namespace gauntlet::testing
