#include "reports/files/validate.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "reports/page/embedded.h"

namespace gauntlet::reports::files {
namespace {

using Adapter = valijson::adapters::NlohmannJsonAdapter;

void parse_schema(valijson::Schema& schema) {
  const nlohmann::json text = nlohmann::json::parse(report_schema());
  valijson::SchemaParser(valijson::SchemaParser::kDraft7).populateSchema(Adapter(text), schema);
}

std::string sentence(const valijson::ValidationResults::Error& error) {
  std::string place;
  for (const std::string& step : error.context) place += step == "<root>" ? "report" : step;
  return place + ": " + error.description;
}

}  // namespace

std::string_view report_schema() { return page::embedded::report_schema_json; }

std::vector<std::string> validate_report(std::string_view text) {
  const nlohmann::json report = nlohmann::json::parse(text, nullptr, false);
  if (report.is_discarded()) return {"report: is not JSON"};
  valijson::Schema schema;
  parse_schema(schema);
  valijson::ValidationResults results;
  valijson::Validator validator;
  if (validator.validate(schema, Adapter(report), &results)) return {};
  std::vector<std::string> sentences;
  for (valijson::ValidationResults::Error error; results.popError(error);)
    sentences.push_back(sentence(error));
  // valijson speaks of the innermost fault first; a report says it from the outside in.
  std::reverse(sentences.begin(), sentences.end());
  return sentences;
}

}  // namespace gauntlet::reports::files
