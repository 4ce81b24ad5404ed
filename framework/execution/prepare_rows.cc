#include "execution/prepare_rows.h"

#include "base/bad_input.h"
#include "evaluation/division.h"
#include "evaluation/interrupted.h"
#include "gauntlet/params.h"

namespace gauntlet::execution {

void prepare_rows(const suite::Suite& suite, const data::Dataset& data,
                  evaluation::Laboratory& laboratory) {
  if (data.size() == 0) throw BadInput("data set '" + data.id + "' is empty");
  laboratory.probe_with(data);
  laboratory.lend_samples_of(suite.data.entry, suite.data.split);
  std::string problems;
  const auto add = [&](const std::string& problem) {
    problems += (problems.empty() || problem.empty() ? "" : "\n") + problem;
  };
  for (const suite::DefenseSpec& defense : suite.defenses) try {
      const evaluation::DefendedModel& model = laboratory.defended(defense, data);
      if (suite.board) add(evaluation::division_problem(*suite.board, defense.name, model));
    } catch (const BadInput& e) {
      add(e.what());
    } catch (const ParamError& e) {
      add("defense '" + defense.name + "': " + e.what());
    } catch (const evaluation::Interrupted&) {
      throw;
    } catch (...) {  // a plugin of this row; its cells say what, the others are measured
    }
  if (suite.board) add(evaluation::audit_problem(suite, laboratory.plugins()));
  if (!problems.empty()) throw BadInput(problems);
}

}  // namespace gauntlet::execution
