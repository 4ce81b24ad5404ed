// Words and numbers of the command line, told apart before any of it is taken.
#pragma once
#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace gauntlet::cli {

/// Refuses words that no command takes: a command that is none, an option that is none (each with
/// the nearest), an option whose value is another option. Throws BadInput with one sentence.
void check_words(CLI::App& app, const std::vector<std::string>& words);

/// "gauntlet data get", as far as `words` name commands.
std::string command_named(CLI::App& app, const std::vector<std::string>& words);

/// The value of an option: a whole number in [least, most], in decimal digits (010 is ten).
CLI::Validator whole(int64_t least, int64_t most);
/// The same of any number, or a fraction: finite, in [least, most].
CLI::Validator real(double least, double most);
/// The same of pixels in [0, 1]; what looks like one of 0 to 255 is told so.
CLI::Validator pixels(double least, double most);

}  // namespace gauntlet::cli
