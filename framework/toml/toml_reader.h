// Reading TOML so that every mistake is found and reported at once: suites, registry entries and
// training recipes.
//
//     const Toml file = read_toml("recipe.toml");
//     Problems problems;
//     TableReader recipe(file, "the recipe", problems);
//     recipe.require("epochs", epochs, Range{1, 1000});
//     recipe.read("optimizer", optimizer, OneOf{"sgd", "adam"});   // absent: keeps its value
//     recipe.read("epsilon", epsilon);                             // 0.1 or "8/255"
//     recipe.choose("norm", norm, {{"linf", Norm::kLinf}, {"l2", Norm::kL2}});
//     if (const Toml* data = recipe.table("data")) read_data(*data, problems);
//     const ParamMap rest = recipe.rest();   // or recipe.finish(): any other key is unknown
//     problems.throw_if_any();               // one BadInput, a line for each
//
// Each line reads "file:line:column: what is wrong, what was expected, the nearest valid name".
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bad_input.h"
#include "base/names.h"
#include "base/nearest_name.h"
#include "gauntlet/params.h"

namespace gauntlet::toml {

/// Where something is written. Line 0: the whole of `file`, which may also be a flag ("--set …").
struct Position {
  std::string file;
  int line = 0, column = 0;
};
/// "suite.toml:3:7"
std::string to_string(const Position& position);

/// A value of a TOML file and where it is written. Tables keep the order of the file; dates are
/// kept as text. Positions of list elements and table values are their own.
struct Toml {
  struct Member;
  using List = std::vector<Toml>;
  using Table = std::vector<Member>;

  std::variant<bool, int64_t, double, std::string, List, Table> value;
  Position position;

  template <class T>
  const T* get() const {
    return std::get_if<T>(&value);
  }
  template <class T>
  T* get() {
    return std::get_if<T>(&value);
  }
  /// The value of a key of this table; null if there is none, or this is no table.
  const Toml* find(std::string_view key) const;
  Toml* find(std::string_view key);
  /// Sets a key of this table, replacing the one there is.
  void set(const Member& member);
  void erase(std::string_view key);
};

struct Toml::Member {
  std::string key;
  Position position;  ///< of the key
  Toml value;
};

/// A TOML file. Throws BadInput where it cannot be read or is not TOML (duplicate keys too).
Toml read_toml(const std::filesystem::path& file);
/// TOML text; `name` is the file in positions.
Toml parse_toml(std::string_view text, const std::string& name);
/// The same value without positions.
ParamValue to_param(const Toml& toml);
/// A value as if it had been written at `position`.
Toml from_param(const ParamValue& value, const Position& position);
/// As it would be written, strings without quotes: 8/255.
std::string plain_text(const Toml& toml);

/// What is wrong, collected.
class Problems {
 public:
  void add(const Position& position, const std::string& message);
  /// The complete lines of another reader's error.
  void add(const BadInput& error);
  bool empty() const { return found_.empty(); }
  size_t size() const { return found_.size(); }
  /// Throws one BadInput: files in the order they first came up, lines in order, none twice.
  void throw_if_any() const;

 private:
  struct Found {
    size_t file;
    int line, column;
    std::string text;
    auto operator<=>(const Found&) const = default;
  };
  std::vector<std::string> files_;
  std::vector<Found> found_;
};

/// Reads the keys of one table. Keys that were asked for are known; finish() reports the others.
class TableReader {
 public:
  /// `what` names the table in messages: "the suite", "attack 'pgd'". If `table` is no table, that
  /// is a problem and the reader behaves as if it were empty. Keeps references to all arguments.
  TableReader(const Toml& table, std::string what, Problems& problems);

  /// Reads a value of T's type (bool, int64_t, double, std::string, File, vectors of the first
  /// four), checked against a Range or OneOf. Absent or wrong: `field` keeps its value. Returns
  /// whether it was set.
  template <class T, class... Rule>
  bool read(std::string_view key, T& field, const Rule&... rule) {
    return read_as(spec_of<T>(key, rule...), field, false);
  }
  /// The same; absent is a problem.
  template <class T, class... Rule>
  bool require(std::string_view key, T& field, const Rule&... rule) {
    return read_as(spec_of<T>(key, rule...), field, true);
  }
  /// One of several words.
  template <class E, size_t N>
  bool choose(std::string_view key, E& field, const Name<E> (&names)[N], bool required = false) {
    std::string word;
    if (!read_as(spec_of<std::string>(key, OneOf(words_of(names))), word, required)) return false;
    field = *value_for(names, word);
    return true;
  }

  /// The value of a key as it is, or null.
  const Toml* any(std::string_view key);
  /// The value of a key that must be a table or a list; null if absent or a problem.
  const Toml* table(std::string_view key);
  const Toml* list(std::string_view key);
  /// All keys nobody asked for, as parameters; afterwards they are known.
  ParamMap rest();
  /// Reports every key nobody asked for.
  void finish();

  /// A problem at a key's value, or at the table if it has no such key; `message` is prefixed with
  /// the table and the key.
  void problem(std::string_view key, const std::string& message);
  /// "suite has no 'name', expected a string".
  void missing(std::string_view key, const std::string& expected);

  bool has(std::string_view key) const { return table_.find(key) != nullptr; }
  /// Of the key's value, or of the table.
  Position at(std::string_view key) const;
  const std::string& what() const { return what_; }

 private:
  template <class T, class... Rule>
  static ParamSpec spec_of(std::string_view key, const Rule&... rule) {
    ParamSpec spec{std::string(key), "", detail::ParamTraits<T>::type, {}, {}, {}};
    (detail::add_rule(spec, rule), ...);
    return spec;
  }
  /// The canonical value of a key, if it is there and right.
  std::optional<ParamValue> checked(const ParamSpec& spec, bool required);
  template <class T>
  bool read_as(const ParamSpec& spec, T& field, bool required) {
    const auto value = checked(spec, required);
    if (value) detail::ParamTraits<T>::assign(field, *value);
    return value.has_value();
  }

  const Toml& table_;
  std::string what_;
  Problems& problems_;
  std::vector<std::string> known_;
};

}  // namespace gauntlet::toml
