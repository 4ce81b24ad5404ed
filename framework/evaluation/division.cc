#include "evaluation/division.h"

#include <fmt/format.h>

#include <algorithm>

#include "suite/names.h"

namespace gauntlet::evaluation {
namespace {

bool named(const std::vector<std::string>& names, const suite::AttackSpec& attack) {
  return std::count(names.begin(), names.end(), attack.entry) > 0;
}
}  // namespace

std::string division_problem(const suite::Board& board, const std::string& row,
                             const DefendedModel& model) {
  const auto refuse = [&](const std::string& what) {
    return fmt::format("defense '{}': {}, which the {} division of board '{}' does not take", row,
                       what, to_string(board.division), board.id());
  };
  switch (board.division) {
    case Division::kDeterministic:
      if (!model.stochastic()) return "";
      return refuse("its answers to one input differ (probed by repeated forwards)");
    case Division::kRandomized:
      if (model.stochastic()) return "";
      return refuse("its answers to one input never differ (probed by repeated forwards)");
    case Division::kCertified:
      if (!model.certifies()) return refuse("nothing in its stack certifies");
      if (const std::string why = model.certificate_problem(); !why.empty())
        return refuse("its certificates do not hold for the whole defense (" + why + ")");
      if (const double alpha = model.alpha(); !(alpha <= kMostAlpha))
        return refuse(
            fmt::format("its certificates fail with a chance of {:.6g}, expected at most "
                        "{:.6g}",
                        alpha, kMostAlpha));
      return "";
  }
  return "";
}

std::string division_mismatch(Division division, const DefendedModel& model) {
  switch (division) {
    case Division::kDeterministic:
      return model.stochastic() ? "it is for deterministic rows, this one's answers are drawn" : "";
    case Division::kRandomized:
      return model.stochastic() ? "" : "it is for randomized rows, this one's answers never differ";
    case Division::kCertified:
      return model.certifies() ? ""
                               : "it is for certified rows, nothing in this one's stack certifies";
  }
  return "";
}

std::string audit_problem(const suite::Suite& suite, const library::PluginLibrary& plugins) {
  const AuditItems& audit = suite.board->audit;
  for (const suite::AttackSpec& attack : suite.attacks) {
    const Access access = plugins.attack(attack.plugin, attack.params)->facts().access;
    const auto refuse = [&](const char* item) {
      return fmt::format("board '{}': audit: {}: '{}' asks for {} access", suite.board->id(), item,
                         attack.name, suite::to_string(access));
    };
    if (named(audit.white_box, attack) && access != Access::kGradient) return refuse("white_box");
    if (named(audit.black_box, attack) && access == Access::kGradient) return refuse("black_box");
    if (named(audit.control, attack) && access != Access::kNone) return refuse("control");
  }
  return "";
}

}  // namespace gauntlet::evaluation
