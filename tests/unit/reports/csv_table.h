#pragma once
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace gauntlet {

/// A reader of RFC 4180 of its own.
inline std::vector<std::vector<std::string>> csv_rows(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1, {""});
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    std::string& field = rows.back().back();
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"')
      field += text[++i];
    else if (c == '"')
      quoted = !quoted;
    else if (!quoted && c == ',')
      rows.back().emplace_back();
    else if (!quoted && c == '\n')
      rows.push_back({""});
    else
      field += c;
  }
  rows.pop_back();  // the last line ends, too
  return rows;
}

inline std::vector<std::map<std::string, std::string>> csv_table(const std::string& text) {
  const auto rows = csv_rows(text);
  std::vector<std::map<std::string, std::string>> records;
  for (size_t i = 1; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].size(), rows[0].size()) << "row " << i;
    auto& record = records.emplace_back();
    for (size_t k = 0; k < rows[i].size(); ++k) record[rows[0].at(k)] = rows[i][k];
  }
  return records;
}

}  // namespace gauntlet
