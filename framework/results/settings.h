// What a run was asked, as its settings say it: the one reader of Run::settings. Who shows settings
// or compares them takes them as they are.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "results/threat.h"

namespace gauntlet::results {

struct Settings {
  struct Row {
    std::string name;
    std::string baseline;  ///< the row that it is compared with; "": none
  };
  struct Column {
    std::string name;
    bool additional = false;  ///< beyond the attacks of the board
  };
  struct Data {
    std::string sha256;                ///< of the data set's files
    std::vector<std::string> classes;  ///< their names; "" for what is no name
    std::string images;                ///< file of the clean images below artifacts/; "": none
    std::string images_sha256;         ///< of that file; "" in older runs
  };

  std::string suite;
  std::vector<int64_t> seeds;
  std::vector<Threat> threats;
  std::vector<Row> defenses;
  std::vector<Column> attacks;
  Data data;
  bool last_iterate = false;        ///< only what an attack returned counts, no earlier hit
  std::string board, board_sha256;  ///< id and definition; "": it is on no board
};

/// Of Run::settings. Whatever is not there, or not of the type that a run writes, is empty: a store
/// may be of an older version or a stranger's.
Settings settings_of(const std::string& text);

}  // namespace gauntlet::results
