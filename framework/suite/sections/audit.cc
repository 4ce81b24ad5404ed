// Key audit of a suite; a board's table of that name is its own (board.cc).
#include "suite/names.h"
#include "suite/sections/sections.h"

namespace gauntlet::suite {

AuditSpec read_audit_keys(const toml::Toml& table, int64_t samples, SuiteContext& context) {
  toml::TableReader reader(table, "the audit", context.problems);
  AuditSpec audit;
  if (reader.read("samples", audit.samples, Range{0, 999'999'999}) && samples > 0 &&
      audit.samples > samples)
    reader.problem("samples", std::to_string(audit.samples) + " is more than the suite's " +
                                  std::to_string(samples) + " samples");
  reader.choose("fail_on", audit.fail_on, kFailOns);
  reader.finish();
  return audit;
}

}  // namespace gauntlet::suite
