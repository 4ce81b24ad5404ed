// Numbers as reports write them.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace gauntlet::reports {

/// The shortest text that reads back as the same double; "" for NaN and infinities.
std::string exact(double value);
/// 0.4567 -> "45.7"
std::string percent(double share);
/// Of a difference of shares: 0.031 -> "+3.1", 0 -> "±0.0"
std::string points(double share);
/// 8/255 -> "8/255", 0.1 -> "0.1"
std::string epsilon_text(double epsilon);
/// A count or a time: 0.123 -> "0.12", 12.34 -> "12.3", 1234.5 -> "1,235"
std::string brief(double value);
/// 1234567 -> "1,234,567"
std::string grouped(int64_t count);
/// "1 image", "2 images"
std::string counted(int64_t count, const std::string& noun);
/// "2026-01-31T12:00:00Z" -> "2026-01-31 12:00 UTC"
std::string day_and_time(const std::string& iso);
/// {"a", "b"} -> "a; b"
std::string joined(const std::vector<std::string>& texts);
/// Of a record's JSON; {} for "".
nlohmann::ordered_json object_of(const std::string& text);

}  // namespace gauntlet::reports
