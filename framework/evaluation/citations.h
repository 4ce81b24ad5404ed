// The literature behind a suite, kept with a run so that its reports need no plugin.
#pragma once
#include <nlohmann/json.hpp>

#include "evaluation/laboratory.h"

namespace gauntlet::evaluation {

/// [{"of": "attack/pgd", "bibtex": "…"}, …]: Gauntlet, the data set, every model and how it was
/// trained, every plugin that takes part. A plugin's text is NAME.bib beside its library; what has
/// none is left out.
nlohmann::json citations_of(const suite::Suite& suite, const Laboratory& laboratory);

}  // namespace gauntlet::evaluation
