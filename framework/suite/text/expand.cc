#include "suite/text/expand.h"

#include <algorithm>
#include <cctype>
#include <map>

namespace gauntlet::suite {
namespace {

constexpr size_t kMostCombinations = 10'000;

// The lists of a cross or zip table; nullopt where something is wrong.
std::optional<toml::Toml::Table> lists_of(const toml::Toml& entry, std::string_view key,
                                          const std::string& what, toml::Problems& problems) {
  const toml::Toml* table = entry.find(key);
  if (!table) return toml::Toml::Table{};
  const std::string where = what + ": " + std::string(key);
  const auto* members = table->get<toml::Toml::Table>();
  if (!members) {
    problems.add(table->position,
                 where + ": expected a table of lists, such as { steps = [1, 5, 20] }");
    return {};
  }
  bool right = true;
  for (const auto& member : *members) {
    const auto* list = member.value.get<toml::Toml::List>();
    if (list && !list->empty()) continue;
    problems.add(member.value.position, where + ": " + member.key + ": " +
                                            to_text(to_param(member.value)) +
                                            " is not a list of at least one value");
    right = false;
  }
  return right ? std::optional(*members) : std::nullopt;
}

bool same_lengths(const toml::Toml::Table& zip, const std::string& what, toml::Problems& problems) {
  for (const auto& member : zip) {
    const size_t length = member.value.get<toml::Toml::List>()->size();
    const size_t first = zip.front().value.get<toml::Toml::List>()->size();
    if (length == first) continue;
    problems.add(member.value.position, what + ": zip: '" + member.key + "' lists " +
                                            std::to_string(length) + ", '" + zip.front().key +
                                            "' lists " + std::to_string(first) +
                                            ", expected lists of one length");
    return false;
  }
  return true;
}

toml::Toml::Member choice(const toml::Toml::Member& list, size_t i) {
  return {list.key, list.position, list.value.get<toml::Toml::List>()->at(i)};
}
}  // namespace

std::vector<Combination> combinations(const toml::Toml& entry, const std::string& what,
                                      toml::Problems& problems) {
  const auto cross = lists_of(entry, "cross", what, problems);
  const auto zip = lists_of(entry, "zip", what, problems);
  if (!cross || !zip || !same_lengths(*zip, what, problems)) return {};
  for (const auto& member : *cross)
    if (const toml::Toml* twice = entry.find("zip"); twice && twice->find(member.key)) {
      problems.add(member.position, what + ": '" + member.key + "' is in cross and in zip");
      return {};
    }
  std::vector<Combination> out(zip->empty() ? 1
                                            : zip->front().value.get<toml::Toml::List>()->size());
  for (size_t i = 0; i < out.size(); ++i)
    for (const auto& member : *zip) out[i].push_back(choice(member, i));
  for (const auto& member : *cross) {
    const size_t count = member.value.get<toml::Toml::List>()->size();
    if (out.size() * count > kMostCombinations) {
      problems.add(member.position, what + ": cross: makes more than " +
                                        std::to_string(kMostCombinations) + " of one entry");
      return {};
    }
    std::vector<Combination> longer;
    for (const Combination& combination : out)
      for (size_t i = 0; i < count; ++i) {
        longer.push_back(combination);
        longer.back().push_back(choice(member, i));
      }
    out = std::move(longer);
  }
  return out;
}

std::string label(const Combination& combination) {
  std::string text;
  for (const auto& member : combination)
    text += (text.empty() ? "[" : ",") + member.key + "=" + plain_text(member.value);
  return text.empty() ? "" : text + "]";
}

toml::Toml with_base(const toml::Toml& base, const toml::Toml& own) {
  toml::Toml out = base;
  out.position = own.position;
  const auto forget = [&](const std::string& key) {
    if (key != "cross" && key != "zip") out.erase(key);
    for (const char* lists : {"cross", "zip"})
      if (toml::Toml* table = out.find(lists); table && table->get<toml::Toml::Table>())
        table->erase(key);
  };
  for (const auto& member : *own.get<toml::Toml::Table>()) {
    forget(member.key);
    if (member.key != "cross" && member.key != "zip") continue;
    if (const auto* lists = member.value.get<toml::Toml::Table>())
      for (const auto& list : *lists) forget(list.key);
  }
  for (const auto& member : *own.get<toml::Toml::Table>()) {
    if (member.key == "base") continue;
    toml::Toml* there = out.find(member.key);
    const auto* lists = member.value.get<toml::Toml::Table>();
    if (there && there->get<toml::Toml::Table>() && lists &&
        (member.key == "cross" || member.key == "zip")) {
      for (const auto& list : *lists) there->set(list);
    } else {
      out.set(member);
    }
  }
  return out;
}

namespace {

class Bases {
 public:
  Bases(const toml::Toml& attacks, toml::Problems& problems,
        const std::function<std::vector<std::string>()>& presets)
      : attacks_(attacks), problems_(problems), presets_(presets) {}

  // The written-out entry, or null if it has a problem.
  const toml::Toml* resolve(const std::string& name) {
    const auto [there, is_new] = done_.try_emplace(name);
    if (is_new) {
      there->second = write_out(name, *attacks_.find(name));
    }
    return there->second ? &*there->second : nullptr;
  }

