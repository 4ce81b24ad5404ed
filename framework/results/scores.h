// A detector's scores, kept with the outcomes that they belong to.
#pragma once
#include <string>
#include <vector>

namespace gauntlet::results {

/// One for each outcome, in their order, of the first trial; empty where no detector stands. Above
/// 0 an input is refused; where a vote stands around the detector, it is the share of draws that
/// refuse, less one half. What is not a number refuses: it is infinite.
struct Scores {
  std::vector<double> clean;     ///< of the inputs as they are
  std::vector<double> attacked;  ///< of what the attack made of them

  bool empty() const { return clean.empty() && attacked.empty(); }
  bool operator==(const Scores&) const = default;
};

/// Every bit of them; "" of none.
std::string to_text(const Scores& scores);
/// Throws std::invalid_argument for what to_text() does not write.
Scores scores_from_text(const std::string& text);

}  // namespace gauntlet::results
