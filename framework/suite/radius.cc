#include "suite/radius.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "suite/names.h"

namespace gauntlet::suite {
namespace {

// The least radius that moves a pixel: floats near 1 lie 6e-8 apart.
constexpr double kLeast = 1e-6, kMost = 1e9;
// The least part of a pixel or a degree.
constexpr double kLeastMove = 1e-3;
constexpr const char* kUnlessMeant = " (unbounded = true if it is meant)";

std::string rounded(double value) {
  char text[32];
  return std::string(text, size_t(std::snprintf(text, sizeof text, "%.4g", value)));
}

// What a length in levels of a byte is in pixels: ", write "8/255"".
std::string as_fraction(double value, double longest) {
  if (value / 255 > longest) return "";
  return "; pixels are in [0, 1], write \"" + to_text(ParamValue(value)) + "/255\"";
}

std::string longest_text(Norm norm, const std::vector<int64_t>& shape) {
  if (norm == Norm::kLinf) return "is not in (0, 1]";
  return "is more than " + rounded(diameter(norm, shape)) + ", the longest " +
         (norm == Norm::kL2 ? "L2" : "L1") + " distance of images " +
         to_text(ParamValue(ParamList(shape.begin(), shape.end()))) + " with pixels in [0, 1]";
}

std::string radius_problem(double epsilon, const std::string& text, Norm norm,
                           const std::vector<int64_t>& shape) {
  if (epsilon == 0)
    return text + " leaves every image as it is, expected more than 0; clean accuracy stands " +
           "beside every attack" + kUnlessMeant;
  if (epsilon < kLeast)
    return text + " is too small to move a pixel, expected at least 1e-06" + kUnlessMeant;
  const double longest = diameter(norm, shape);
  if (epsilon <= longest) return "";
  return text + " " + longest_text(norm, shape) + as_fraction(epsilon, longest) + kUnlessMeant;
}

const double* number(const ParamMap& params, std::string_view name) {
  const auto there = params.find(name);
  return there == params.end() ? nullptr : there->second.get<double>();
}

// What is wrong with a number of pixels or degrees.
std::string size_problem(double epsilon, const std::string& text, Norm norm,
                         const std::vector<int64_t>& shape) {
  const bool whole = norm == Norm::kL0 || norm == Norm::kPatch;
  if (whole && epsilon != std::floor(epsilon)) return text + " is no whole number of pixels";
  if (epsilon == 0)
    return text + " leaves every image as it is, expected more than 0; clean accuracy stands " +
           "beside every attack";
  if (epsilon < kLeastMove)
    return text + " is too small to show, expected at least " + sized(norm, rounded(kLeastMove));
  const double longest = diameter(norm, shape);
  if (epsilon <= longest) return "";
  const std::string end = sized(norm, rounded(longest));
  if (norm == Norm::kRotation) return text + " is more than " + end + ", half a turn";
  return text + " is more than " + end + ", " +
         (norm == Norm::kL0 ? "all that images " : "the longer side of images ") +
         to_text(ParamValue(ParamList(shape.begin(), shape.end()))) +
         (norm == Norm::kL0 ? " have" : "");
}

// Whether epsilon is there and fit for use.
bool read_radius(toml::TableReader& threat, Norm norm, const std::vector<int64_t>& shape,
                 double& epsilon) {
  bool unbounded = false;
  if (is_ball(norm)) threat.read("unbounded", unbounded);
  if (!threat.require("epsilon", epsilon)) return false;
  const std::string text = plain_text(*threat.any("epsilon"));
  std::string wrong;
  if (epsilon < 0) {
    wrong = text + " is below 0, expected a radius";
  } else if (epsilon > kMost) {
    wrong = text + " is more than " + rounded(kMost);
  } else if (!is_ball(norm)) {
    wrong = size_problem(epsilon, text, norm, shape);
  } else if (!unbounded) {
    wrong = radius_problem(epsilon, text, norm, shape);
  }
  if (!wrong.empty()) threat.problem("epsilon", wrong);
  return wrong.empty();
}
}  // namespace

double diameter(Norm norm, const std::vector<int64_t>& shape) {
  if (norm == Norm::kLinf || norm == Norm::kUnbounded) return 1;
  if (norm == Norm::kRotation) return 180;
  if (shape.empty()) return std::numeric_limits<double>::infinity();
  double pixels = 1;
  for (const int64_t side : shape) pixels *= double(side);
  if (is_ball(norm)) return norm == Norm::kL2 ? std::sqrt(pixels) : pixels;
  // The channels come first.
  if (norm == Norm::kL0) return pixels / double(shape.front());
  return double(*std::max_element(shape.begin() + 1, shape.end()));
}

ThreatSpec read_threat(toml::TableReader& table, const std::string& name,
                       const std::vector<int64_t>& shape) {
  ThreatSpec threat;
  threat.name = name;
  table.choose("norm", threat.norm, kNorms, true);
  if (threat.norm == Norm::kUnbounded) {
    if (table.has("epsilon"))
      table.problem("epsilon",
                    "is given, expected none: norm = \"unbounded\" leaves it to the box");
    else
      threat.epsilon = 1, threat.epsilon_text = "1";
    table.any("epsilon");
  } else if (read_radius(table, threat.norm, shape, threat.epsilon)) {
    threat.epsilon_text = plain_text(*table.any("epsilon"));
  }
  table.finish();
  return threat;
}

std::string step_problem(const ParamMap& params, const std::vector<ThreatSpec>& threats,
                         const std::vector<int64_t>& shape) {
  const double* step = number(params, "step_size");
  const auto unit = params.find("step_unit");
  if (step && unit != params.end() && unit->second == ParamValue("input") && !threats.empty()) {
    double longest = 0;
    Norm norm = Norm::kLinf;
    for (const ThreatSpec& threat : threats) {
      // A ball that is wider than the box takes steps that are longer, too. Where epsilon is no
      // length, steps cross the box.
      const double reach =
          is_ball(threat.norm) ? std::max(diameter(threat.norm, shape), threat.epsilon) : 1;
      if (reach > longest) longest = reach, norm = threat.norm;
    }
    if (*step > longest) {
      const std::string text = to_text(ParamValue(*step));
      return "step_size: " + text + " is longer than " + rounded(longest) +
             (norm == Norm::kL2 || norm == Norm::kL1 ? ", the diameter of the box"
                                                     : ", the width of the box") +
             as_fraction(*step, longest);
    }
  }
  for (const auto& [name, value] : params) {
    const auto* nested = value.get<ParamMap>();
    if (!nested || !nested->count("use")) continue;
    if (const std::string wrong = step_problem(*nested, threats, shape); !wrong.empty())
      return name + ": " + wrong;
  }
  return "";
}

}  // namespace gauntlet::suite
