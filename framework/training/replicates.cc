#include "training/replicates.h"

#include <cmath>
#include <numeric>
#include <optional>
#include <sstream>

#include "base/bad_input.h"
#include "base/whole_file.h"
#include "base/write_atomically.h"
#include "registry/model_entry_writer.h"
#include "training/model_writer.h"

namespace gauntlet::training {
namespace {
constexpr const char* kTable = "\n[training.replicates]\n";

// By name, in the order in which they are told.
std::vector<std::pair<std::string, double>> accuracies(const registry::ModelEntry& entry) {
  std::vector<std::pair<std::string, double>> all;
  for (const registry::DeclaredAccuracy& a : entry.accuracy)
    all.emplace_back(a.split + " of " + a.dataset, double(a.correct) / double(a.samples));
  const std::pair<const char*, const char*> kept[] = {
      {"validation_clean_accuracy", "validation"},
      {"validation_robust_accuracy", "validation under attack"}};
  for (const auto& [key, name] : kept)
    if (const auto it = entry.training.find(key); it != entry.training.end()) {
      const auto* whole = it->second.get<int64_t>();  // 1 and 0 may be written without a point
      const auto* number = it->second.get<double>();
      if (whole || number) all.emplace_back(name, whole ? double(*whole) : *number);
    }
  return all;
}

std::optional<double> value_of(const registry::ModelEntry& entry, const std::string& what) {
  for (const auto& [name, value] : accuracies(entry))
    if (name == what) return value;
  return {};
}

void measure(Spread& spread) {
  const auto& values = spread.values;
  const double n = double(values.size());
  spread.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double value : values) squares += (value - spread.mean) * (value - spread.mean);
  spread.deviation = n > 1 ? std::sqrt(squares / (n - 1)) : 0;
}
}  // namespace

std::vector<Spread> spread_of(const std::vector<registry::ModelEntry>& replicates) {
  std::vector<Spread> all;
  if (replicates.empty()) return all;
  for (const auto& [what, first] : accuracies(replicates.front())) {
    Spread spread{what, {}};
    for (const registry::ModelEntry& entry : replicates)
      if (const auto value = value_of(entry, what)) spread.values.push_back(*value);
    if (spread.values.size() != replicates.size()) continue;
    measure(spread);
    all.push_back(std::move(spread));
  }
  return all;
}

void write_spread(const std::vector<registry::ModelEntry>& replicates,
                  const std::vector<Spread>& spread) {
  std::ostringstream table;
  table << kTable << "ids = [";
  for (size_t i = 0; i < replicates.size(); ++i)
    table << (i ? ", " : "") << registry::to_toml(replicates[i].id);
  table << "]\nspread = [\n";
  for (const Spread& s : spread)
    table << "  { accuracy = " << registry::to_toml(s.what)
          << ", mean = " << registry::to_toml(s.mean)
          << ", deviation = " << registry::to_toml(s.deviation) << " },\n";
  table << "]\n";
  for (const registry::ModelEntry& entry : replicates) {
    const std::string text = whole_file(entry.entry_file);
    // The table comes last; one of an earlier call may tell of replicates that were trained anew.
    const std::string before = text.substr(0, text.find(kTable));
    if (before + table.str() != text) write_atomically(entry.entry_file, before + table.str());
  }
}

}  // namespace gauntlet::training
