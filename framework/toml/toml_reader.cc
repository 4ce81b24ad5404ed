#include "toml/toml_reader.h"

#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

#include "base/whole_file.h"
#include "toml/toml_hints.h"

namespace gauntlet::toml {
namespace {

// Deeper tables are refused: whoever walks a suite does so by recursion.
constexpr int kDeepest = 100;

Position position_of(const ::toml::source_region& region, const std::string& file) {
  return {file, int(region.begin.line), int(region.begin.column)};
}

[[noreturn]] void refuse_depth(const Position& position) {
  throw BadInput(to_string(position) + ": lies more than " + std::to_string(kDeepest) +
                 " tables or lists deep, expected no more");
}

// A text and how its values are taken out of it.
class Converter {
 public:
  Converter(std::string_view text, const std::string& file)
      : text_(text), file_(file), has_tiny_(may_have_tiny_numbers(text)) {}

  Toml value(const ::toml::node& node, int depth = 0) const {
    Toml out;
    out.position = position_of(node.source(), file_);
    if (depth > kDeepest) refuse_depth(out.position);
    node.visit([&](const auto& value) {
      using T = std::decay_t<decltype(value)>;
      if constexpr (::toml::is_table<T>) {
        out.value = table(value, depth);
      } else if constexpr (::toml::is_array<T>) {
        Toml::List list;
        for (const ::toml::node& item : value) list.push_back(this->value(item, depth + 1));
        out.value = std::move(list);
      } else if constexpr (::toml::is_string<T> || ::toml::is_integer<T> || ::toml::is_boolean<T>) {
        out.value = value.get();
      } else if constexpr (::toml::is_floating_point<T>) {
        if (has_tiny_ && value.get() == 0) check_zero(out.position);
        out.value = value.get();
      } else {  // dates and times
        std::ostringstream text;
        text << value.get();
        out.value = text.str();
      }
    });
    return out;
  }

 private:
  Toml::Table table(const ::toml::table& table, int depth) const {
    Toml::Table out;
    for (const auto& [key, item] : table)
      out.push_back(
          {std::string(key.str()), position_of(key.source(), file_), value(item, depth + 1)});
    // toml++ sorts by name; a suite's columns come as they are written.
    std::stable_sort(out.begin(), out.end(), [](const Toml::Member& a, const Toml::Member& b) {
      return std::pair(a.position.line, a.position.column) <
             std::pair(b.position.line, b.position.column);
    });
    return out;
  }

  // toml++ reads 1e-400 as 0.
  void check_zero(const Position& position) const {
    const std::string number = number_at(text_, position.line, position.column);
    const std::string digits = number.substr(0, number.find_first_of("eE"));
    if (digits.find_first_of("123456789") != std::string::npos)
      throw BadInput(to_string(position) + ": " + number +
                     " is too small for a number, it would be read as 0");
  }

  std::string_view text_;
  const std::string& file_;
  const bool has_tiny_;
};

std::string wanted(const ParamSpec& spec) {
  if (!spec.one_of.empty()) {
    std::string names;
    for (const std::string& name : spec.one_of) names += (names.empty() ? "'" : ", '") + name + "'";
    return "one of " + names;
  }
  return expectation(spec.type);
}
}  // namespace

std::string to_string(const Position& position) {
  if (position.line == 0) return position.file;
  return position.file + ":" + std::to_string(position.line) + ":" +
         std::to_string(position.column);
}

const Toml* Toml::find(std::string_view key) const {
  if (const auto* table = get<Table>())
    for (const Member& member : *table)
      if (member.key == key) return &member.value;
  return nullptr;
}

Toml* Toml::find(std::string_view key) { return const_cast<Toml*>(std::as_const(*this).find(key)); }

void Toml::set(const Member& member) {
  if (Toml* there = find(member.key)) {
    *there = member.value;
  } else {
    get<Table>()->push_back(member);
  }
}

void Toml::erase(std::string_view key) {
  std::erase_if(*get<Table>(), [&](const Member& member) { return member.key == key; });
}

Toml parse_toml(std::string_view text, const std::string& name) {
  if (const int line = line_of_many_dots(text, size_t{20} * kDeepest); line > 0)
    refuse_depth({name, line, 1});
  try {
    Toml out = Converter(text, name).value(::toml::parse(text, name));
    out.position = {name, 1, 1};
    return out;
  } catch (const ::toml::parse_error& error) {
    const Position position = position_of(error.source(), name);
    throw BadInput(to_string(position) + ": not valid TOML: " + std::string(error.description()) +
                   toml_hint(text, position.line, position.column));
  }
}

namespace {
// ", did you mean 'suites/quickstart.toml'?", of the TOML files in its folder.
std::string nearest_beside(const std::filesystem::path& file) {
  std::vector<std::string> names;
  std::error_code unread;
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  for (const auto& item : std::filesystem::directory_iterator(folder, unread))
    if (item.path().extension() == ".toml") names.push_back(item.path().filename().string());
  std::sort(names.begin(), names.end());
  const std::string near = nearest_name(file.filename().string(), names);
  return near.empty() ? "" : ", did you mean '" + (file.parent_path() / near).string() + "'?";
}
}  // namespace

Toml read_toml(const std::filesystem::path& file) {
  std::error_code unread;
  if (std::filesystem::is_directory(file, unread))
    throw BadInput(file.string() + ": is a folder, expected a TOML file");
  if (!std::filesystem::exists(file, unread))
    throw BadInput(file.string() + ": there is no such file" + nearest_beside(file));
  return parse_toml(whole_file(file), file.string());
}

ParamValue to_param(const Toml& toml) {
  return std::visit(
      [](const auto& value) -> ParamValue {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, Toml::List>) {
          ParamList list;
          for (const Toml& item : value) list.push_back(to_param(item));
          return list;
        } else if constexpr (std::is_same_v<T, Toml::Table>) {
          ParamMap map;
          for (const auto& member : value) map[member.key] = to_param(member.value);
          return map;
        } else {
          return value;
        }
      },
      toml.value);
}

