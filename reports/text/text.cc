#include "reports/text/text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace gauntlet::reports {
namespace {

std::string print(const char* format, auto... values) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

}  // namespace

std::string exact(double value) {
  if (!std::isfinite(value)) return "";
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

std::string percent(double share) { return print("%.1f", 100 * share); }

std::string points(double share) {
  const std::string text = percent(std::abs(share));
  return (text == "0.0" ? "±" : share < 0 ? "−" : "+") + text;
}

std::string epsilon_text(double epsilon) {
  const std::string decimal = print("%.6g", epsilon);
  const double levels = epsilon * 255;
  const bool fraction = levels >= 0.5 && std::abs(levels - std::round(levels)) < 1e-6;
  // 0.2 is 51/255 by chance: what is short as a decimal was written as one.
  return fraction && decimal.size() > 5 ? print("%.0f/255", levels) : decimal;
}

std::string brief(double value) {
  if (!std::isfinite(value)) return "—";
  if (std::abs(value) >= 99.95) return grouped(std::llround(value));
  if (value != 0 && std::abs(value) < 1) return print("%.2g", value);
  const std::string text = print("%.1f", value);
  return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}

std::string grouped(int64_t count) {
  std::string digits = std::to_string(count);
  for (int64_t i = static_cast<int64_t>(digits.size()) - 3; i > (count < 0 ? 1 : 0); i -= 3)
    digits.insert(i, ",");
  return digits;
}

std::string counted(int64_t count, const std::string& noun) {
  return grouped(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string day_and_time(const std::string& iso) {
  return iso.size() < 16 ? iso : iso.substr(0, 10) + " " + iso.substr(11, 5) + " UTC";
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : "; ") + text;
  return all;
}

nlohmann::ordered_json object_of(const std::string& text) {
  return text.empty() ? nlohmann::ordered_json::object() : nlohmann::ordered_json::parse(text);
}

}  // namespace gauntlet::reports
