#pragma once
#include <charconv>
#include <cstdint>
#include <string>

#include "reports/text/free_text.h"
#include "reports/text/text.h"

namespace gauntlet::reports::files {

/// A row of RFC 4180; lines end in \n, as every reader of CSV takes it. A text that a spreadsheet
/// would take for a formula begins with an apostrophe; hidden characters are shown by their code.
class CsvRow {
 public:
  CsvRow& operator<<(const std::string& field) {
    const std::string text = visible(field);
    return add(is_formula(text) ? "'" + text : text);
  }
  CsvRow& operator<<(int64_t value) { return add(std::to_string(value)); }
  CsvRow& operator<<(double value) { return add(exact(value)); }
  CsvRow& operator<<(bool value) { return add(value ? "true" : "false"); }
  std::string line() const { return text_ + '\n'; }

 private:
  /// What begins one in some spreadsheet, in wide characters too; a number is none.
  static bool is_formula(const std::string& text) {
    if (text.empty()) return false;
    const bool wide = text.starts_with("\uff1d") || text.starts_with("\uff0b") ||
                      text.starts_with("\uff0d") || text.starts_with("\uff20");
    if (!wide && std::string_view("=+-@\t\n").find(text[0]) == std::string_view::npos) return false;
    double number = 0;
    const char *begin = text.data() + (text[0] == '+'), *end = text.data() + text.size();
    const auto read = std::from_chars(begin, end, number);
    return read.ec != std::errc() || read.ptr != end;
  }

  CsvRow& add(const std::string& field) {
    if (!first_) text_ += ',';
    first_ = false;
    if (field.find_first_of(",\"\r\n") == std::string::npos) {
      text_ += field;
      return *this;
    }
    text_ += '"';
    for (const char c : field) text_ += c == '"' ? "\"\"" : std::string(1, c);
    text_ += '"';
    return *this;
  }

  std::string text_;
  bool first_ = true;
};

}  // namespace gauntlet::reports::files
