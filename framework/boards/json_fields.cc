#include "boards/json_fields.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/nearest_name.h"
#include "base/shown.h"

namespace gauntlet::boards {
namespace {

constexpr int64_t kMostRows = 1'000'000;
constexpr int kDeepest = 100;

bool is_plain(const Json& json) { return !json.is_structured(); }

void append(std::string& text, const Json& json, const std::string& margin) {
  const bool flat =
      json.empty() || (json.is_array() && std::all_of(json.begin(), json.end(), is_plain));
  if (is_plain(json) || flat) {
    text += json.dump();
    return;
  }
  const std::string inner = margin + "  ";
  const char* separator = "\n";
  text += json.is_array() ? "[" : "{";
  for (const auto& [name, value] : json.items()) {
    text += std::exchange(separator, ",\n") + inner;
    if (json.is_object()) text += Json(name).dump() + ": ";
    append(text, value, inner);
  }
  text += "\n" + margin + (json.is_array() ? "]" : "}");
}

bool is_time(const std::string& text) {
  const std::string_view pattern = "dddd-dd-ddTdd:dd:ddZ";
  return std::equal(text.begin(), text.end(), pattern.begin(), pattern.end(),
                    [](char c, char p) { return p == 'd' ? c >= '0' && c <= '9' : c == p; });
}

bool is_sha256(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// nlohmann's parser keeps the last of equal keys, and goes as deep as the text does.
class Strictness {
 public:
  explicit Strictness(const JsonPlace& file) : file_(file) {}
  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    using Event = Json::parse_event_t;
    if (depth > kDeepest) file_.fail("is nested too deeply");
    if (event == Event::object_start) keys_.emplace_back();
    if (event == Event::object_end) keys_.pop_back();
    if (event == Event::key && !keys_.back().insert(parsed.get<std::string>()).second)
      file_.fail("has the key " + shown(parsed.get<std::string>()) + " twice in one object");
    return true;
  }

 private:
  const JsonPlace& file_;
  std::vector<std::set<std::string>> keys_;
};

}  // namespace

JsonPlace JsonPlace::member(const std::string& name) const {
  JsonPlace out = *this;
  out.path_ += (path_.empty() ? "" : ".") + name;
  return out;
}

JsonPlace JsonPlace::item(size_t index) const {
  JsonPlace out = *this;
  out.path_ += "[" + std::to_string(index) + "]";
  return out;
}

void JsonPlace::fail(const std::string& problem) const {
  throw BadInput(file_ + ": " + (path_.empty() ? "" : path_ + " ") + problem);
}

void JsonPlace::unexpected(const Json& value, const std::string& expected) const {
  fail("is " + (value.is_structured() ? std::string(value.type_name()) : shown(value.dump())) +
       ", expected " + expected);
}

Json parse_strictly(std::string_view text, const JsonPlace& file, size_t limit) {
  if (text.size() > limit)
    file.fail("has " + std::to_string(text.size()) + " bytes, expected at most " +
              std::to_string(limit));
  try {
    return Json::parse(text, Strictness(file));
  } catch (const nlohmann::json::exception& error) {
    file.fail("is not JSON: " + shown(error.what()));
  }
}

std::string json_text(const Json& json) {
  std::string text;
  append(text, json, "");
  return text + "\n";
}

Json checked_object(const std::string& text) {
  Json json = Json::parse(text.empty() ? "{}" : text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) throw std::invalid_argument("not a JSON object: " + shown(text));
  return json;
}

void check_text(const JsonPlace& place, const Json& json, Must must) {
  if (must == Must::kObject) {
    if (!json.is_object()) place.unexpected(json, "an object");
    return;
  }
  if (!json.is_string()) place.unexpected(json, "a text");
  const auto& text = json.get_ref<const std::string&>();
  if (must == Must::kSay && text.empty()) place.fail("is empty, expected a text");
  if (must == Must::kSha256 && !is_sha256(text))
    place.unexpected(json, "a SHA-256 sum of 64 hex digits");
  if (must == Must::kTime && !is_time(text))
    place.unexpected(json, "a time as 2026-01-31T12:00:00Z");
}

double checked_number(const JsonPlace& place, const Json& json, Must must) {
  if (json.is_null() && must == Must::kAny) return std::nan("");
  const char* expected = must == Must::kShare   ? "a number from 0 to 1"
                         : must == Must::kCount ? "a number of at least 0"
                                                : "a number";
  if (!json.is_number()) place.unexpected(json, expected);
  const auto value = json.get<double>();
  if (!std::isfinite(value) || (must != Must::kAny && value < 0) ||
      (must == Must::kShare && value > 1))
    place.unexpected(json, expected);
  return value;
}

int64_t checked_integer(const JsonPlace& place, const Json& json, Must must) {
  const char* expected =
      must == Must::kCount ? "a whole number from 0 to 1000000000000" : "a whole number";
  // Beyond 64 bits nlohmann reads a floating-point number.
  if (!json.is_number_integer()) place.unexpected(json, expected);
  if (json.is_number_unsigned() && json.get<uint64_t>() > uint64_t(INT64_MAX))
    place.unexpected(json, expected);
  const auto value = json.get<int64_t>();
  if (must == Must::kCount && (value < 0 || value > kMostCount)) place.unexpected(json, expected);
  return value;
}

void read_finding(const JsonPlace& place, const Json& json, results::Finding& to) {
  try {
    to = nlohmann::json(json).get<results::Finding>();
  } catch (const std::invalid_argument& error) {
    place.fail(error.what());
  }
}

Json packed_column(const Json& values, bool first) {
  if (values.empty()) return values;
  if (!first) {
    const auto same = [&](const Json& value) { return value == values[0]; };
    return std::all_of(values.begin(), values.end(), same) ? values[0] : values;
  }
  const auto from = values[0].get<int64_t>();
  for (size_t i = 0; i < values.size(); ++i)
    if (values[i].get<int64_t>() != from + int64_t(i)) return values;
  return {{"from", from}, {"count", values.size()}};
}

std::vector<int64_t> unpacked_column(const JsonPlace& place, const Json& column) {
  std::vector<int64_t> out;
  if (column.is_array()) {
    for (size_t i = 0; i < column.size(); ++i)
      out.push_back(checked_integer(place.item(i), column[i], Must::kCount));
    return out;
  }
  JsonReader range(place, column);
  int64_t from = 0, count = 0;
  range("from", from, Must::kCount);
  range("count", count, Must::kCount);
  range.finish();
  if (count > kMostRows || from > INT64_MAX - count)
    place.fail("is a range of " + std::to_string(count) + ", expected at most " +
               std::to_string(kMostRows));
  for (int64_t i = 0; i < count; ++i) out.push_back(from + i);
  return out;
}

JsonReader::JsonReader(const JsonPlace& place, const Json& json) : place_(place), json_(json) {
  if (!json.is_object()) place.unexpected(json, "an object");
}

const Json* JsonReader::find(const std::string& name) {
  known_.push_back(name);
  const auto at = json_.find(name);
  return at == json_.end() ? nullptr : &*at;
}

const Json& JsonReader::required(const std::string& name) {
  const Json* value = find(name);
  if (!value) place_.fail("has no '" + name + "'");
  return *value;
}

void JsonReader::finish() const {
  for (const auto& [name, _] : json_.items())
    if (std::find(known_.begin(), known_.end(), name) == known_.end())
      place_.fail("has an unknown key " + shown(name) + suggestion(name, known_));
}

}  // namespace gauntlet::boards
