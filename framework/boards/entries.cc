#include "boards/entries.h"

#include <algorithm>
#include <tuple>

#include "base/bad_input.h"
#include "base/file_errors.h"
#include "boards/scores.h"

namespace gauntlet::boards {
namespace {
namespace fs = std::filesystem;

std::vector<fs::path> entry_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& board : fs::directory_iterator(folder)) {
    if (!board.is_directory()) continue;
    for (const auto& file : fs::directory_iterator(board.path()))
      if (file.is_regular_file() && file.path().extension() == ".json")
        files.push_back(file.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::vector<BoardEntry> read_board_results(const fs::path& folder) {
  if (!fs::is_directory(folder))
    throw BadInput(folder.string() + ": no such folder, expected one with a folder for each board");
  std::vector<BoardEntry> entries;
  for (const fs::path& file : naming_files([&] { return entry_files(folder); })) {
    BoardEntry entry = read_board_entry(file);
    if (file.parent_path().filename() != to_string(entry.board))
      throw BadInput(file.string() + ": is an entry of " + to_string(entry.board) +
                     ", expected it in a folder of that name");
    if (const auto wrong = contradictions(entry); !wrong.empty())
      throw BadInput(file.string() + ": " + wrong.front());
    entries.push_back(std::move(entry));
  }
  std::sort(entries.begin(), entries.end(), [](const BoardEntry& a, const BoardEntry& b) {
    return std::tie(a.board, a.id) < std::tie(b.board, b.id);
  });
  return entries;
}

}  // namespace gauntlet::boards