 private:
  std::optional<toml::Toml> write_out(const std::string& name, const toml::Toml& entry) {
    const std::string what = "attack '" + name + "'";
    if (entry.get<std::string>()) return {};  // the name of no preset, which was told
    if (!entry.get<toml::Toml::Table>()) {
      problems_.add(entry.position,
                    what + ": " + to_text(to_param(entry)) +
                        " is not a table, expected { use = \"name\", … } or the name of a "
                        "preset");
      return {};
    }
    const toml::Toml* base = entry.find("base");
    if (!base) return entry;
    const auto* base_name = base->get<std::string>();
    if (!base_name || !attacks_.find(*base_name)) {
      std::vector<std::string> names;
      for (const auto& member : *attacks_.get<toml::Toml::Table>())
        if (member.key != name) names.push_back(member.key);
      if (presets_ && nearest_name(plain_text(*base), names).empty())
        for (std::string& preset : presets_()) names.push_back(std::move(preset));
      problems_.add(base->position, what + ": base: there is no attack '" + plain_text(*base) +
                                        "'" + suggestion(plain_text(*base), names));
      return {};
    }
    if (const toml::Toml* use = entry.find("use"))
      problems_.add(use->position, what + ": 'use' and 'base' cannot both be given");
    open_.push_back(name);
    const bool cycle = std::count(open_.begin(), open_.end(), *base_name) > 0;
    if (cycle) {
      std::string circle;
      for (auto link = std::find(open_.begin(), open_.end(), *base_name); link != open_.end();
           ++link)
        circle += "'" + *link + "' → ";
      problems_.add(base->position, what + ": base: " + circle + "'" + *base_name +
                                        "' goes in a circle, expected an attack with 'use'");
    }
    const toml::Toml* resolved = cycle ? nullptr : resolve(*base_name);
    open_.pop_back();
    return resolved ? std::optional(with_base(*resolved, entry)) : std::nullopt;
  }

  const toml::Toml& attacks_;
  toml::Problems& problems_;
  const std::function<std::vector<std::string>()>& presets_;
  std::map<std::string, std::optional<toml::Toml>> done_;
  std::vector<std::string> open_;  // being written out, the first needs the next
};

bool is_slot_letter(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// A piece of a template: a slot's name, or plain text.
struct Piece {
  bool slot;
  std::string text;
};

std::vector<Piece> pieces_of(const std::string& text) {
  std::vector<Piece> out;
  const auto plain = [&](char c) {
    if (out.empty() || out.back().slot) out.push_back({false, ""});
    out.back().text += c;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$') {
      plain(text[i]);
      continue;
    }
    const bool braces = i + 1 < text.size() && text[i + 1] == '{';
    size_t begin = i + 1 + (braces ? 1 : 0), end = begin;
    while (end < text.size() && is_slot_letter(text[end])) ++end;
    const bool closed = !braces || (end < text.size() && text[end] == '}');
    if (end > begin && closed) {
      out.push_back({true, text.substr(begin, end - begin)});
      i = braces ? end : end - 1;
    } else {
      plain('$');
      if (i + 1 < text.size() && text[i + 1] == '$') ++i;
    }
  }
  return out;
}

toml::Toml fill_text(const toml::Toml& value, const Combination& combination,
                     std::set<std::string>& used, const std::string& what,
                     toml::Problems& problems) {
  const std::vector<Piece> pieces = pieces_of(*value.get<std::string>());
  std::string filled;
  for (const Piece& piece : pieces) {
    if (!piece.slot) {
      filled += piece.text;
      continue;
    }
    std::vector<std::string> names;
    for (const auto& member : combination) names.push_back(member.key);
    const auto there = std::find(names.begin(), names.end(), piece.text);
    if (there == names.end()) {
      problems.add(value.position, what + ": nothing fills '$" + piece.text +
                                       "', expected a key of zip or cross" +
                                       suggestion(piece.text, names));
      continue;
    }
    used.insert(piece.text);
    const toml::Toml& chosen = combination[size_t(there - names.begin())].value;
    if (pieces.size() == 1) return chosen;
    filled += plain_text(chosen);
  }
  return {filled, value.position};
}
}  // namespace

toml::Toml::Table with_bases(const toml::Toml& attacks, toml::Problems& problems,
                             const std::function<std::vector<std::string>()>& presets) {
  Bases bases(attacks, problems, presets);
  toml::Toml::Table out;
  for (const auto& member : *attacks.get<toml::Toml::Table>())
    if (const toml::Toml* entry = bases.resolve(member.key))
      out.push_back({member.key, member.position, *entry});
  return out;
}

toml::Toml fill_slots(const toml::Toml& value, const Combination& combination,
                      std::set<std::string>& used, const std::string& what,
                      toml::Problems& problems) {
  const auto fill = [&](const toml::Toml& part) {
    return fill_slots(part, combination, used, what, problems);
  };
  if (value.get<std::string>()) return fill_text(value, combination, used, what, problems);
  toml::Toml out = value;
  if (auto* list = out.get<toml::Toml::List>())
    for (toml::Toml& item : *list) item = fill(item);
  if (auto* table = out.get<toml::Toml::Table>())
    for (auto& member : *table) member.value = fill(member.value);
  return out;
}

}  // namespace gauntlet::suite
