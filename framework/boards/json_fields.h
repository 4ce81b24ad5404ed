// Records as JSON files that people send each other: the fields of a type are said once, as
//     template <class Visitor, Is<Thing> Record>
//     void visit_fields(Visitor&& visit, Record&& thing) { visit("name", thing.name, Must::kSay); }
// and visited by a writer and by a strict reader.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bad_input.h"
#include "results/columns.h"

namespace gauntlet::boards {

using Json = nlohmann::ordered_json;

/// Of passes and the like: sums of them do not overflow.
constexpr int64_t kMostCount = 1'000'000'000'000;

/// What a value must be besides its type.
enum class Must {
  kAny,
  kSay,     ///< text that is not empty
  kShare,   ///< number from 0 to 1
  kCount,   ///< number from 0 on; whole ones to kMostCount
  kSha256,  ///< 64 hex digits, lower case
  kTime,    ///< "2026-01-31T12:00:00Z"
  kObject,  ///< text that holds a JSON object and is written as one
};

/// "FILE: threats[0].epsilon": a place in a JSON file, and errors about it.
class JsonPlace {
 public:
  explicit JsonPlace(std::string file) : file_(std::move(file)) {}
  JsonPlace member(const std::string& name) const;
  JsonPlace item(size_t index) const;
  /// Throws BadInput: "FILE: place: problem".
  [[noreturn]] void fail(const std::string& problem) const;
  /// The same: "FILE: place is VALUE, expected …".
  [[noreturn]] void unexpected(const Json& value, const std::string& expected) const;

 private:
  std::string file_, path_;
};

/// JSON text without keys that are there twice, trailing text or more than `limit` bytes.
Json parse_strictly(std::string_view text, const JsonPlace& file, size_t limit);
/// Members of objects a line each, lists of plain values on one line. Ends with a line break.
std::string json_text(const Json& json);

Json checked_object(const std::string& text);
void check_text(const JsonPlace& place, const Json& json, Must must);
double checked_number(const JsonPlace& place, const Json& json, Must must);
void read_finding(const JsonPlace& place, const Json& json, results::Finding& to);
int64_t checked_integer(const JsonPlace& place, const Json& json, Must must);

/// Many small rows as columns. {"from": f, "count": n} is a column of consecutive integers, a plain
/// value a column of equal ones; null is a number that is not finite.
Json packed_column(const Json& values, bool first);
/// Of a first column: its values.
std::vector<int64_t> unpacked_column(const JsonPlace& place, const Json& column);

template <class T>
concept Listed = requires(T list) {
  typename T::value_type;
  list.push_back(list.front());
}
&&!std::same_as<T, std::string>;

/// Makes from_text() of this folder found for types of others.
struct Spelling {};
/// Written as to_string(value), read by from_text(Spelling{}, text, value), which throws
/// std::invalid_argument.
template <class T>
concept Named = requires(const std::string& text, T& value) {
  from_text(Spelling{}, text, value);
};

template <class T>
bool is_unset(const T& field) {
  if constexpr (Listed<T>)
    return field.empty();
  else
    return field == T{};
}

template <class T>
Json json_of(const T& value, Must must = Must::kAny);
template <class T>
void read_json(const JsonPlace& place, const Json& json, T& to, Must must = Must::kAny);

class JsonWriter {
 public:
  template <class T>
  void operator()(const char* name, const T& field, Must must = Must::kAny) {
    json_[name] = json_of(field, must);
  }
  /// Left out where it is what it is from the start.
  template <class T>
  void optional(const char* name, const T& field, Must must = Must::kAny) {
    if (!is_unset(field)) (*this)(name, field, must);
  }
  template <class Row>
  void rows(const char* name, const std::vector<Row>& rows) {
    Json columns = Json::object();
    for (const Row& row : rows)
      results::visit_columns(
          [&](const char* column, const auto& value) {
            if constexpr (requires { *value; })
              columns[column].push_back(value ? Json(*value) : Json(nullptr));
            else
              columns[column].push_back(value);
          },
          row);
    Json& written = json_[name] = Json::object();
    for (auto& [title, column] : columns.items())
      if (const Json packed = packed_column(column, written.empty()); !packed.is_null())
        written[title] = packed;  // null: unset in every row
  }
  Json take() { return std::move(json_); }

