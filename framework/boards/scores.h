// What the outcomes of a board entry amount to: the numbers that it claims and is ranked by.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "analysis/pairs.h"
#include "boards/entry.h"

namespace gauntlet::boards {

/// The images of an entry under one question, and what is left of it.
///
/// Under attack an image's rate is the lowest, over the attacks that saw it, of its mean share of
/// right answers over trials and seeds. It depends on nothing but the outcomes in the entry, so
/// anyone can compute it again without the model. Of a random defense one half of the trials
/// chooses an image's attack and the other half is counted (results/worst_of.h). Entries of before
/// 0.2 do not tell halves apart: the lowest of several measured rates, which errs against the
/// defense, alike for all that are measured by the same attacks and draws.
/// Certified, the rate is the share of seeds under which the answer is right and its radius larger
/// than the one that is asked about.
struct BoardScore {
  std::string problem;          ///< why there is no number; "" where there is one
  std::vector<int64_t> images;  ///< indices in the split, ascending
  std::vector<double> rates;    ///< of each image
  std::vector<int64_t> labels;
  std::vector<double> clean;         ///< rates without an attack; certified: whatever the radius
  std::vector<std::string> decided;  ///< attack that each image's rate is of; certified: empty
  results::Shared shared;  ///< what draws that images share add to the variance of the accuracy,
                           ///< in the attack that has most of it
  double clean_accuracy = 0, accuracy = 0;
  results::Interval interval;        ///< of `accuracy`
  std::vector<std::string> missing;  ///< the board's own attacks without a result: "pgd (error)"
  std::map<std::string, int64_t> decided_by;  ///< attack -> images

  bool complete() const { return problem.empty() && missing.empty(); }
};

/// Under attack. Attacks beyond the board's own count where they have a result under every seed;
/// of the board's own, what was skipped does not apply to the defense and is not missing.
/// `with_additional`: false leaves those beyond the board's own out.
BoardScore score_of(const BoardThreat& threat, bool with_additional = true);
/// Certified beyond a radius.
BoardScore certified_score(const BoardEntry& entry, double radius);

/// Fills the claims of all threats, and certified_at: for 0 and the epsilon of every L2 threat.
void claim(BoardEntry& entry);
/// Claims that the outcomes do not bear out, a sentence each: of the threats, of the cells, of the
/// certificates.
std::vector<std::string> contradictions(const BoardEntry& entry);

}  // namespace gauntlet::boards
