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
    // Of probes (audit/probe_*.cc).
    {"outputs", "outputs are logits", "outputs are {what}",
     "give logits: without them no loss and no gradient tells an attack anything"},
    {"unstable", "the same question gets the same answer",
     "{changed_percent:.1f} % of the images are answered otherwise when {what}",
     "take state and hidden randomness out of the defense, or score it by more draws "
     "(scoring.draws)"},
    {"votes", "{of} votes are the tally of their {ballots} ballots",
     "of {of} votes {wrong} are not the tally of their {ballots} ballots, {changed} change when "
     "the same noise is drawn again, and {remembered} ballots are not of the outputs shown",
     "mc_samples(), ballot() and lead() must say what the vote does, and keep no memory"},
    {"noise_acts", "noise moves logits by {effect_percent:.2g} % of what sets classes apart",
     "noise moves logits by {effect_percent:.2g} % of what sets classes apart, although the "
     "defense "
     "asks for it {asked} times and has {ballots} ballots",
     "the defense is as good as deterministic: look whether its noise is on in evaluation"},
    {"memorised", "images {change:.2g} away are answered alike: {beside_percent:.1f} % are right",
     "{clean_percent:.1f} % of the images are right, {beside_percent:.1f} % of those {change:.2g} "
     "beside them",
     "the defense knows these images, or rounds what attacks send: try it on images it has not "
     "seen"},
    {"gradients_vanish", "gradients reach all but {samples} of {of} images",
     "the margin has no gradient at {samples} of {of} images that are right",
     "give the part without a gradient a differentiable stand-in (surrogate, BPDA), and attack "
     "with "
     "square too"},
    {"gradients_saturate", "cross-entropy has a gradient for all but {samples} of {of} images",
     "cross-entropy is exactly 0 or without a gradient at {samples} of {of} images, where the "
     "margin "
     "has one",
     "attack with loss = \"margin\" too"},
    {"gradients_not_finite", "gradients are finite for all but {samples} of {of} images",
     "gradients are not finite at {samples} of {of} images; the largest finite one is "
     "{largest:.2g}",
     "find where the defense divides by 0 or overflows: attacks follow no such gradient"},
    {"box_edge", "pixels on the bounds have gradients for all but {samples} of {of} images",
     "at {samples} of {of} images no pixel on a bound of the box has a gradient",
     "clamp inside the network by a function with a slope at 0 and 1, or keep saturation = "
     "\"retry\""},
    {"slope", "gradients are the slope of the loss, at {of} images",
     "gradients are not the slope of the loss: {share}along them the loss rises for "
     "{rises_percent:.1f} % of {of} images",
     "attack without gradients (square), or through a stand-in that has the slope of the defense"},
    {"loss_rises", "the attack raises the loss of {rises_percent:.1f} % of {of} images",
     "the attack raises the loss of only {rises_percent:.1f} % of {of} images",
     "gradients lead nowhere: attack without them (square)"},
    {"label_leak", "one step makes {healed} of {of} wrong images right",
     "one step leaves {first_percent:.1f} %, where {second_percent:.1f} % are right without an "
     "attack; it makes {healed} of {of} wrong images right, chance {lucky}",
     "the network tells the label from the perturbation: judge it by attacks of many steps"},
    {"eight_bit", "{samples} of {of} broken images are right again in 8 bits",
     "{samples} of {of} broken images are right again in 8 bits",
     "the defense rests on less than one level of a pixel: attack in steps of 1/255"},
    {"epsilon_monotone",
     "accuracy falls with epsilon: {half_percent:.1f}, {whole_percent:.1f}, {twice_percent:.1f} %",
     "accuracy does not fall with epsilon: {half_percent:.1f} % at half of it, {whole_percent:.1f} "
     "% "
     "at it, {twice_percent:.1f} % at twice as much",
     "gradients are masked: a larger ball holds all of the smaller one"},
    {"unbounded", "with a ball as large as the box {accuracy_percent:.1f} % stay right",
     "with a ball as large as the box {accuracy_percent:.1f} % stay right after {steps} steps",
     "any image can be reached there, so gradients are masked: attack without them (square)"},
    {"frozen_noise",
     "on one frozen draw {first_percent:.1f} % stay right, on fresh ones {second_percent:.1f} %",
     "with its noise frozen the defense keeps {first_percent:.1f} %, with fresh noise "
     "{second_percent:.1f} %",
     "without its noise the network must be easier to attack: gradients are masked"},
    {"more_steps",
     "{attack} with {then} steps leaves {second_percent:.1f} %, with {now} "
     "{first_percent:.1f} %",
     "{attack} leaves {first_percent:.1f} % with {now} steps and {second_percent:.1f} % with "
     "{then}",
     "{line}"},
    {"more_restarts",
     "{attack} with {then} restarts leaves {second_percent:.1f} %, with {now} "
     "{first_percent:.1f} %",
     "{attack} leaves {first_percent:.1f} % with {now} restarts and {second_percent:.1f} % with "
     "{then}",
     "{line}"},
    {"more_draws",
     "{attack} with {then} draws leaves {second_percent:.1f} %, with {now} "
     "{first_percent:.1f} %",
     "{attack} leaves {first_percent:.1f} % with {now} draws and {second_percent:.1f} % with "
     "{then}",
     "{line}"},
    {"black_box",
     "gradients leave {first_percent:.1f} %, {attack} without them {second_percent:.1f} %",
     "{attack} without gradients leaves {second_percent:.1f} %, with them {first_percent:.1f} %",
     "gradients are masked: add attack.square = \"square\" and trust its number alone"},
    {"black_box",
     "gradients leave {first_percent:.1f} %, {attack} without them {second_percent:.1f} %",
     "{attack} without gradients leaves {second_percent:.1f} %, with them {first_percent:.1f} %",
     "gradients are masked: add attack.nattack = \"nattack\" and trust its number alone",
     "nattack"},
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
  if (check.finding.figures.contains("reason"))
    return with_figures("it cannot be asked: {reason}", check.finding);
  const CheckWords* words = check_words_of(check.finding);
  if (words == std::end(kCheckWords)) return sentence(check.finding);
  return with_figures(check.level == Level::kPass ? words->passed : words->found, check.finding);
}

std::string advice(const Check& check) {
  const CheckWords* words = check_words_of(check.finding);
  if (check.finding.figures.contains("reason"))
    return "find out why: a question that cannot be asked leaves a doubt";
  if (check.level == Level::kPass || words == std::end(kCheckWords)) return "";
  return with_figures(words->advice, Finding{check.finding.code, check.finding.figures, ""});
}

size_t rank_of_check(const std::string& code) {
  return size_t(std::find_if(std::begin(kCheckWords), std::end(kCheckWords),
                             [&](const CheckWords& words) { return words.code == code; }) -
                std::begin(kCheckWords));
}

}  // namespace gauntlet::results
