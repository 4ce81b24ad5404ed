#include "host/suite_source.h"

#include <algorithm>

namespace gauntlet {
namespace {
namespace fs = std::filesystem;

const std::vector<std::string> kMergedTables = {"attack", "threat", "scoring"};

bool same_row(const Toml& a, const Toml& b) {
  const Toml *name_a = a.find("name"), *name_b = b.find("name");
  return name_a && name_b && plain_text(*name_a) == plain_text(*name_b);
}

void merge_rows(Toml::List& rows, const Toml::List& own) {
  for (const Toml& row : own) {
    const auto there =
        std::find_if(rows.begin(), rows.end(), [&](const Toml& r) { return same_row(r, row); });
    if (there == rows.end()) {
      rows.push_back(row);
    } else {
      *there = row;
    }
  }
}

// `defense = "all"` is a list of that one word, so that rows can stand beside it.
Toml as_rows(const Toml& defense) {
  const auto* word = defense.get<std::string>();
  return word && *word == "all" ? Toml{Toml::List{defense}, defense.position} : defense;
}

// What `own` says wins.
void merge(Toml& suite, const Toml& own) {
  suite.position = own.position;
  for (Toml::Member member : *own.get<Toml::Table>()) {
    if (member.key == "defense") member.value = as_rows(member.value);
    Toml* there = suite.find(member.key);
    const bool by_key = std::count(kMergedTables.begin(), kMergedTables.end(), member.key) > 0;
    const auto* own_table = member.value.get<Toml::Table>();
    const auto* own_rows = member.value.get<Toml::List>();
    if (there && by_key && there->get<Toml::Table>() && own_table) {
      there->position = member.value.position;
      for (const auto& entry : *own_table) there->set(entry);
    } else if (there && member.key == "defense" && there->get<Toml::List>() && own_rows) {
      merge_rows(*there->get<Toml::List>(), *own_rows);
    } else {
      suite.set(member);
    }
  }
}

class Loader {
 public:
  explicit Loader(Problems& problems) : problems_(problems) {}

  // `text`: the parsed file.
  Toml with_includes(const fs::path& file, Toml text) {
    const Toml* include = text.find("include");
    if (!include) return text;
    open_.push_back(fs::weakly_canonical(file));
    Toml out{Toml::Table{}, text.position};
    if (const auto* list = include->get<Toml::List>()) {
      for (const Toml& item : *list) add(out, file, item);
    } else {
      add(out, file, *include);
    }
    open_.pop_back();
    text.erase("include");
    merge(out, text);
    return out;
  }

 private:
  void add(Toml& out, const fs::path& from, const Toml& item) {
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
      Toml text = read_toml(file);
      text.erase("all");
      merge(out, with_includes(file, std::move(text)));
    } catch (const BadInput& error) {
      problems_.add(error);
    }
  }

  Problems& problems_;
  std::vector<fs::path> open_;  // files being read, outermost first
};

Toml parsed_value(const std::string& text, const Position& position) {
  Toml value{text, position};
  try {
    Toml table = parse_toml("value = " + text, "");
    if (table.get<Toml::Table>()->size() == 1) value = *table.find("value");
  } catch (const BadInput&) {  // a bare word, a fraction
  }
  const std::function<void(Toml&)> place = [&](Toml& node) {
    node.position = position;
    if (auto* list = node.get<Toml::List>()) std::for_each(list->begin(), list->end(), place);
    if (auto* table = node.get<Toml::Table>())
      for (auto& member : *table) member.position = position, place(member.value);
  };
  place(value);
  return value;
}

// The row of a number or a name; null if there is none.
Toml* row(Toml::List& rows, const std::string& key, std::vector<std::string>& names) {
  for (size_t i = 0; i < rows.size(); ++i) {
    const Toml* name = rows[i].find("name");
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

void apply_set(Toml& suite, const std::string& assignment, Problems& problems) {
  const Position position{"--set " + assignment, 0, 0};
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    problems.add(position, "expected path=value, such as attack.pgd.steps=50");
    return;
  }
  const std::vector<std::string> path = keys_of(assignment.substr(0, equals));
  const Toml value = parsed_value(assignment.substr(equals + 1), position);
  Toml* node = &suite;
  for (size_t i = 0; i < path.size(); ++i) {
    const bool last = i + 1 == path.size();
    std::vector<std::string> names;
    Toml* next = nullptr;
    if (auto* list = node->get<Toml::List>()) {
      next = row(*list, path[i], names);
    } else if (auto* table = node->get<Toml::Table>()) {
      const bool creates =
          i == 0 && std::count(kMergedTables.begin(), kMergedTables.end(), path[i]) > 0;
      if (last || (creates && !node->find(path[i]))) {
        node->set({path[i], position, last ? value : Toml{Toml::Table{}, position}});
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

Toml load_suite_text(const fs::path& file, Problems& problems) {
  return Loader(problems).with_includes(file, read_toml(file));
}

}  // namespace gauntlet
