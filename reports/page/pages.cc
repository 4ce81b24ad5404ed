// report.html and report.md, and those of a comparison: one view through two templates.
#include "reports/page/pages.h"

#include <algorithm>
#include <cctype>
#include <kainjow/mustache.hpp>

#include "reports/citations.h"
#include "reports/page/comparison.h"
#include "reports/page/embedded.h"
#include "reports/page/gallery.h"
#include "reports/page/view.h"
#include "reports/text/free_text.h"

namespace gauntlet::reports::page {
namespace {

/// Whether "&" at `at` begins what Markdown reads as a character: "&lt;", "&#x3c;".
bool is_entity(const std::string& text, size_t at) {
  size_t end = at + 1;
  while (end < text.size() && (std::isalnum(uint8_t(text[end])) || text[end] == '#')) ++end;
  return end > at + 1 && end < text.size() && text[end] == ';';
}

/// Whether the colon at `at` ends the name of a scheme that a link must not have.
bool is_bad_scheme(const std::string& text, size_t at) {
  for (const std::string_view scheme : {"javascript", "vbscript", "data", "file"}) {
    if (at < scheme.size()) continue;
    const auto same = [](char a, char b) { return std::tolower(uint8_t(a)) == b; };
    if (std::equal(scheme.begin(), scheme.end(), text.begin() + int64_t(at - scheme.size()),
                   [&](char b, char a) { return same(a, b); }))
      return true;
  }
  return false;
}

/// Names must not become markup, links or new table cells, for readers too that know no escapes.
std::string escape_markdown(const std::string& raw) {
  const std::string text = visible(raw);
  std::string safe;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      safe += ' ';
    } else if (c == '<') {
      safe += "&lt;";
    } else if (c == '&') {
      safe += is_entity(text, i) ? "&amp;" : "&";
    } else {
      const bool begins_address = c == '(' && i > 0 && text[i - 1] == ']';
      const bool ends_scheme = c == ':' && is_bad_scheme(text, i);
      if (begins_address || ends_scheme ||
          std::string_view("\\`*_[]|#!~>$").find(c) != std::string_view::npos)
        safe += '\\';
      safe += c;
    }
  }
  return safe;
}

std::string escape_html(const std::string& text) {
  return kainjow::mustache::html_escape<std::string>(visible(text));
}

/// Partials are put in before rendering: as text they are part of the template.
std::string with_partials(std::string text) {
  const std::pair<std::string_view, std::string_view> partials[] = {
      {"{{>head}}", embedded::head_html_mustache},
      {"{{>theme}}", embedded::theme_html_mustache},
      {"{{>tools}}", embedded::tools_html_mustache},
      {"{{>rows}}", embedded::rows_html_mustache},
      {"{{>audit}}", embedded::audit_html_mustache},
      {"{{>cost_head}}", embedded::cost_head_html_mustache},
      {"{{>cost_row}}", embedded::cost_row_html_mustache},
      {"{{>numbers}}", embedded::numbers_html_mustache}};
  for (const auto& [mark, partial] : partials)
    for (size_t at; (at = text.find(mark)) != std::string::npos;)
      text.replace(at, mark.size(), partial);
  return text;
}

}  // namespace

std::string html_page(std::string_view text, View view,
                      const std::vector<std::string_view>& scripts) {
  view["style"] = std::string(embedded::report_css);
  std::string all;
  for (const std::string_view script : scripts) all += std::string(script) + "\n";
  view["script"] = all;
  return render(with_partials(std::string(text)), view, escape_html);
}

namespace {

/// What only the page shows: charts, and what happened to single images.
void add_pictures(View& view, const Summary& summary, const results::RunRecords& records) {
  const RunImages images(summary, records.outcomes);
  const ChartsView charts = charts_of(summary);
  const View overlaps = overlaps_of(summary, images);
  view["curves"] = charts.curves;
  view["cost_charts"] = charts.costs;
  view["charts"] = script_data(charts.numbers);
  view["overlaps"] = script_data(overlaps);
  view["transfers"] = transfers_of(summary);
  view["classes"] = classes_of(summary, images);
  view["gallery"] = gallery_of(summary, records, images);
  for (const char* list : {"curves", "cost_charts", "transfers", "classes", "gallery"})
    view[std::string("has_") + list] = !view[list].empty();
  std::string literature;
  for (const Citation& citation : citations_of(records.run))
    literature += (literature.empty() ? "" : "\n\n") + citation.bibtex;
  view["has_citations"] = !literature.empty();
  view["citations"] = shortened(literature, kLongestListing);
  view["has_overlaps"] = !overlaps.empty();
}

}  // namespace

std::string report_html(const results::RunRecords& records) {
  const Summary summary(records.run);
  View view = view_of(summary);
  add_pictures(view, summary, records);
  view["attack_costs_head"] = View{{"kind", "Attack"}};
  view["defense_costs_head"] = View{{"kind", "Defense"}};
  return html_page(
      embedded::report_html_mustache, std::move(view),
      {embedded::chart_js, embedded::page_js, embedded::charts_js, embedded::report_js});
}

std::string comparison_html(const ComparisonPage& page) {
  return html_page(embedded::comparison_html_mustache, view_of(page), {embedded::page_js});
}

std::string comparison_markdown(const ComparisonPage& page) {
  return render(embedded::comparison_md_mustache, view_of(page), escape_markdown);
}

std::string report_markdown(const results::Store::Run& run) {
  const Summary summary(run);
  return render(embedded::report_md_mustache, view_of(summary), escape_markdown);
}

}  // namespace gauntlet::reports::page
