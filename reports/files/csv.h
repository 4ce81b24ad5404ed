#pragma once
#include <string>

#include "results/store.h"

namespace gauntlet::reports::files {

/// Tidy: one row a cell, RFC 4180 quoting, empty where there is no number.
std::string report_csv(const results::Store::Run& run);
/// Tidy: one row an image that was certified, without an answer or radius where it abstained; one
/// row for a certification without a result.
std::string certified_csv(const results::Store::Run& run);
/// Tidy: one row a difference from a baseline.
std::string differences_csv(const results::Store::Run& run);
}  // namespace gauntlet::reports::files
