#include "evaluation/trace.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <set>

#include "base/bad_input.h"
#include "base/write_atomically.h"
#include "cli/commands.h"
#include "cli/words.h"
#include "reports/drawing/plot.h"
#include "suite/names.h"
#include "suite/read_suite.h"

namespace gauntlet::cli {
namespace {

struct TraceFlags {
  Common common;
  std::string suite, output = "trace.svg";
  suite::SuiteOptions options;
  int64_t images = 8;
};

// The one combination there is; several are a question to the user.
template <class Item>
const Item& only_one(const std::vector<Item>& items, const char* kind) {
  if (items.size() == 1) return items.front();
  std::set<std::string> names;
  for (const Item& item : items) names.insert(item.name);
  throw BadInput(
      fmt::format("trace shows one {0}, the suite has {1}: {2}; choose with --only {0}=…", kind,
                  items.size(), fmt::join(names, ", ")));
}

std::string plot_of(const evaluation::Trace& trace, Goal goal) {
  reports::Panel loss{"cross-entropy", {}},
      gap{goal == Goal::kUntargeted ? "margin (above 0: misclassified)"
                                    : "margin (above 0: goal reached)",
          {}},
      distance{fmt::format("distance ({})", trace.threat.norm), {}, /*from_zero=*/true};
  for (const evaluation::ImageTrace& image : trace.images) {
    const std::string name = fmt::format("image {}, class {}", image.index, image.label);
    const auto add = [&](reports::Panel& panel, double evaluation::TracePoint::*value) {
      reports::Series& series = panel.series.emplace_back(reports::Series{name, {}});
      for (const evaluation::TracePoint& p : image.points)
        series.points.emplace_back(p.query, p.*value);
    };
    add(loss, &evaluation::TracePoint::loss), add(gap, &evaluation::TracePoint::margin);
    add(distance, &evaluation::TracePoint::distance);
  }
  int64_t last = 1;
  for (const evaluation::ImageTrace& image : trace.images)
    for (const evaluation::TracePoint& p : image.points) last = std::max(last, p.query);
  distance.series.push_back({"epsilon",
                             {{1, trace.threat.epsilon}, {double(last), trace.threat.epsilon}},
                             /*reference=*/true});
  return reports::plot_svg("query", {loss, gap, distance}, /*standalone=*/true);
}

// Before the attack runs, which may take long.
void check_output(const std::filesystem::path& picture) {
  if (picture.extension() == ".csv")
    throw BadInput("--output: " + picture.string() +
                   " would be replaced by the table beside the picture, expected a name such as "
                   "trace.svg");
  const auto folder = picture.has_parent_path() ? picture.parent_path() : ".";
  if (!std::filesystem::is_directory(folder))
    throw BadInput("--output: there is no folder " + folder.string());
}

void tell(const evaluation::ImageTrace& image) {
  const char* answer = !image.clean_right   ? "wrong without an attack"
                       : image.robust_right ? "withstood"
                                            : "fooled";
  std::string state = fmt::format("{:>10} {:>10} {:>10}", "—", "—", "—");
  if (!image.points.empty()) {
    const evaluation::TracePoint& last = image.points.back();
    state = fmt::format("{:>10.4f} {:>10.4f} {:>10.5f}", last.loss, last.margin, last.distance);
  }
  say("{:>7} {:>6} {:>8} {}  {}\n", image.index, image.label, image.points.size(), state, answer);
}

int run(const TraceFlags& flags) {
  check_output(flags.output);
  flags.common.apply_threads();
  const library::PluginLibrary plugins = flags.common.plugins();
  const registry::Registry registry = flags.common.open_registry();
  const suite::Suite suite = suite::read_suite(flags.suite, flags.options, plugins, registry);
  const suite::DefenseSpec& defense = only_one(suite.defenses, "defense");
  const suite::AttackSpec& attack = only_one(suite.attacks, "attack");
  const suite::ThreatSpec& threat = only_one(suite.threats, "threat");
  const data::Dataset data = registry.load(suite.data.entry, suite.data.split);
  std::vector<int64_t> indices = suite.data.indices;
  indices.resize(std::min(indices.size(), size_t(flags.images)));
  evaluation::Laboratory lab(plugins, registry, at::kCPU);
  lab.probe_with(data);
  lab.lend_samples_of(suite.data.entry, suite.data.split);
  const evaluation::Trace seen = evaluation::trace(
      {suite.scoring, defense, attack, threat, suite.seeds.front(), data, indices}, lab);
  say("{} against {}, {}\n{:>7} {:>6} {:>8} {:>10} {:>10} {:>10}  {}\n", attack.name, defense.name,
      suite::threat_text(threat.norm, threat.epsilon_text), "image", "class", "queries", "loss",
      "margin", "distance", "answer");
  for (const evaluation::ImageTrace& image : seen.images) tell(image);
  const std::filesystem::path picture(flags.output);
  write_atomically(picture, plot_of(seen, attack.host.goal));
  const auto table = std::filesystem::path(picture).replace_extension(".csv");
  write_atomically(table, to_csv(seen));
  say("{}\n{}\n", picture.string(), table.string());
  return kOk;
}
}  // namespace

void add_trace(CLI::App& app, Action& action) {
  auto flags = std::make_shared<TraceFlags>();
  CLI::App* command = app.add_subcommand(
      "trace", "Show loss, margin and distance of one attack, query by query, on a few images");
  command->add_option("suite", flags->suite, "The suite's TOML file")->required();
  command
      ->add_option("--set", flags->options.set,
                   "Change a value: path=value, such as attack.pgd.steps=50")
      ->allow_extra_args(false);
  command
      ->add_option("--only", flags->options.only,
                   "Which combination: defense=PATTERN,attack=PATTERN,threat=PATTERN")
      ->allow_extra_args(false);
  command->add_option("--images", flags->images, "How many of the suite's images")
      ->transform(whole(1, 1000));
  command->add_option("--output", flags->output,
                      "Picture (SVG); a table is written beside it (CSV)");
  flags->common.add_to(*command);
  command->callback([&action, flags] { action = [flags] { return run(*flags); }; });
}

}  // namespace gauntlet::cli
