// Curves of a run: what its suite crossed, drawn over the number that changes. Rows (or columns)
// belong to one line where their parameters are equal in all but that number.
#pragma once
#include <string>
#include <vector>

#include "reports/summary.h"

namespace gauntlet::reports {

/// Largest over smallest x from which on an axis is logarithmic.
inline constexpr double kLogarithmic = 20;

struct CurvePoint {
  double x = 0;
  double accuracy = 0;       ///< share
  double low = 0, high = 0;  ///< interval over images; of several seeds one standard deviation
  bool upper_bound = false;  ///< a worst case that lacks attacks
  bool flagged = false;      ///< the audit has a finding
};

struct CurveLine {
  std::string name;
  std::vector<CurvePoint> points;  ///< x ascending; what has no result is left out
};

/// One frame.
struct CurveView {
  std::string name;  ///< "worst case", "pgd under linf, ε = 0.1", …; "" where there is one
  std::vector<CurveLine> lines;
};

/// The views of one changing number, of which a page shows one at a time.
struct CurveChart {
  std::string title;    ///< "Accuracy over sigma"
  std::string x_title;  ///< "sigma"
  bool log_x = false;
  std::vector<CurveView> views;
};

/// Over epsilon (with the clean accuracy at 0) where threats share a norm; over each number of
/// rows and of columns that takes at least three values; over the passes that columns of such a
/// line request (k · n of gradient attacks, the queries of others).
std::vector<CurveChart> curves_of(const Summary& summary);

/// "pgd[steps=…]" of {"pgd[steps=7]", "pgd[steps=70]"}: what names have in common.
std::string name_of_family(const std::vector<std::string>& names);

}  // namespace gauntlet::reports
