// The words of all checks of the audit, in the order in which an audit has them.
#include <algorithm>
#include <iterator>

#include "results/check.h"

namespace gauntlet::results {
namespace {

// `kind`: the figure "case" of a check that is made of different things; the row without one is
// for all others.
struct CheckWords {
  const char *code, *passed, *found, *advice;
  const char* kind = "";
};

// {NAME} is a figure, {NAME_percent} a share in percent. `found` is of WARN and FAIL alike.
constexpr CheckWords kCheckWords[] = {
    // Of records (audit/row_checks.cc, audit/gradient_checks.cc).
    {"gradients_vanish",
     "every gradient was exactly 0 for at most {samples} of {of} attacked images that withstood",
     "every gradient was exactly 0 for {samples} of {of} attacked images that withstood",
     "attack it without gradients (queries, transfer), or through a differentiable stand-in of the "
     "layer that has none",
     "records"},
    {"gradients_saturate",
     "a loss or gradient was exactly 0 for at most {samples} of {of} attacked images that "
     "withstood",
     "a loss or gradient was exactly 0 for {samples} of {of} attacked images that withstood",
     "attack it on the margin loss: keep saturation = \"retry\", or add an attack on margins",
     "records"},
    {"gradients_not_finite", "losses and gradients were finite for all images that withstood",
     "losses or gradients were not finite (NaN or infinite) for {samples} of {of} attacked images "
     "that withstood",
     "find the layer whose gradient is not finite; until then no attack has tested these images",
     "records"},
    {"box_edge",
     "pixels on a bound of the box had no gradient for at most {samples} of {of} attacked images "
     "that withstood",
     "no pixel on a bound of the box had a gradient, though most others had, for {samples} of {of} "
     "attacked images that withstood",
     "keep saturation = \"retry\", which attacks again from just inside the box: a clamp at the "
     "bounds hides gradients there",
     "records"},
    {"unchanged_inputs",
     "gradient attacks returned at most {samples} of {of} attacked images unchanged",
     "{samples} of {of} attacked images were returned unchanged",
     "look at its loss, query by query (gauntlet trace): an attack that moves nothing tests "
     "nothing",
     "records"},
    {"more_steps",
     "{attack} leaves {accuracy_percent:.1f} %, {other}, which is shorter, "
     "{other_accuracy_percent:.1f} %",
     "{attack} leaves {accuracy_percent:.1f} %, {other}, with less of the same, "
     "{other_accuracy_percent:.1f} % of the same images: its steps fall short, or gradients are "
     "masked",
     "give {attack} a larger step_size or a loss on margins; a longer attack should never lose",
     "records"},
    {"more_steps", "",
     "{attack} leaves {accuracy_percent:.1f} %, {other}, which is shorter, "
     "{other_accuracy_percent:.1f} %: the attack had not converged",
     "run {attack} with twice its steps, until the accuracy stays", "falls"},
    {"more_restarts",
     "{attack} leaves {accuracy_percent:.1f} %, {other}, with fewer restarts, "
     "{other_accuracy_percent:.1f} %",
     "{attack} leaves {accuracy_percent:.1f} %, {other}, with fewer restarts, "
     "{other_accuracy_percent:.1f} % of the same images",
     "more restarts should never lose: ask whether the defense answers alike when asked twice",
     "records"},
    {"more_restarts", "",
     "{attack} leaves {accuracy_percent:.1f} %, {other}, with fewer restarts, "
     "{other_accuracy_percent:.1f} %: one more may find more",
     "run {attack} with twice its restarts, until the accuracy stays", "falls"},
    {"more_draws",
     "{attack} leaves {accuracy_percent:.1f} %, {other}, with fewer draws, "
     "{other_accuracy_percent:.1f} %",
     "{attack} leaves {accuracy_percent:.1f} %, {other}, with fewer draws, "
     "{other_accuracy_percent:.1f} % of the same images: averaging over noise does harm",
     "average something else over the draws, such as {attack}.average = \"logit\"", "records"},
    {"more_draws", "",
     "{attack} leaves {accuracy_percent:.1f} %, {other}, with fewer draws, "
     "{other_accuracy_percent:.1f} %: gradients over still more draws may find more",
     "run {attack} with twice its draws, until the accuracy stays", "falls"},
    {"more_draws", "",
     "attacked on single draws of its noise alone: gradients averaged over several may find more",
     "add a copy of the strongest gradient attack with draws = 8", "single"},
    {"more_draws", "gradients were averaged over {draws} draws of its noise", "", "", "averaged"},
    {"single_step",
     "{attack} leaves {accuracy_percent:.1f} %, {other}, with a single gradient, "
     "{other_accuracy_percent:.1f} %",
     "{attack} leaves {accuracy_percent:.1f} %, {other}, with a single gradient, "
     "{other_accuracy_percent:.1f} % of the same images: its steps fall short, or gradients are "
     "masked",
     "give {attack} more steps and a step_size that reaches the edge of the ball; if one gradient "
     "still wins, add an attack without gradients",
     "records"},
    {"black_box",
     "the best gradient attack, {attack}, leaves {accuracy_percent:.1f} %, {other}, without "
     "gradients of the defense, {other_accuracy_percent:.1f} %",
     "{attack} leaves {accuracy_percent:.1f} %, {other}, without gradients of the defense, "
     "{other_accuracy_percent:.1f} % of the same images: gradients are masked, or gradient attacks "
     "fall short",
     "give attacks without gradients more queries, and gradient attacks another loss (margin) or "
     "more draws",
     "records"},
    {"random_noise",
     "{attack} leaves {accuracy_percent:.1f} %, {other}, without an attacker, "
     "{other_accuracy_percent:.1f} %",
     "{attack} leaves {accuracy_percent:.1f} %, {other}, without an attacker, "
     "{other_accuracy_percent:.1f} % of the same images: gradients point nowhere",
     "run {attack} with more steps and restarts, and add an attack without gradients", "records"},
    {"random_noise",
     "gradient attacks leave {accuracy_percent:.1f} %, random noise {other_accuracy_percent:.1f} %",
     "random noise leaves {other_accuracy_percent:.1f} %, less than the best gradient attack, "
     "{attack}, with {accuracy_percent:.1f} %",
     "add attack.square = \"square\" and run more steps and restarts: gradients are masked"},
};

// The case of a check among these rows, else the first of its code.
const CheckWords* check_words_of(const Finding& finding) {
  const auto figure = finding.figures.find("case");
  const auto* kind =
      figure == finding.figures.end() ? nullptr : std::get_if<std::string>(&figure->second);
  const auto of_kind =
      std::find_if(std::begin(kCheckWords), std::end(kCheckWords), [&](const CheckWords& words) {
        return words.code == finding.code && words.kind == (kind ? *kind : std::string());
      });
  if (of_kind != std::end(kCheckWords)) return of_kind;
  return std::find_if(std::begin(kCheckWords), std::end(kCheckWords),
                      [&](const CheckWords& words) { return words.code == finding.code; });
}
}  // namespace

std::string sentence(const Check& check) {
  const CheckWords* words = check_words_of(check.finding);
  if (words == std::end(kCheckWords)) return sentence(check.finding);
  return with_figures(check.level == Level::kPass ? words->passed : words->found, check.finding);
}

std::string advice(const Check& check) {
  const CheckWords* words = check_words_of(check.finding);
  if (check.level == Level::kPass || words == std::end(kCheckWords)) return "";
  return with_figures(words->advice, Finding{check.finding.code, check.finding.figures, ""});
}

size_t rank_of_check(const std::string& code) {
  return size_t(check_words_of(Finding{code}) - std::begin(kCheckWords));
}

}  // namespace gauntlet::results
