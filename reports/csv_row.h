#pragma once
#include <cstdint>
#include <string>

#include "reports/text.h"

namespace gauntlet {

/// A row of RFC 4180; lines end in \n, as every reader of CSV takes it.
class CsvRow {
 public:
  CsvRow& operator<<(const std::string& field) {
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
  CsvRow& operator<<(int64_t value) { return *this << std::to_string(value); }
  CsvRow& operator<<(double value) { return *this << exact(value); }
  CsvRow& operator<<(bool value) { return *this << std::string(value ? "true" : "false"); }
  std::string line() const { return text_ + '\n'; }

 private:
  std::string text_;
  bool first_ = true;
};

}  // namespace gauntlet
