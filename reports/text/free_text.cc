#include "reports/text/free_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/sha256.h"
#include "base/utf8.h"
#include "reports/text/text.h"

namespace gauntlet::reports {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

/// How many bytes of printable ASCII it begins with.
size_t plain_bytes(std::string_view text) {
  return size_t(std::find_if(text.begin(), text.end(),
                             [](char c) { return uint8_t(c) < 0x20 || uint8_t(c) >= 0x7f; }) -
                text.begin());
}

void shorten(std::string& text, size_t longest) {
  if (text.size() > longest) text = shortened(text, longest);
}

void shorten_list(std::vector<std::string>& texts, size_t longest) {
  for (std::string& text : texts) shorten(text, longest);
}

std::string more_findings(size_t more) {
  return fmt::format("and {}", counted(int64_t(more), "more finding"));
}

void shorten_findings(std::vector<std::string>& findings) {
  if (findings.size() > kMostFindings) {
    const size_t more = findings.size() - kMostFindings;
    findings.resize(kMostFindings);
    findings.push_back(more_findings(more));
  }
  shorten_list(findings, kLongestText);
}

/// Bytes of all that it holds.
size_t size_of(const results::Finding& finding) {
  return results::object_of(finding)
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
      .size();
}

/// One with long figures becomes the beginning of its words.
void shorten_finding(results::Finding& finding) {
  const std::string where = shortened(std::exchange(finding.where, ""), kLongestName),
                    words = sentence(finding);
  const bool is_remark = finding == results::remark(words);
  if (words.size() > kLongestText || (!is_remark && size_of(finding) > kLongestText))
    finding = results::remark(shortened(words, kLongestText));
  finding.where = where;
}

void shorten_findings(std::vector<results::Finding>& findings) {
  if (findings.size() > kMostFindings) {
    const size_t more = findings.size() - kMostFindings;
    findings.resize(kMostFindings);
    findings.push_back(results::remark(more_findings(more)));
  }
  for (results::Finding& finding : findings) shorten_finding(finding);
}

/// Whether no string of this JSON is longer.
bool has_only_short_strings(const std::string& json, size_t longest) {
  if (json.size() <= longest) return true;
  bool inside = false;
  size_t begin = 0;
  for (size_t i = 0; i < json.size(); ++i) {
    if (inside && json[i] == '\\') {
      ++i;
    } else if (json[i] == '"') {
      if (inside && i - begin > longest) return false;
      inside = !inside;
      begin = i + 1;
    }
  }
  return true;
}

Json with_short_strings(const Json& value, size_t longest) {
  if (value.is_string()) return shortened(value.get_ref<const std::string&>(), longest);
  if (!value.is_structured()) return value;
  Json out = value.is_array() ? Json::array() : Json::object();
  for (const auto& [key, inner] : value.items())
    if (value.is_array())
      out.push_back(with_short_strings(inner, longest));
    else
      out[shortened(key, kLongestName)] = with_short_strings(inner, longest);
  return out;
}

void shorten_json(std::string& text, size_t longest) {
  if (has_only_short_strings(text, longest)) return;
  text = with_short_strings(object_of(text), longest)
             .dump(-1, ' ', false, Json::error_handler_t::replace);
}

void shorten_record(results::CellRecord& record) {
  for (std::string* name : {&record.suite, &record.defense, &record.attack, &record.dataset,
                            &record.split, &record.threat.name, &record.threat.norm})
    shorten(*name, kLongestName);
  shorten(record.reason, kLongestText);
  shorten_findings(record.flags);
  shorten_json(record.parameters, kLongestText);
  shorten_json(record.environment, kLongestText);
}

void shorten_record(results::WorstCase& record) {
  for (std::string* name :
       {&record.suite, &record.defense, &record.threat.name, &record.threat.norm})
    shorten(*name, kLongestName);
  shorten(record.reason, kLongestText);
  shorten_findings(record.flags);
  shorten_list(record.attacks, kLongestName);
  shorten_list(record.missing, kLongestName);
  std::map<std::string, int64_t> decided_by;
  for (const auto& [attack, images] : record.decided_by)
    decided_by[shortened(attack, kLongestName)] = images;
  record.decided_by = std::move(decided_by);
}

void shorten_record(results::RowAudit& record) {
  for (std::string* name :
       {&record.suite, &record.defense, &record.threat.name, &record.threat.norm})
    shorten(*name, kLongestName);
  shorten(record.reason, kLongestText);
  if (record.checks.size() > kMostFindings) record.checks.resize(kMostFindings);
  for (results::Check& check : record.checks) {
    shorten(check.finding.code, kLongestName), shorten(check.finding.where, kLongestName);
    for (auto& [_, figure] : check.finding.figures)
      if (auto* text = std::get_if<std::string>(&figure)) shorten(*text, kLongestText);
  }
}

void shorten_record(results::Certification& record) {
  for (std::string* name : {&record.suite, &record.defense, &record.dataset, &record.split})
    shorten(*name, kLongestName);
  shorten(record.reason, kLongestText);
  shorten_findings(record.flags);
  shorten_json(record.parameters, kLongestText);
  shorten_json(record.environment, kLongestText);
}

}  // namespace

