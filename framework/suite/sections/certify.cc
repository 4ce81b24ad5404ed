// Key certify.
#include <algorithm>

#include "suite/sections/sections.h"

namespace gauntlet::suite {

std::optional<CertifySpec> read_certify(const toml::Toml& value, int64_t samples,
                                        SuiteContext& context) {
  if (const auto* on = value.get<bool>()) return *on ? std::optional(CertifySpec{}) : std::nullopt;
  if (!value.get<toml::Toml::Table>()) {
    context.problems.add(value.position, "the suite: certify: " + to_text(to_param(value)) +
                                             " is neither true nor a table such as { samples = "
                                             "100 }");
    return {};
  }
  toml::TableReader reader(value, "certify", context.problems);
  CertifySpec certify;
  if (reader.read("samples", certify.samples, Range{1, 999'999'999}) && samples > 0 &&
      certify.samples > samples)
    reader.problem("samples", std::to_string(certify.samples) + " is more than the suite's " +
                                  std::to_string(samples) + " samples");
  reader.finish();
  return certify;
}

bool certifies(const DefenseSpec& row, const SuiteContext& context) {
  return std::any_of(row.stack.begin(), row.stack.end(),
                     [&](const Use& use) { return context.plugins.roles(use).certifies; });
}

}  // namespace gauntlet::suite
