// The words of all checks of the audit, in the order in which an audit has them.
#include <algorithm>
#include <iterator>

#include "results/check.h"

namespace gauntlet::results {
namespace {

struct CheckWords {
  const char *code, *passed, *found, *advice;
};

// {NAME} is a figure, {NAME_percent} a share in percent. `found` is of WARN and FAIL alike.
constexpr CheckWords kCheckWords[] = {
    {"random_noise",
     "gradient attacks leave {accuracy_percent:.1f} %, random noise {other_accuracy_percent:.1f} %",
     "random noise leaves {other_accuracy_percent:.1f} %, less than the best gradient attack, "
     "{attack}, with {accuracy_percent:.1f} %",
     "add attack.square = \"square\" and run more steps and restarts: gradients are masked"},
};

const CheckWords* check_words_of(const std::string& code) {
  return std::find_if(std::begin(kCheckWords), std::end(kCheckWords),
                      [&](const CheckWords& words) { return words.code == code; });
}
}  // namespace

std::string sentence(const Check& check) {
  const CheckWords* words = check_words_of(check.finding.code);
  if (words == std::end(kCheckWords)) return sentence(check.finding);
  return with_figures(check.level == Level::kPass ? words->passed : words->found, check.finding);
}

std::string advice(const Check& check) {
  const CheckWords* words = check_words_of(check.finding.code);
  if (check.level == Level::kPass || words == std::end(kCheckWords)) return "";
  return with_figures(words->advice, Finding{check.finding.code, check.finding.figures, ""});
}

size_t rank_of_check(const std::string& code) {
  return size_t(check_words_of(code) - std::begin(kCheckWords));
}

}  // namespace gauntlet::results
