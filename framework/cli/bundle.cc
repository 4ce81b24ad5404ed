#include <fmt/format.h>

#include "base/bad_input.h"
#include "bundle/pack.h"
#include "bundle/verify.h"
#include "cli/board_entries.h"
#include "cli/commands.h"
#include "toml/toml_reader.h"

namespace gauntlet::cli {
namespace {

struct PackFlags {
  Common common;
  std::string folder, output, about;
};

// authors, contact, link, description and bibtex of a TOML file.
boards::BoardAuthors read_about(const std::string& file) {
  boards::BoardAuthors about;
  if (file.empty()) return about;
  const toml::Toml text = toml::read_toml(file);
  toml::Problems problems;
  toml::TableReader reader(text, "the authors", problems);
  reader.read("authors", about.authors);
  reader.read("contact", about.contact);
  reader.read("link", about.link);
  reader.read("description", about.description);
  reader.read("bibtex", about.bibtex);
  reader.finish();
  problems.throw_if_any();
  return about;
}

int pack_run(const PackFlags& flags) {
  const results::Store store = open_results(flags.folder);
  const std::filesystem::path output =
      flags.output.empty() ? store.folder() / "bundle.zip" : std::filesystem::path(flags.output);
  const bundle::Packed packed = bundle::pack(store, read_about(flags.about), flags.common.plugins(),
                                             flags.common.open_registry(), output);
  say("{}", Lines{entries_table(packed.entries)});
  say("\nbundle: {}\nSHA-256: {}\n", output.string(), packed.sha256);
  return kOk;
}

struct VerifyFlags {
  Common common;
  std::string file, device = "cpu";
  bool tables = false;
};

int verify_file(const VerifyFlags& flags) {
  flags.common.apply_threads();
  const bundle::BundleFile bundle(flags.file);
  bundle::VerifyOptions options;
  options.device = device_of(flags.device);
  options.threads_of_entry = flags.common.may_choose_threads();
  options.model = !flags.tables;
  const bundle::Verification found =
      verify(bundle, flags.common.plugins(), flags.common.open_registry(), options);
  return report(bundle, found);
}
}  // namespace

void add_bundle(CLI::App& app, Action& action) {
  auto flags = std::make_shared<PackFlags>();
  CLI::App* command = app.add_subcommand(
      "bundle", "Pack a run on a board, with all that its claims can be recomputed from");
  command->add_option("run", flags->folder, "Folder of the run")->required();
  command->add_option("--output", flags->output,
                      "The .zip file; default: bundle.zip in the folder");
  command->add_option("--about", flags->about,
                      "TOML file with authors, contact, link, description, bibtex");
  flags->common.add_to(*command);
  command->callback([&action, flags] { action = [flags] { return pack_run(*flags); }; });
}

void add_verify(CLI::App& app, Action& action) {
  auto flags = std::make_shared<VerifyFlags>();
  CLI::App* command =
      app.add_subcommand("verify", "Recompute every claim of a bundle and name what does not hold");
  command->add_option("bundle", flags->file, "The .zip file")->required();
  command->add_flag("--tables", flags->tables, "From the tables alone, asking no model");
  command->add_option("--device", flags->device, "Where to compute")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  flags->common.add_to(*command);
  command->callback([&action, flags] { action = [flags] { return verify_file(*flags); }; });
}

}  // namespace gauntlet::cli
