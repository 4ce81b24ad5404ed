#include "suite/text/source.h"

#include <algorithm>

namespace gauntlet::suite {
namespace {
namespace fs = std::filesystem;

const std::vector<std::string> kMergedTables = {"attack", "threat", "scoring"};

bool same_row(const toml::Toml& a, const toml::Toml& b) {
  const toml::Toml *name_a = a.find("name"), *name_b = b.find("name");
  return name_a && name_b && plain_text(*name_a) == plain_text(*name_b);
}

void merge_rows(toml::Toml::List& rows, const toml::Toml::List& own) {
  for (const toml::Toml& row : own) {
    const auto there = std::find_if(rows.begin(), rows.end(),
                                    [&](const toml::Toml& r) { return same_row(r, row); });
    if (there == rows.end()) {
      rows.push_back(row);
    } else {
      *there = row;
    }
  }
}

// `defense = "all"` is a list of that one word, so that rows can stand beside it.
toml::Toml as_rows(const toml::Toml& defense) {
  const auto* word = defense.get<std::string>();
  return word && *word == "all" ? toml::Toml{toml::Toml::List{defense}, defense.position} : defense;
}

// What `own` says wins.
void merge(toml::Toml& suite, const toml::Toml& own) {
  suite.position = own.position;
  for (toml::Toml::Member member : *own.get<toml::Toml::Table>()) {
    if (member.key == "defense") member.value = as_rows(member.value);
    toml::Toml* there = suite.find(member.key);
    const bool by_key = std::count(kMergedTables.begin(), kMergedTables.end(), member.key) > 0;
    const auto* own_table = member.value.get<toml::Toml::Table>();
    const auto* own_rows = member.value.get<toml::Toml::List>();
    if (there && by_key && there->get<toml::Toml::Table>() && own_table) {
      there->position = member.value.position;
      for (const auto& entry : *own_table) there->set(entry);
    } else if (there && member.key == "defense" && there->get<toml::Toml::List>() && own_rows) {
      merge_rows(*there->get<toml::Toml::List>(), *own_rows);
    } else {
      suite.set(member);
    }
  }
}

class Loader {
 public:
  explicit Loader(toml::Problems& problems) : problems_(problems) {}

  // `text`: the parsed file.
  toml::Toml with_includes(const fs::path& file, toml::Toml text) {
    const toml::Toml* include = text.find("include");
    if (!include) return text;
    open_.push_back(fs::weakly_canonical(file));
    toml::Toml out{toml::Toml::Table{}, text.position};
    if (const auto* list = include->get<toml::Toml::List>()) {
      for (const toml::Toml& item : *list) add(out, file, item);
    } else {
      add(out, file, *include);
    }
    open_.pop_back();
    text.erase("include");
    merge(out, text);
    return out;
  }

 private:
  void add(toml::Toml& out, const fs::path& from, const toml::Toml& item) {
    const auto* name = item.get<std::string>();
    if (!name) {
      problems_.add(item.position, "include: " + to_text(to_param(item)) +
                                       " is not a file name, expected a string or a list of them");
      return;
    }
    const fs::path file = (from.parent_path() / *name).lexically_normal();
    if (std::count(open_.begin(), open_.end(), fs::weakly_canonical(file))) {
      problems_.add(item.position, "include: '" + *name + "' includes itself");
      return;
    }
    if (!fs::is_regular_file(file)) {
      problems_.add(item.position, "include: there is no file " + file.string());
      return;
    }
    try {
      toml::Toml text = toml::read_toml(file);
      text.erase("all");
      merge(out, with_includes(file, std::move(text)));
    } catch (const BadInput& error) {
      problems_.add(error);
    }
  }

  toml::Problems& problems_;
  std::vector<fs::path> open_;  // files being read, outermost first
};

toml::Toml parsed_value(const std::string& text, const toml::Position& position) {
  toml::Toml value{text, position};
  try {
    toml::Toml table = toml::parse_toml("value = " + text, "");
    if (table.get<toml::Toml::Table>()->size() == 1) value = *table.find("value");
  } catch (const BadInput&) {  // a bare word, a fraction
  }
  const std::function<void(toml::Toml&)> place = [&](toml::Toml& node) {
    node.position = position;
    if (auto* list = node.get<toml::Toml::List>()) std::for_each(list->begin(), list->end(), place);
    if (auto* table = node.get<toml::Toml::Table>())
      for (auto& member : *table) member.position = position, place(member.value);
  };
  place(value);
  return value;
}

// The row of a number or a name; null if there is none.
toml::Toml* row(toml::Toml::List& rows, const std::string& key, std::vector<std::string>& names) {
  for (size_t i = 0; i < rows.size(); ++i) {
    const toml::Toml* name = rows[i].find("name");
    names.push_back(std::to_string(i));
    if (key == names.back()) return &rows[i];
    if (!name) continue;
    names.push_back(plain_text(*name));
    if (key == names.back()) return &rows[i];
  }
  return nullptr;
}
}  // namespace

std::vector<std::string> keys_of(const std::string& path) {
  std::vector<std::string> keys(1);
  bool quoted = false;
  for (const char c : path) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == '.' && !quoted) {
      keys.emplace_back();
    } else {
      keys.back() += c;
    }
  }
  return keys;
}

void apply_set(toml::Toml& suite, const std::string& assignment, toml::Problems& problems) {
  const toml::Position position{"--set " + assignment, 0, 0};
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    problems.add(position, "expected path=value, such as attack.pgd.steps=50");
    return;
  }
  const std::vector<std::string> path = keys_of(assignment.substr(0, equals));
  const toml::Toml value = parsed_value(assignment.substr(equals + 1), position);
  toml::Toml* node = &suite;
  for (size_t i = 0; i < path.size(); ++i) {
    const bool last = i + 1 == path.size();
    std::vector<std::string> names;
    toml::Toml* next = nullptr;
    if (auto* list = node->get<toml::Toml::List>()) {
      next = row(*list, path[i], names);
    } else if (auto* table = node->get<toml::Toml::Table>()) {
      const bool creates =
          i == 0 && std::count(kMergedTables.begin(), kMergedTables.end(), path[i]) > 0;
      if (last || (creates && !node->find(path[i]))) {
        node->set({path[i], position, last ? value : toml::Toml{toml::Toml::Table{}, position}});
        if (last) return;
      }
      for (const auto& member : *table) names.push_back(member.key);
      next = node->find(path[i]);
    }
    if (!next) {
      problems.add(position, "there is no '" + path[i] + "'" +
                                 (i ? " in '" + path[i - 1] + "'" : " in the suite") +
                                 suggestion(path[i], names));
      return;
    }
    if (last) *next = value;
    node = next;
  }
}

toml::Toml load_suite_text(const fs::path& file, toml::Problems& problems) {
  return Loader(problems).with_includes(file, toml::read_toml(file));
}

}  // namespace gauntlet::suite
