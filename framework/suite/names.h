// The words of suites and recipes for norms, goals and other choices.
#pragma once
#include <string>

#include "base/names.h"
#include "suite/suite.h"

namespace gauntlet::suite {

inline constexpr auto& kNorms = kNormNames;
inline constexpr Name<Goal> kGoals[] = {{"untargeted", Goal::kUntargeted},
                                        {"targeted", Goal::kTargeted},
                                        {"hypocritical", Goal::kHypocritical}};
inline constexpr Name<Access> kAccesses[] = {{"none", Access::kNone},
                                             {"decision", Access::kDecision},
                                             {"score", Access::kScore},
                                             {"gradient", Access::kGradient}};
/// Those that can be asked for; a ballot is cast by votes alone.
inline constexpr Name<Average> kAverages[] = {
    {"loss", Average::kLoss}, {"probability", Average::kProbability}, {"logit", Average::kLogit}};
/// Of an attack's passes.
inline constexpr Name<models::Mode> kPrecisions[] = {{"float32", models::Mode::kFolded},
                                                     {"bfloat16", models::Mode::kFoldedHalf}};
inline constexpr Name<Saturation> kSaturations[] = {{"retry", Saturation::kRetry},
                                                    {"report", Saturation::kReport}};
inline constexpr Name<FailOn> kFailOns[] = {{"warn", FailOn::kWarn}, {"fail", FailOn::kFail}};
inline constexpr Name<Success> kSuccesses[] = {{"any", Success::kAny}, {"final", Success::kFinal}};

inline std::string to_string(Norm norm) { return word_for(kNorms, norm); }
/// A number of epsilon's unit: "20 pixels", "1 degree"; "8/255" of a ball.
inline std::string sized(Norm norm, const std::string& number) {
  const bool pixels = norm == Norm::kL0 || norm == Norm::kPatch || norm == Norm::kTranslation ||
                      norm == Norm::kFlow;
  const std::string unit = pixels ? " pixel" : norm == Norm::kRotation ? " degree" : "";
  return number + unit + (unit.empty() || number == "1" ? "" : "s");
}
/// "linf 8/255", "l0 20 pixels", "unbounded". epsilon: as it was written.
inline std::string threat_text(Norm norm, const std::string& epsilon) {
  return to_string(norm) + (norm == Norm::kUnbounded ? "" : " " + sized(norm, epsilon));
}
inline std::string to_string(Goal goal) { return word_for(kGoals, goal); }
inline std::string to_string(Access access) { return word_for(kAccesses, access); }
inline std::string to_string(Average average) {
  return average == Average::kBallot ? "ballot" : word_for(kAverages, average);
}

}  // namespace gauntlet::suite
