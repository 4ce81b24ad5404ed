// report.html and report.md, and those of a comparison: one view through two templates.
#include <kainjow/mustache.hpp>

#include "reports/embedded.h"
#include "reports/report.h"
#include "reports/view.h"

namespace gauntlet {
namespace {

/// Names must not become markup, links or new table cells.
std::string escape_markdown(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      safe += ' ';
    } else if (c == '<') {
      safe += "&lt;";
    } else {
      if (std::string_view("\\`*_[]|#!~>").find(c) != std::string_view::npos) safe += '\\';
      safe += c;
    }
  }
  return safe;
}

/// Partials are put in before rendering: as text they are part of the template.
std::string with_partials(std::string text) {
  const std::pair<std::string_view, std::string_view> partials[] = {
      {"{{>head}}", embedded::head_html_mustache},
      {"{{>theme}}", embedded::theme_html_mustache},
      {"{{>rows}}", embedded::rows_html_mustache},
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
  return render(with_partials(std::string(text)), view,
                kainjow::mustache::html_escape<std::string>);
}

std::string script_data(const View& value) {
  // A name that is no UTF-8 must not end the report.
  std::string text = value.dump(-1, ' ', false, View::error_handler_t::replace), safe;
  for (const char c : text) {
    if (c == '<')
      safe += "\\u003c";  // else "</script>" in a name would end the element
    else
      safe += c;
  }
  return safe;
}

std::string report_html(const RunRecords& records) {
  const Summary summary(records.run);
  View view = view_of(summary);
  view["style"] = std::string(embedded::report_css);
  view["script"] = std::string(embedded::report_js);
  view["attack_costs_head"] = View{{"kind", "Attack"}};
  view["defense_costs_head"] = View{{"kind", "Defense"}};
  return render(with_partials(std::string(embedded::report_html_mustache)), view,
                kainjow::mustache::html_escape<std::string>);
}

std::string comparison_html(const ComparisonPage& page) {
  View view = view_of(page);
  view["style"] = std::string(embedded::report_css);
  view["script"] = std::string(embedded::comparison_js);
  return render(embedded::comparison_html_mustache, view,
                kainjow::mustache::html_escape<std::string>);
}

std::string comparison_markdown(const ComparisonPage& page) {
  return render(embedded::comparison_md_mustache, view_of(page), escape_markdown);
}

std::string report_markdown(const Store::Run& run) {
  const Summary summary(run);
  return render(embedded::report_md_mustache, view_of(summary), escape_markdown);
}

}  // namespace gauntlet