 private:
  Json json_ = Json::object();
};

class JsonReader {
 public:
  JsonReader(const JsonPlace& place, const Json& json);

  template <class T>
  void operator()(const char* name, T& field, Must must = Must::kAny) {
    read_json(place_.member(name), required(name), field, must);
  }
  template <class T>
  void optional(const char* name, T& field, Must must = Must::kAny) {
    if (const Json* value = find(name)) read_json(place_.member(name), *value, field, must);
  }
  template <class Row>
  void rows(const char* name, std::vector<Row>& rows) {
    const JsonPlace place = place_.member(name);
    JsonReader columns(place, required(name));
    rows.clear();
    if (columns.json_.empty()) return;
    results::visit_columns(
        [&](const char* column, auto& field) { columns.column(column, field, rows); }, Row{});
    columns.finish();
  }
  /// Any other key is a mistake.
  void finish() const;

 private:
  const Json* find(const std::string& name);
  const Json& required(const std::string& name);

  /// Field number ++at_ of every row; the first column makes the rows.
  template <class T, class Row>
  void column(const char* name, T&, std::vector<Row>& rows) {
    const JsonPlace place = place_.member(name);
    const size_t wanted = at_++;
    if constexpr (requires(T value) { *value; })
      if (!find(name)) return;  // unset in every row
    const Json& values = required(name);
    std::vector<int64_t> firsts;
    if (wanted == 0) {
      firsts = unpacked_column(place, values);
      rows.resize(firsts.size());
    } else if (values.is_array() && values.size() != rows.size()) {
      place.fail("has " + std::to_string(values.size()) + " values, expected one for each of " +
                 std::to_string(rows.size()) + " rows");
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      size_t field = 0;
      results::visit_columns(
          [&](const char*, auto& to) {
            if (field++ != wanted) return;
            if (wanted == 0)
              to = static_cast<std::remove_cvref_t<decltype(to)>>(firsts[i]);
            else
              read_json(place, values.is_array() ? values[i] : values, to);
          },
          rows[i]);
    }
  }

  JsonPlace place_;
  const Json& json_;
  std::vector<std::string> known_;
  size_t at_ = 0;
};

template <class T>
Json json_of(const T& value, Must must) {
  if constexpr (std::same_as<T, std::string>) {
    return must == Must::kObject ? checked_object(value) : Json(value);
  } else if constexpr (std::same_as<T, results::Finding>) {
    return Json(nlohmann::json(value));
  } else if constexpr (Named<T>) {
    return to_string(value);
  } else if constexpr (Listed<T>) {
    Json list = Json::array();
    for (const auto& item : value) list.push_back(json_of(item, must));
    return list;
  } else if constexpr (std::is_arithmetic_v<T>) {
    return value;
  } else if constexpr (requires { *value; }) {
    return json_of(*value, must);
  } else {
    JsonWriter writer;
    visit_fields(writer, value);
    return writer.take();
  }
}

template <class T>
void read_json(const JsonPlace& place, const Json& json, T& to, Must must) {
  if constexpr (std::same_as<T, std::string>) {
    check_text(place, json, must);
    to = must == Must::kObject ? json.dump() : json.get<std::string>();
  } else if constexpr (std::same_as<T, results::Finding>) {
    read_finding(place, json, to);
  } else if constexpr (std::same_as<T, bool>) {
    if (!json.is_boolean()) place.unexpected(json, "true or false");
    to = json.get<bool>();
  } else if constexpr (std::integral<T>) {
    to = T(checked_integer(place, json, must));
  } else if constexpr (std::floating_point<T>) {
    to = checked_number(place, json, must);
  } else if constexpr (Named<T>) {
    check_text(place, json, must);
    try {
      from_text(Spelling{}, json.get<std::string>(), to);
    } catch (const std::invalid_argument& error) {
      place.fail(error.what());
    }
  } else if constexpr (Listed<T>) {
    if (!json.is_array()) place.unexpected(json, "a list");
    to.clear();
    for (size_t i = 0; i < json.size(); ++i)
      read_json(place.item(i), json[i], to.emplace_back(), must);
  } else if constexpr (requires { *to; }) {
    read_json(place, json, to.emplace(), must);
  } else {
    JsonReader reader(place, json);
    visit_fields(reader, to);
    reader.finish();
  }
}

}  // namespace gauntlet::boards
