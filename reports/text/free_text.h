// What others wrote (names, exceptions of plugins, notes of entries), made fit to be shown.
#pragma once
#include <string>
#include <string_view>

#include "boards/entry.h"
#include "results/store.h"

namespace gauntlet::reports {

/// Bytes of it that reports keep: of names, of sentences, of citations and descriptions.
inline constexpr size_t kLongestName = 400, kLongestText = 2000, kLongestNote = 20'000;
/// Of a suite or of all literature, where a page shows it.
inline constexpr size_t kLongestListing = 400'000;
/// Findings of one record that reports keep.
inline constexpr size_t kMostFindings = 50;

/// The beginning of a text of more than `longest` bytes, how much was left out, and the sum of it
/// all, so that different texts stay different: "abc… (8,388,208 bytes left out, SHA-256
/// 1a2b3c4d)".
std::string shortened(const std::string& text, size_t longest);

/// Valid UTF-8 whose hidden characters (is_hidden) are shown by their code: "[U+202E]". Line breaks
/// and tabs stay; a byte that is no UTF-8 is U+FFFD.
std::string visible(const std::string& text);

/// The same for JSON as it is written: what its strings hide is escaped, so that they read back as
/// they are.
std::string escape_hidden(const std::string& json);

/// The address of a web page (http, https), or "": anything else is text and no link.
std::string web_address(const std::string& link);

/// Shortens every text of the records that others wrote, equal ones alike: names stay keys.
void shorten_texts(results::Store::Run& run);
void shorten_texts(boards::BoardEntry& entry);

}  // namespace gauntlet::reports