std::string shortened(const std::string& text, size_t longest) {
  if (text.size() <= longest) return text;
  size_t end = longest;
  while (end > 0 && (uint8_t(text[end]) & 0xc0) == 0x80) --end;  // not within a character
  return fmt::format("{}… ({} bytes left out, SHA-256 {})", text.substr(0, end),
                     grouped(int64_t(text.size() - end)), sha256(text).substr(0, 8));
}

std::string visible(const std::string& text) {
  std::string out;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t plain = plain_bytes(rest);
    out += rest.substr(0, plain);
    rest.remove_prefix(plain);
    if (rest.empty()) break;
    const Character c = first_character(rest);
    if (!c.valid)
      out += kReplacement;
    else if (rest.starts_with("\r\n") || c.code == '\n' || c.code == '\t' || !is_hidden(c.code))
      out += c.code == '\r' ? "" : rest.substr(0, c.bytes);
    else
      out += fmt::format("[U+{:04X}]", c.code);
    rest.remove_prefix(c.bytes);
  }
  return out;
}

std::string escape_hidden(const std::string& json) {
  std::string out;
  for (std::string_view rest = json; !rest.empty();) {
    const size_t plain = plain_bytes(rest);
    out += rest.substr(0, plain);
    rest.remove_prefix(plain);
    if (rest.empty()) break;
    const Character c = first_character(rest);
    if (!c.valid || c.code < 0x20 || !is_hidden(c.code))
      out += rest.substr(0, c.bytes);
    else if (c.code < 0x10000)
      out += fmt::format("\\u{:04x}", c.code);
    else
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + ((c.code - 0x10000) >> 10),
                         0xdc00 + ((c.code - 0x10000) & 0x3ff));
    rest.remove_prefix(c.bytes);
  }
  return out;
}

std::string web_address(const std::string& link) {
  const size_t colon = link.find("://");
  if (colon == std::string::npos || link.size() == colon + 3) return "";
  std::string scheme = link.substr(0, colon);
  for (char& c : scheme) c = char(std::tolower(uint8_t(c)));
  if (scheme != "http" && scheme != "https") return "";
  const bool has_gap = link.find_first_of(" \t\n<>\"\\") != std::string::npos;
  return has_gap || visible(link) != link ? "" : link;
}

void shorten_texts(results::Store::Run& run) {
  shorten(run.suite, kLongestName);
  shorten_json(run.settings, kLongestNote);
  for (results::CellRecord& record : run.cells) shorten_record(record);
  for (results::WorstCase& record : run.worst_cases) shorten_record(record);
  for (results::Certification& record : run.certifications) shorten_record(record);
  for (results::RowAudit& record : run.audits) shorten_record(record);
  for (results::Difference& one : run.differences)
    for (std::string* name :
         {&one.defense, &one.baseline, &one.attack, &one.threat.name, &one.threat.norm})
      shorten(*name, kLongestName);
  for (results::DistanceCurve& curve : run.distance_curves)
    for (std::string* name :
         {&curve.defense, &curve.attack, &curve.threat.name, &curve.threat.norm})
      shorten(*name, kLongestName);
}

void shorten_texts(boards::BoardEntry& entry) {
  boards::BoardAuthors& about = entry.about;
  for (std::string* name : {&entry.defense, &entry.model, &entry.dataset, &entry.split,
                            &about.authors, &about.contact, &about.link})
    shorten(*name, kLongestName);
  shorten(about.description, kLongestNote);
  shorten(about.bibtex, kLongestNote);
  shorten_list(entry.class_names, kLongestName);
  shorten_findings(entry.findings);
  shorten_json(entry.parameters, kLongestText);
  shorten_json(entry.environment, kLongestText);
  for (boards::BoardThreat& under : entry.threats) {
    shorten(under.threat.name, kLongestName);
    for (boards::BoardAttack& attack : under.attacks) {
      for (std::string* name : {&attack.name, &attack.plugin, &attack.source})
        shorten(*name, kLongestName);
      shorten_json(attack.parameters, kLongestText);
      for (boards::BoardAttack::Cell& cell : attack.cells) shorten_record(cell.record);
    }
  }
  for (results::Certification& record : entry.certifications) shorten_record(record);
}

}  // namespace gauntlet::reports
