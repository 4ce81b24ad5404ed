#include "cli/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/bad_input.h"
#include "base/nearest_name.h"
#include "gauntlet/params.h"

namespace gauntlet::cli {
namespace {

std::vector<CLI::App*> commands_of(CLI::App& command) {
  return command.get_subcommands([](CLI::App*) { return true; });
}

CLI::App* command_of(CLI::App& group, const std::string& word) {
  for (CLI::App* command : commands_of(group))
    if (command->check_name(word)) return command;
  return nullptr;
}

std::string names_of(CLI::App& group) {
  std::string text;
  for (CLI::App* command : commands_of(group))
    text += (text.empty() ? "" : ", ") + command->get_name();
  return text;
}

// The command that the words name, its whole name, and how many words that took.
struct Named {
  CLI::App* command;
  std::string path;
  size_t words;
};

Named named(CLI::App& app, const std::vector<std::string>& words) {
  Named found{&app, "gauntlet", 0};
  while (found.words < words.size()) {
    CLI::App* next = command_of(*found.command, words[found.words]);
    if (!next) break;
    found.command = next;
    found.path += " " + words[found.words++];
  }
  return found;
}

[[noreturn]] void refuse_command(const Named& found, const std::string& word) {
  if (word.ends_with(".toml"))
    throw BadInput(found.path + ": '" + word + "' is no command; 'gauntlet run " + word +
                   "' runs a suite, 'gauntlet check " + word + "' prints its plan");
  std::vector<std::string> names;
  for (CLI::App* command : commands_of(*found.command)) {
    names.push_back(command->get_name());
    for (const std::string& alias : command->get_aliases()) names.push_back(alias);
  }
  const std::string near = nearest_name(word, names);
  throw BadInput(found.path + ": there is no command '" + word + "'" +
                 (near.empty() ? "; known: " + names_of(*found.command)
                               : ", did you mean '" + found.path + " " + near + "'?"));
}

bool takes_value(const CLI::Option& option) { return option.get_items_expected_min() > 0; }

const CLI::Option* option_of(const CLI::App& command, const std::string& word) {
  for (const CLI::Option* option : command.get_options())
    if (!option->get_positional() && option->check_name(word)) return option;
  return nullptr;
}

[[noreturn]] void refuse_option(const Named& found, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::Option* option : found.command->get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  throw BadInput(found.path + ": there is no option '" + word + "'" + suggestion(word, names));
}

bool is_option(const std::string& word) {
  return word.size() > 1 && word[0] == '-' && !parse_fraction(word);
}

// The words behind the command.
void check_options(const Named& found, const std::vector<std::string>& words) {
  const CLI::Option* waiting = nullptr;  // for its value
  for (size_t i = found.words; i < words.size() && words[i] != "--"; ++i) {
    const std::string& word = words[i];
    const std::string name = word.substr(0, word.find('='));
    if (waiting) {
      if (word.starts_with("--") || (is_option(word) && option_of(*found.command, name)))
        throw BadInput(found.path + ": " + waiting->get_name() + " has no value before '" + word +
                       "'; if that is its value, write " + waiting->get_name() + "=" + word);
      waiting = nullptr;
      continue;
    }
    if (!is_option(word)) continue;
    const CLI::Option* option = option_of(*found.command, name);
    if (!option) refuse_option(found, name);
    if (takes_value(*option) && name == word) waiting = option;
  }
  if (waiting) throw BadInput(found.path + ": " + waiting->get_name() + " has no value");
}
}  // namespace

void check_words(CLI::App& app, const std::vector<std::string>& words) {
  const Named found = named(app, words);
  const bool group = !commands_of(*found.command).empty();
  if (!group) return check_options(found, words);
  if (found.words == words.size())
    throw BadInput(found.path + ": a command is missing, expected one of " +
                   names_of(*found.command));
  const std::string& word = words[found.words];
  if (!is_option(word)) refuse_command(found, word);
  if (!option_of(*found.command, word)) refuse_option(found, word);
}

std::string command_named(CLI::App& app, const std::vector<std::string>& words) {
  return named(app, words).path;
}

CLI::Validator whole(int64_t least, int64_t most) {
  const std::string range = fmt::format("in [{}, {}]", least, most);
  return CLI::Validator(
      [=](std::string& text) -> std::string {
        int64_t value = 0;
        const char* last = text.data() + text.size();
        const auto [end, error] = std::from_chars(text.data(), last, value);
        if (text.empty() || end != last || (error != std::errc{} && end == text.data()))
          return "'" + text + "' is not a whole number, expected one " + range;
        if (error != std::errc{} || value < least || value > most) return text + " is not " + range;
        text = std::to_string(value);
        return "";
      },
      range);
}

namespace {
std::string take_real(std::string& text, double least, double most) {
  const std::string range = fmt::format("in [{}, {}]", least, most);
  const std::optional<double> value = parse_fraction(text);
  if (!value) return "'" + text + "' is not a number, expected one " + range;
  if (*value < least || *value > most) return text + " is not " + range;
  text = fmt::format("{}", *value);
  return "";
}
}  // namespace

CLI::Validator real(double least, double most) {
  return CLI::Validator([=](std::string& text) { return take_real(text, least, most); },
                        fmt::format("in [{}, {}]", least, most));
}

CLI::Validator pixels(double least, double most) {
  return CLI::Validator(
      [=](std::string& text) {
        const std::string wrong = take_real(text, least, most);
        const double value = parse_fraction(text).value_or(0);
        return value > most ? wrong + "; pixels are in [0, 1], write " + text + "/255" : wrong;
      },
      fmt::format("in [{}, {}]", least, most));
}

}  // namespace gauntlet::cli
