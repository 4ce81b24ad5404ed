#include "results/record.h"

#include <array>
#include <ctime>
#include <stdexcept>

namespace gauntlet::results {

std::string to_string(Status status) {
  switch (status) {
    case Status::kOk:
      return "ok";
    case Status::kInvalid:
      return "invalid";
    case Status::kError:
      return "error";
    case Status::kSkipped:
      return "skipped";
  }
  throw std::invalid_argument("not a status: " + std::to_string(static_cast<int>(status)));
}

Status status_from_string(const std::string& name) {
  for (const Status status : {Status::kOk, Status::kInvalid, Status::kError, Status::kSkipped})
    if (name == to_string(status)) return status;
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
