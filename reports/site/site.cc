// All pages of the boards, and how they are written.
#include "reports/site/site.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include "base/bad_input.h"
#include "base/file_errors.h"
#include "base/write_atomically.h"
#include "reports/page/embedded.h"
#include "reports/site/view.h"
#include "reports/text/free_text.h"

namespace gauntlet::reports::site {
namespace {
namespace fs = std::filesystem;

constexpr const char* kList = "site.txt";

std::vector<std::unique_ptr<RankedBoard>> boards_of(
    const std::vector<BoardDefinition>& definitions,
    const std::vector<boards::BoardEntry>& entries) {
  std::map<BoardName, const BoardDefinition*> names;
  for (const BoardDefinition& definition : definitions) names[definition.name] = &definition;
  std::map<BoardName, std::vector<boards::BoardEntry>> by_board;
  for (const boards::BoardEntry& entry : entries) {
    names.try_emplace(entry.board, nullptr);
    shorten_texts(by_board[entry.board].emplace_back(entry));
  }
  std::vector<std::unique_ptr<RankedBoard>> boards;
  std::vector<BoardName> known;
  for (const auto& [name, definition] : names) {
    boards.push_back(std::make_unique<RankedBoard>(name, definition, std::move(by_board[name])));
    known.push_back(name);
  }
  for (const auto& board : boards)
    if (const auto newest = newest_version(known, board->name.name); newest != board->name)
      board->newer = to_string(*newest);
  // What is asked today comes first.
  std::stable_partition(boards.begin(), boards.end(),
                        [](const auto& board) { return board->newer.empty(); });
  return boards;
}

std::string page_of(std::string_view text, page::View view,
                    const std::vector<std::string_view>& scripts) {
  view["board_style"] = std::string(page::embedded::board_css);
  return page::html_page(text, std::move(view), scripts);
}

/// Names of pages alone: what a list that someone edited cannot lead out of the folder with.
bool is_page_path(const std::string& path) {
  const size_t slash = path.find('/');
  const auto is_name = [](std::string name) {
    if (!name.ends_with(".html")) return false;
    name.resize(name.size() - 5);
    const size_t at = name.find('@');
    return is_file_name(name.substr(0, at)) &&
           (at == std::string::npos ||
            name.find_first_not_of("0123456789", at + 1) == std::string::npos);
  };
  if (slash == std::string::npos) return is_name(path);
  return is_name(path.substr(0, slash) + ".html") && is_name(path.substr(slash + 1));
}

std::set<std::string> listed_in(const fs::path& list) {
  std::set<std::string> paths;
  std::ifstream stream(list);
  for (std::string line; std::getline(stream, line);)
    if (is_page_path(line)) paths.insert(line);
  return paths;
}

std::string list_of(const std::set<std::string>& paths) {
  std::string text;
  for (const std::string& path : paths) text += path + "\n";
  return text;
}

void write_pages(const Site& site, const fs::path& folder) {
  const std::set<std::string> old = listed_in(folder / kList);
  std::set<std::string> now, all = old;
  for (const Site::Page& page : site.pages) {
    now.insert(page.path), all.insert(page.path);
    if (!old.contains(page.path) && fs::exists(folder / page.path))
      throw BadInput(
          (folder / page.path).string() +
          ": exists and was not written by an earlier `board build`; choose another folder");
  }
  // Pages are known as ours before they are there: what a stop leaves can be written again.
  write_atomically(folder / kList, list_of(all));
  for (const Site::Page& page : site.pages) {
    fs::create_directories((folder / page.path).parent_path());
    write_atomically(folder / page.path, page.html);
  }
  for (const std::string& path : old)
    if (!now.contains(path)) fs::remove(folder / path);
  write_atomically(folder / kList, list_of(now));
}

}  // namespace

Site board_site(const std::vector<BoardDefinition>& definitions,
                const std::vector<boards::BoardEntry>& entries) {
  Site site;
  const auto boards = boards_of(definitions, entries);
  site.boards = int64_t(boards.size());
  site.pages.push_back({"index.html", page_of(page::embedded::boards_html_mustache,
                                              index_view_of(boards), {page::embedded::page_js})});
  for (const auto& board : boards) {
    site.pages.push_back(
        {board->id() + ".html",
         page_of(page::embedded::board_html_mustache, view_of(*board),
                 {page::embedded::chart_js, page::embedded::page_js, page::embedded::charts_js})});
    for (const boards::BoardEntry& entry : board->entries) {
      site.pages.push_back({board->id() + "/" + entry.id + ".html",
                            page_of(page::embedded::board_entry_html_mustache,
                                    entry_view_of(*board, entry), {page::embedded::page_js})});
      ++site.entries;
    }
  }
  return site;
}

void write_site(const Site& site, const fs::path& folder) {
  naming_files([&] {
    fs::create_directories(folder);
    write_pages(site, folder);
  });
}

}  // namespace gauntlet::reports::site
