#include "reports/citations.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "reports/text/latex.h"
#include "reports/text/text.h"

namespace gauntlet::reports {
namespace {

/// Where the brace at `open` is closed; npos: never.
size_t closing_brace(const std::string& text, size_t open) {
  int depth = 0;
  for (size_t i = open; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '{') {
      ++depth;
    } else if (text[i] == '}' && --depth == 0) {
      return i;
    }
  }
  return std::string::npos;
}

bool is_key(const std::string& key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return std::isalnum(uint8_t(c)) || std::string_view(":.+/_-").find(c) != std::string_view::npos;
  });
}

/// "@type{key, …}" that begins at `at`.
std::optional<Citation> entry_at(const std::string& text, size_t at) {
  const size_t open = text.find('{', at),
               end = open == std::string::npos ? std::string::npos : closing_brace(text, open);
  if (end == std::string::npos) return {};
  if (!std::all_of(text.begin() + int64_t(at) + 1, text.begin() + int64_t(open),
                   [](char c) { return std::isalpha(uint8_t(c)); }) ||
      open == at + 1)
    return {};
  const size_t comma = text.find(',', open);
  if (comma == std::string::npos || comma > end) return {};
  std::string key = text.substr(open + 1, comma - open - 1);
  key.erase(std::remove_if(key.begin(), key.end(), [](char c) { return std::isspace(uint8_t(c)); }),
            key.end());
  if (!is_key(key)) return {};
  return Citation{key, text.substr(at, end + 1 - at)};
}

std::vector<Citation> entries_in(const std::string& text) {
  std::vector<Citation> out;
  for (size_t at = text.find('@'); at != std::string::npos; at = text.find('@', at)) {
    const std::optional<Citation> entry = entry_at(text, at);
    if (entry) out.push_back(*entry);
    at += entry ? entry->bibtex.size() : 1;
  }
  return out;
}

Citation note_of(const std::string& what, const std::string& text) {
  const std::string key = slug_of(what).empty() ? "note" : slug_of(what);
  return {key, "@misc{" + key + ",\n  title = {" + latex(what) + "},\n  note  = {" + latex(text) +
                   "}\n}"};
}

/// Layout is no difference.
std::string without_space(const std::string& text) {
  std::string out;
  for (const char c : text)
    if (!std::isspace(uint8_t(c))) out += c;
  return out;
}

/// BibTeX refuses a file with one key twice.
void add_once(std::vector<Citation>& list, Citation entry) {
  const std::string key = entry.key;
  for (int number = 2;; ++number) {
    const auto known = std::find_if(list.begin(), list.end(),
                                    [&](const Citation& other) { return other.key == entry.key; });
    if (known == list.end()) break;
    if (without_space(known->bibtex) == without_space(entry.bibtex)) return;
    const size_t at = entry.bibtex.find(entry.key, entry.bibtex.find('{'));
    const std::string other = key + "-" + std::to_string(number);
    entry.bibtex.replace(at, entry.key.size(), other);
    entry.key = other;
  }
  list.push_back(std::move(entry));
}

}  // namespace

std::vector<Citation> citations_of(const results::Store::Run& run) {
  std::vector<Citation> out;
  const auto settings = object_of(run.settings);
  const auto list = settings.find("citations");
  if (list == settings.end() || !list->is_array()) return out;
  for (const auto& one : *list) {
    if (!one.is_object() || !one.contains("bibtex") || !one["bibtex"].is_string()) continue;
    const std::string text = one["bibtex"];
    std::vector<Citation> entries = entries_in(text);
    const bool blank = without_space(text).empty();
    if (entries.empty() && !blank) {
      const auto of = one.find("of");
      const bool named = of != one.end() && of->is_string();
      entries.push_back(note_of(named ? of->get<std::string>() : "note", text));
    }
    for (Citation& entry : entries) add_once(out, std::move(entry));
  }
  return out;
}

}  // namespace gauntlet::reports
