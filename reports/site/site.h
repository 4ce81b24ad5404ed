// The static site of all boards. Made of entries alone; no model runs.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "reports/site/board_definition.h"

namespace gauntlet::reports::site {

struct Site {
  struct Page {
    std::string path;  ///< relative to the site's folder
    std::string html;
  };
  std::vector<Page> pages;
  int64_t boards = 0, entries = 0;
};

/// index.html, <board>.html and <board>/<entry>.html, each complete in itself: no request to
/// anywhere. A board has a page where it has a definition or an entry.
Site board_site(const std::vector<BoardDefinition>& definitions,
                const std::vector<boards::BoardEntry>& entries);

/// Writes the pages file by file, each atomically, and a list of them, site.txt; removes what an
/// earlier list names and this site does not have. No other file is touched. Throws BadInput where
/// something cannot be written.
void write_site(const Site& site, const std::filesystem::path& folder);

}  // namespace gauntlet::reports::site
