#include "registry/training_log.h"

#include <charconv>
#include <fstream>

#include "base/bad_input.h"

namespace gauntlet::registry {
namespace {
std::vector<std::string> fields_of(std::string line) {
  if (!line.empty() && line.back() == '\r') line.pop_back();
  std::vector<std::string> fields(1);
  for (const char c : line)
    if (c == ',')
      fields.emplace_back();
    else
      fields.back() += c;
  return fields;
}

std::optional<double> number_of(const std::string& field, const std::string& where) {
  if (field.empty()) return {};
  double value = 0;
  const char* end = field.data() + field.size();
  const auto [stop, error] = std::from_chars(field.data(), end, value);
  if (error != std::errc{} || stop != end)
    throw BadInput(where + ": '" + field.substr(0, 40) + "' is no number");
  return value;
}
}  // namespace

TrainingLog read_training_log(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string line;
  if (!in || !std::getline(in, line))
    throw BadInput(file.string() + ": cannot be read, expected the CSV log of a training");
  TrainingLog log;
  log.columns = fields_of(line);
  for (int number = 2; std::getline(in, line); ++number) {
    if (line.empty()) continue;
    const std::string where = file.string() + ":" + std::to_string(number);
    const std::vector<std::string> fields = fields_of(line);
    if (fields.size() != log.columns.size())
      throw BadInput(where + ": " + std::to_string(fields.size()) + " fields, the first line has " +
                     std::to_string(log.columns.size()));
    auto& row = log.rows.emplace_back();
    for (const std::string& field : fields) row.push_back(number_of(field, where));
  }
  return log;
}

}  // namespace gauntlet::registry
