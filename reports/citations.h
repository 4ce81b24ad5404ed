// The literature behind a run.
#pragma once
#include <string>
#include <vector>

#include "results/store.h"

namespace gauntlet::reports {

/// One entry of a BibTeX file.
struct Citation {
  std::string key;     ///< "madry2018towards"
  std::string bibtex;  ///< "@inproceedings{madry2018towards, …}"
};

/// Of everything a run used, as its settings kept it, each once: plugins, data, models, Gauntlet.
/// Empty for runs that kept none. A text that is no BibTeX becomes the note of an entry.
std::vector<Citation> citations_of(const results::Store::Run& run);

}  // namespace gauntlet::reports