Toml from_param(const ParamValue& value, const Position& position) {
  return std::visit(
      [&](const auto& v) -> Toml {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, ParamList>) {
          Toml::List list;
          for (const ParamValue& item : v) list.push_back(from_param(item, position));
          return {list, position};
        } else if constexpr (std::is_same_v<T, ParamMap>) {
          Toml::Table table;
          for (const auto& [key, item] : v)
            table.push_back({key, position, from_param(item, position)});
          return {table, position};
        } else {
          return {v, position};
        }
      },
      value.value);
}

std::string plain_text(const Toml& toml) {
  const auto* text = toml.get<std::string>();
  return text ? *text : to_text(to_param(toml));
}

void Problems::add(const Position& position, const std::string& message) {
  auto file = std::find(files_.begin(), files_.end(), position.file);
  if (file == files_.end()) file = files_.insert(file, position.file);
  found_.push_back({size_t(file - files_.begin()), position.line, position.column,
                    to_string(position) + ": " + message});
}

void Problems::add(const BadInput& error) {
  files_.emplace_back();  // kept together, after what was found before
  std::istringstream lines(error.what());
  int number = 0;
  for (std::string line; std::getline(lines, line);)
    found_.push_back({files_.size() - 1, ++number, 0, line});
}

void Problems::throw_if_any() const {
  if (found_.empty()) return;
  std::vector<Found> sorted = found_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Found& a, const Found& b) {
    return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
  });
  std::vector<std::string> texts;
  std::string message;
  for (const Found& found : sorted) {
    if (std::find(texts.begin(), texts.end(), found.text) != texts.end()) continue;
    texts.push_back(found.text);
    message += (message.empty() ? "" : "\n") + found.text;
  }
  throw BadInput(message);
}

TableReader::TableReader(const Toml& table, std::string what, Problems& problems)
    : table_(table), what_(std::move(what)), problems_(problems) {
  if (!table.get<Toml::Table>())
    problems.add(table.position, what_ + ": " + to_text(to_param(table)) + " is not a table");
}

const Toml* TableReader::any(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  return table_.find(key);
}

const Toml* TableReader::table(std::string_view key) {
  const Toml* value = any(key);
  if (!value || value->get<Toml::Table>()) return value;
  problem(key, to_text(to_param(*value)) + " is not a table");
  return nullptr;
}

const Toml* TableReader::list(std::string_view key) {
  const Toml* value = any(key);
  if (!value || value->get<Toml::List>()) return value;
  problem(key, to_text(to_param(*value)) + " is not a list" +
                   (value->get<Toml::Table>() ? ", write [{ … }]" : ""));
  return nullptr;
}

std::optional<ParamValue> TableReader::checked(const ParamSpec& spec, bool required) {
  const Toml* value = any(spec.name);
  if (!value) {
    if (required) missing(spec.name, wanted(spec));
    return {};
  }
  const ParamValue given = to_param(*value);
  if (const std::string wrong = problem_of(spec, given); !wrong.empty()) {
    problem(spec.name, wrong);
    return {};
  }
  return canonical(spec, given);
}

ParamMap TableReader::rest() {
  ParamMap out;
  if (const auto* members = table_.get<Toml::Table>())
    for (const auto& member : *members)
      if (std::find(known_.begin(), known_.end(), member.key) == known_.end())
        out[member.key] = to_param(member.value);
  for (const auto& [key, value] : out) known_.push_back(key);
  return out;
}

void TableReader::finish() {
  const auto* members = table_.get<Toml::Table>();
  if (!members) return;
  for (const auto& member : *members)
    if (std::find(known_.begin(), known_.end(), member.key) == known_.end())
      problems_.add(member.position,
                    what_ + ": unknown key '" + member.key + "'" + suggestion(member.key, known_));
}

Position TableReader::at(std::string_view key) const {
  const Toml* value = table_.find(key);
  return value ? value->position : table_.position;
}

void TableReader::problem(std::string_view key, const std::string& message) {
  problems_.add(at(key), what_ + ": " + std::string(key) + ": " + message);
}

void TableReader::missing(std::string_view key, const std::string& expected) {
  problems_.add(table_.position,
                what_ + ": '" + std::string(key) + "' is missing, expected " + expected);
}

}  // namespace gauntlet::toml
