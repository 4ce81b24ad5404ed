// The words of all findings, in the order in which a record has them.
#include <fmt/args.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "results/finding.h"

namespace gauntlet::results {
namespace {

struct Words {
  const char *code, *text;
};

// {NAME} is a figure, {NAME_percent} a share in percent.
constexpr Words kWords[] = {
    // Of queries (evaluation/findings.cc).
    {"zero_gradients",
     "every gradient was exactly 0 for {samples} of {of} attacked samples: gradients may be "
     "masked"},
    {"saturated",
     "a loss or gradient was exactly 0, which tells an attack nothing, for {samples} of {of} "
     "attacked samples ({again} attacked again on the margin loss, a hair inside the box: {fell} "
     "fell)"},
    {"saturated_reported",
     "a loss or gradient was exactly 0, which tells an attack nothing, for {samples} of {of} "
     "attacked samples that withstood (not attacked again: saturation = \"report\")"},
    {"masked_bounds",
     "no pixel on a bound of the box had a gradient, though most others had, for {samples} of {of} "
     "attacked samples ({again} attacked again on the margin loss, a hair inside the box: {fell} "
     "fell)"},
    {"masked_bounds_reported",
     "no pixel on a bound of the box had a gradient, though most others had, for {samples} of {of} "
     "attacked samples that withstood (not attacked again: saturation = \"report\")"},
    {"not_finite",
     "losses or gradients were not finite (NaN or infinite) for {samples} of {of} attacked samples "
     "that withstood"},
    {"source_saturated",
     "every loss or gradient of the transfer source was exactly 0 for {samples} of {of} attacked "
     "samples that withstood"},
    {"unchanged",
     "the adversarial input equals the clean one for {samples} of {of} attacked samples"},
    {"refuted", "{hits} hits seen while attacking were not confirmed by the judge"},
    // Of the defense.
    {"faulty_answers",
     "the defense gave values that are not finite (NaN or infinite) for {clean} of {of} clean "
     "inputs and {adversarial} adversarial ones: an error of the defense, and never a right "
     "answer"},
    {"remark", "{text}"},
    {"own_randomness",
     "the defense draws random numbers of its own: asked twice on the same noise it answers "
     "differently"},
    {"coupled_rows",
     "answers depend on the other images of a batch: measured in batches of {batch_size}"},
    {"uneven_draws",
     "images share draws of noise, and the attack asks about some more often than about others: "
     "which draws it saw depends on the others of a batch of {batch_size}"},
    {"images_only",
     "images share draws of noise, and {trials} trials are too few to speak of draws: the interval "
     "is over images only (scoring.trials = {least} or more)"},
    // What plugins changed of the process (evaluation/process_state.cc).
    {"drew_numbers", "{who} drew from {what}: its numbers depend on more than the seed"},
    {"forked", "{who} began {what} (it forked), which was ended"},
    {"lowered_limits", "{who} lowered {what}: only root may raise them again"},
    {"changed_process", "{who} changed {what}, which was put back"},
    // Clean accuracy near chance (audit/near_chance.cc).
    {"near_chance",
     "clean accuracy of {accuracy_percent:.1f} % is near chance ({chance_percent:.1f} %): check "
     "mean and std (of pixels in [0, 1], not swapped), the order of channels (RGB) and of labels, "
     "and whether images are scaled or clipped as in training"},
    {"near_chance_of_stack",
     "clean accuracy of {accuracy_percent:.1f} % is near chance ({chance_percent:.1f} %): the bare "
     "network is right on {bare_percent:.1f} % of {images} images, its stack or noise takes the "
     "rest"},
    {"near_chance_unless",
     "clean accuracy of {accuracy_percent:.1f} % is near chance ({chance_percent:.1f} %): the bare "
     "network is right on {bare_percent:.1f} % of {images} images {change}"},
    // Of a worst case (evaluation/worst_case.cc).
    {"lowest_of_draws",
     "answers are drawn, and of {attacks} attacks the one that was lowest on an image is counted "
     "by the same draws: the worst case lies too low (scoring.trials = {least} or more)"},
    // Of a row, in records of before audits (audit/row_checks.cc).
    {"beaten_without_gradients",
     "{attack} leaves {accuracy_percent:.1f} %, {other}, without gradients of the defense, "
     "{other_accuracy_percent:.1f} % of the same images: its steps fall short, or gradients are "
     "masked"},
    {"beaten_with_less",
     "{attack} leaves {accuracy_percent:.1f} %, {other}, with less of the same, "
     "{other_accuracy_percent:.1f} % of the same images: its steps fall short, or gradients are "
     "masked"},
    {"beaten_with_one_gradient",
     "{attack} leaves {accuracy_percent:.1f} %, {other}, with a single gradient, "
     "{other_accuracy_percent:.1f} % of the same images: its steps fall short, or gradients are "
     "masked"},
    {"single_draws",
     "attacked on single draws of its noise alone: gradients averaged over several (draws = 8) may "
     "find more"},
    // Of certificates (evaluation/certify.cc, execution/run_suite.cc).
    {"contradicted",
     "{attack} under {threat} changed the answer inside the certified radius of {changed} of "
     "{certified} images ({images}), where about {expected:.2g} certificates may fail"},
    {"not_held_against", "not held against {attack} under {threat}: {why}"},
};

const Words* words_of(const std::string& code) {
  return std::find_if(std::begin(kWords), std::end(kWords),
                      [&](const Words& words) { return words.code == code; });
}

// "code (figure = 3, other = x)"
std::string bare_text(const Finding& finding) {
  std::string figures;
  for (const auto& [name, figure] : finding.figures)
    figures += (figures.empty() ? "" : ", ") + name + " = " +
               std::visit([](const auto& value) { return fmt::format("{}", value); }, figure);
  return finding.code + (figures.empty() ? "" : " (" + figures + ")");
}

std::string in_words(const char* text, const Finding& finding) {
  fmt::dynamic_format_arg_store<fmt::format_context> figures;
  for (const auto& [name, figure] : finding.figures)
    std::visit(
        [&, &name = name](const auto& value) {
          figures.push_back(fmt::arg(name.c_str(), value));
          if constexpr (!std::is_same_v<std::decay_t<decltype(value)>, std::string>)
            figures.push_back(fmt::arg((name + "_percent").c_str(), 100 * double(value)));
        },
        figure);
  return fmt::vformat(text, figures);
}
}  // namespace

std::string with_figures(const char* text, const Finding& finding) {
  const std::string where = finding.where.empty() ? "" : finding.where + ": ";
  try {
    return where + in_words(text, finding);
  } catch (const fmt::format_error&) {  // another version has other figures of it
    return where + bare_text(finding);
  }
}

std::string sentence(const Finding& finding) {
  const Words* words = words_of(finding.code);
  if (words != std::end(kWords)) return with_figures(words->text, finding);
  return (finding.where.empty() ? "" : finding.where + ": ") + bare_text(finding);
}

size_t rank_of(const std::string& code) { return size_t(words_of(code) - std::begin(kWords)); }

}  // namespace gauntlet::results
