#include "results/record.h"

#include <array>
#include <ctime>
#include <stdexcept>

#include "base/names.h"

namespace gauntlet::results {

namespace {
constexpr Name<Status> kStatuses[] = {{"ok", Status::kOk},
                                      {"invalid", Status::kInvalid},
                                      {"error", Status::kError},
                                      {"skipped", Status::kSkipped}};
}  // namespace

std::string to_string(Status status) { return word_for(kStatuses, status); }

Status status_from_string(const std::string& name) {
  if (const auto status = value_for(kStatuses, name)) return *status;
  throw std::invalid_argument("'" + name + "' is not a status: ok, invalid, error or skipped");
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

}  // namespace gauntlet::results
