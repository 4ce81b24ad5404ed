// Sentences about parts of a suite, before it runs (remarks) and after (findings).
#pragma once
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "suite/suite.h"

namespace gauntlet::suite {

/// Collects sentences about cells and tells each once, about as much as it holds for: a column
/// where all rows have it, a row where all columns have it, else cell by cell.
class Remarks {
 public:
  struct Place {
    std::string row, column, threat;
    auto operator<=>(const Place&) const = default;
  };

  /// A cell that is there, with or without remarks.
  void covers(const Place& cell) { all_.insert(cell); }
  /// About a cell; empty sentences are none.
  void add(const Place& cell, const std::string& sentence);
  /// About something else: "threat 'l2'".
  void add(const std::string& about, const std::string& sentence);

  /// "pgd (linf8): 10 steps of 2/255 reach 0.078 of epsilon 0.3", in the order they were added.
  std::vector<std::string> lines() const;

 private:
  struct Found {
    std::string sentence, about;  ///< about: unless it is of cells
    std::set<Place> cells;
  };
  std::vector<std::string> places_of(const std::set<Place>& cells) const;
  bool has_all(const std::set<Place>& cells, std::string Place::*part) const;

  std::set<Place> all_;
  std::vector<Found> found_;
  std::map<std::pair<std::string, std::string>, size_t> known_;  // about, sentence
};

/// What may measure something else than was meant, told from the suite alone: radii, noise and
/// normalisations that look like pixels of 0 to 255.
void remark_on_units(const Suite& suite, Remarks& remarks);

/// As lines below a plan or a table, shown safely; "" where there are none. Long sentences and long
/// lists are cut.
std::string listed(const std::string& title, const std::vector<std::string>& lines);

}  // namespace gauntlet::suite
