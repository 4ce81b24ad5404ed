// Files below reports/ that travel inside the program. CMakeLists.txt makes the definitions.
#pragma once
#include <string_view>

namespace gauntlet::reports::page::embedded {

extern const std::string_view report_schema_json;
extern const std::string_view report_html_mustache, head_html_mustache, theme_html_mustache,
    tools_html_mustache, rows_html_mustache, audit_html_mustache, cost_head_html_mustache,
    cost_row_html_mustache, numbers_html_mustache;
extern const std::string_view report_css, page_js, charts_js, report_js;
extern const std::string_view chart_js;  ///< Chart.js, of the system's package
extern const std::string_view report_md_mustache;
extern const std::string_view comparison_html_mustache, comparison_md_mustache;

extern const std::string_view boards_html_mustache, board_html_mustache, board_entry_html_mustache;
extern const std::string_view board_css;

}  // namespace gauntlet::reports::page::embedded
