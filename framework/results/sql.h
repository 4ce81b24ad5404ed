// Visitors that turn columns into SQL. Doubles survive whole: infinities are SQLite's own, NaN is
// NULL (SQLite has no NaN). Lists and maps are JSON.
#pragma once
#include <SQLiteCpp/SQLiteCpp.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "results/columns.h"

namespace gauntlet::results {

/// "a, b, c", "a TEXT NOT NULL, …", "?, ?, ?" and "a=excluded.a, …" of a record's columns.
struct ColumnText {
  std::string names, definitions, marks, updates;

  void operator()(const char* name, const auto& field) {
    const std::string comma = names.empty() ? "" : ", ";
    names += comma + name;
    definitions += comma + name + " " + type(field);
    marks += comma + "?";
    updates += comma + name + "=excluded." + name;
  }

 private:
  static std::string type(double) { return "REAL"; }
  static std::string type(const std::optional<int64_t>&) { return "INTEGER"; }
  static std::string type(int64_t) { return "INTEGER NOT NULL"; }
  static std::string type(int) { return "INTEGER NOT NULL"; }
  static std::string type(bool) { return "INTEGER NOT NULL"; }
  static std::string type(const auto&) { return "TEXT NOT NULL"; }
};

template <typename Record>
const ColumnText& columns() {
  static const ColumnText text = [] {
    ColumnText made;
    visit_columns(made, Record{});
    return made;
  }();
  return text;
}

/// Binds fields to a statement's marks, in order.
class Bind {
 public:
  explicit Bind(SQLite::Statement& statement) : statement_(statement) {}

  void operator()(const char*, const std::string& field) { statement_.bind(++index_, field); }
  void operator()(const char*, int64_t field) { statement_.bind(++index_, field); }
  void operator()(const char*, int field) { statement_.bind(++index_, field); }
  void operator()(const char*, bool field) { statement_.bind(++index_, int{field}); }
  void operator()(const char*, Status field) { statement_.bind(++index_, to_string(field)); }
  void operator()(const char*, double field) {
    if (std::isnan(field))
      statement_.bind(++index_);
    else
      statement_.bind(++index_, field);
  }
  void operator()(const char*, const std::optional<int64_t>& field) {
    if (field)
      statement_.bind(++index_, *field);
    else
      statement_.bind(++index_);
  }
  void operator()(const char*, const Scores& field) { statement_.bind(++index_, to_text(field)); }
  template <typename Container>
  void operator()(const char*, const Container& field) {
    statement_.bind(++index_, nlohmann::json(field).dump());
  }

 private:
  SQLite::Statement& statement_;
  int index_ = 0;
};

/// Reads fields from a row, in order, from column `first` on.
class Read {
 public:
  explicit Read(SQLite::Statement& row, int first = 0) : row_(row), index_(first) {}

  void operator()(const char*, std::string& field) { field = next().getString(); }
  void operator()(const char*, int64_t& field) { field = next().getInt64(); }
  void operator()(const char*, int& field) { field = next().getInt(); }
  void operator()(const char*, bool& field) { field = next().getInt() != 0; }
  void operator()(const char*, Status& field) { field = status_from_string(next().getString()); }
  void operator()(const char*, double& field) {
    const SQLite::Column column = next();
    field = column.isNull() ? std::numeric_limits<double>::quiet_NaN() : column.getDouble();
  }
  void operator()(const char*, std::optional<int64_t>& field) {
    const SQLite::Column column = next();
    field = column.isNull() ? std::nullopt : std::optional(column.getInt64());
  }
  void operator()(const char*, Scores& field) { field = scores_from_text(next().getString()); }
  template <typename Container>
  void operator()(const char*, Container& field) {
    field = nlohmann::json::parse(next().getString()).get<Container>();
  }

 private:
  SQLite::Column next() { return row_.getColumn(index_++); }

  SQLite::Statement& row_;
  int index_;
};

}  // namespace gauntlet::results
