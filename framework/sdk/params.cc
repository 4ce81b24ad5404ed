#include "gauntlet/params.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "base/nearest_name.h"

namespace gauntlet {
namespace {

std::string number(double v) {
  char buffer[32];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, v).ptr;  // shortest that reads back
  return std::string(buffer, end);
}

// A TOML basic string.
std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    char code[8];
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (c == '\n')
      out += "\\n";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out.append(code, size_t(snprintf(code, sizeof code, "\\u%04x", unsigned(c))));
    else
      out += c;
  }
  return out + '"';
}

std::string key(std::string_view name) {
  const auto bare = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), bare) ? std::string(name)
                                                                      : toml_string(name);
}

std::optional<double> as_number(const ParamValue& value) {
  if (const auto* v = value.get<double>()) return *v;
  if (const auto* v = value.get<int64_t>()) return double(*v);
  if (const auto* v = value.get<std::string>()) return parse_fraction(*v);
  return {};
}

std::optional<ParamType> element_type(ParamType type) {
  if (type == ParamType::kIntList) return ParamType::kInt;
  if (type == ParamType::kFloatList) return ParamType::kFloat;
  if (type == ParamType::kStringList) return ParamType::kString;
  if (type == ParamType::kModelList) return ParamType::kModel;
  if (type == ParamType::kUseList) return ParamType::kUse;
  return {};
}

std::optional<ParamValue> converted(ParamType type, const ParamValue& value);

// A model with wrappers; without any it is the id alone.
std::optional<ParamValue> converted_model(const ParamMap& table) {
  const auto id = table.find("model");
  if (id == table.end() || !id->second.get<std::string>()) return {};
  ParamList stack;
  for (const auto& [name, value] : table) {
    if (name == "model") continue;
    const auto* wrappers = name == "stack" ? value.get<ParamList>() : nullptr;
    if (!wrappers) return {};
    for (const ParamValue& wrapper : *wrappers)
      if (!converted(ParamType::kUse, wrapper)) return {};
    stack = *wrappers;
  }
  if (stack.empty()) return id->second;
  return ParamMap{{"model", id->second}, {"stack", stack}};
}

// Of the right type and in canonical form, or nullopt.
std::optional<ParamValue> converted(ParamType type, const ParamValue& value) {
  if (const auto element = element_type(type)) {
    const auto* list = value.get<ParamList>();
    if (!list) return {};
    ParamList out;
    for (const ParamValue& item : *list) {
      const auto one = converted(*element, item);
      if (!one) return {};
      out.push_back(*one);
    }
    return out;
  }
  switch (type) {
    case ParamType::kBool:
      return value.get<bool>() ? std::optional(value) : std::nullopt;
    case ParamType::kInt: {
      if (value.get<int64_t>()) return value;
      return {};
    }
    case ParamType::kFloat: {
      const auto v = as_number(value);
      if (!v || !std::isfinite(*v)) return {};
      return *v == 0 ? 0.0 : *v;  // -0.0 is no other value
    }
    case ParamType::kUse: {
      const auto* table = value.get<ParamMap>();
      if (!table) return {};
      const auto it = table->find("use");
      return it != table->end() && it->second.get<std::string>() ? std::optional(value)
                                                                 : std::nullopt;
    }
    case ParamType::kModel:
      if (const auto* table = value.get<ParamMap>()) return converted_model(*table);
      [[fallthrough]];
    default:
      return value.get<std::string>() ? std::optional(value) : std::nullopt;
  }
}

std::string rule_problem(const ParamSpec& spec, const ParamValue& value) {
  if (const auto* list = value.get<ParamList>()) {
    for (const ParamValue& item : *list)
      if (const std::string problem = rule_problem(spec, item); !problem.empty()) return problem;
    return "";
  }
  if (const auto v = value.get<std::string>() ? std::nullopt : as_number(value); spec.range && v) {
    if (!(*v >= spec.range->min && *v <= spec.range->max))
      return to_text(value) + " is not in [" + number(spec.range->min) + ", " +
             number(spec.range->max) + "]";
  }
  if (const auto* v = value.get<std::string>(); v && !spec.one_of.empty()) {
    if (std::find(spec.one_of.begin(), spec.one_of.end(), *v) == spec.one_of.end()) {
      std::string names;
      for (const std::string& name : spec.one_of)
        names += (names.empty() ? "'" : ", '") + name + "'";
      const std::string near = nearest_name(*v, spec.one_of);
      return "'" + *v + "' is not one of " + names +
             (near.empty() ? "" : "; did you mean '" + near + "'?");
    }
  }
  return "";
}
// A value of the wrong type, and how it would be written if it is plain what was meant.
std::string misfit(ParamType type, const ParamValue& value) {
  std::string text = to_text(value), meant;
  const auto* real = value.get<double>();
  const auto* word = value.get<std::string>();
  if (real && !std::isfinite(*real)) return text + " is not a finite number";
  if (real && *real == std::floor(*real) && std::abs(*real) < 1e15) {
    text += ".0";  // which is how it stands in the file
    if (type == ParamType::kInt) meant = std::to_string(int64_t(*real));
  }
  if (word && type == ParamType::kInt && !word->empty() &&
      std::all_of(word->begin(), word->end(), [](unsigned char c) { return std::isdigit(c); }))
    meant = *word;
  if (word && type == ParamType::kBool && (*word == "true" || *word == "false")) meant = *word;
  if (const auto element = element_type(type)) {
    if (!value.get<ParamList>() && converted(*element, value)) meant = "[" + text + "]";
    if (const auto* list = value.get<ParamList>())
      for (const ParamValue& item : *list)
        if (const std::string one = misfit(*element, item);
            !converted(*element, item) && one.find(", write ") != std::string::npos)
          return one;
  }
  return text + " is not " + expectation(type) + (meant.empty() ? "" : ", write " + meant);
}
}  // namespace

ParamError::~ParamError() = default;

const char* expectation(ParamType type) {
  switch (type) {
    case ParamType::kBool:
      return "true or false";
    case ParamType::kInt:
      return "a whole number";
    case ParamType::kFloat:
      return "a number or a fraction such as \"8/255\"";
    case ParamType::kString:
      return "a string";
    case ParamType::kIntList:
      return "a list of whole numbers";
    case ParamType::kFloatList:
      return "a list of numbers";
    case ParamType::kStringList:
      return "a list of strings";
    case ParamType::kFile:
      return "a file name";
    case ParamType::kModel:
      return "the id of a registry model or { model = \"id\", stack = [{ use = \"name\", … }] }";
    case ParamType::kModelList:
      return "a list of registry models";
    case ParamType::kUse:
      return "a plugin: { use = \"name\", … }";
    case ParamType::kUseList:
      return "a list of plugins: [{ use = \"name\", … }, …]";
  }
  return "";
}

std::optional<double> parse_fraction(std::string_view text) {
  const auto trimmed = [](std::string_view t) {
    while (!t.empty() && t.front() == ' ') t.remove_prefix(1);
    while (!t.empty() && t.back() == ' ') t.remove_suffix(1);
    return t;
  };
  const auto parse = [&](std::string_view t) -> std::optional<double> {
    t = trimmed(t);
    double v = 0;
    const auto [end, error] = std::from_chars(t.data(), t.data() + t.size(), v);
    if (t.empty() || error != std::errc{} || end != t.data() + t.size() || !std::isfinite(v))
      return {};
    return v;
  };
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return parse(text);
  const auto above = parse(text.substr(0, slash)), below = parse(text.substr(slash + 1));
  if (!above || !below || !std::isfinite(*above / *below)) return {};
  return *above / *below;
}

std::string to_text(const ParamValue& value) {
  return std::visit(
      [](const auto& v) -> std::string {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, bool>)
          return v ? "true" : "false";
        else if constexpr (std::is_same_v<T, int64_t>)
          return std::to_string(v);
        else if constexpr (std::is_same_v<T, double>)
          return number(v);
        else if constexpr (std::is_same_v<T, std::string>)
          return toml_string(v);
        else if constexpr (std::is_same_v<T, ParamList>) {
          std::string text = "[";
          for (const ParamValue& item : v) text += (text.size() > 1 ? ", " : "") + to_text(item);
          return text + "]";
        } else {
          std::string text = "{ ";
          for (const auto& [name, item] : v)
            text += (text.size() > 2 ? ", " : "") + key(name) + " = " + to_text(item);
          return text + " }";
        }
      },
      value.value);
}

std::string problem_of(const ParamSpec& spec, const ParamValue& value) {
  const auto right = converted(spec.type, value);
  if (!right) return misfit(spec.type, value);
  return rule_problem(spec, *right);
}

ParamValue canonical(const ParamSpec& spec, const ParamValue& value) {
  if (const std::string problem = problem_of(spec, value); !problem.empty())
    throw ParamError(spec.name + ": " + problem);
  return *converted(spec.type, value);
}

ParamMap resolve(const Schema& schema, const ParamMap& given) {
  ParamMap out;
  std::vector<std::string> names;
  for (const ParamSpec& spec : schema) {
    names.push_back(spec.name);
    const auto it = given.find(spec.name);
    out[spec.name] = canonical(spec, it == given.end() ? spec.fallback : it->second);
  }
  for (const auto& [name, value] : given)
    if (!out.contains(name))
      throw ParamError("unknown parameter '" + name + "'" + suggestion(name, names));
  return out;
}

namespace detail {
namespace {
template <class T>
ParamValue wrap_list(const std::vector<T>& field) {
  ParamList list;
  for (const T& item : field) list.emplace_back(item);
  return list;
}
template <class T>
void assign_list(std::vector<T>& field, const ParamValue& value) {
  field.clear();
  for (const ParamValue& item : *value.get<ParamList>()) field.push_back(*item.get<T>());
}
}  // namespace

// NOLINTBEGIN(bugprone-macro-parentheses): T is a type.
#define GAUNTLET_PLAIN_PARAM_(T)                                    \
  ParamValue ParamTraits<T>::wrap(const T& field) { return field; } \
  void ParamTraits<T>::assign(T& field, const ParamValue& v) { field = *v.get<T>(); }
#define GAUNTLET_LIST_PARAM_(T)                                                                  \
  ParamValue ParamTraits<std::vector<T>>::wrap(const std::vector<T>& f) { return wrap_list(f); } \
  void ParamTraits<std::vector<T>>::assign(std::vector<T>& f, const ParamValue& v) {             \
    assign_list(f, v);                                                                           \
  }
GAUNTLET_PLAIN_PARAM_(bool)
GAUNTLET_PLAIN_PARAM_(int64_t)
GAUNTLET_PLAIN_PARAM_(double)
GAUNTLET_PLAIN_PARAM_(std::string)
GAUNTLET_LIST_PARAM_(int64_t)
GAUNTLET_LIST_PARAM_(double)
GAUNTLET_LIST_PARAM_(std::string)
#undef GAUNTLET_PLAIN_PARAM_
#undef GAUNTLET_LIST_PARAM_
// NOLINTEND(bugprone-macro-parentheses)

ParamValue ParamTraits<File>::wrap(const File& field) { return field.path; }
void ParamTraits<File>::assign(File& field, const ParamValue& v) {
  field.path = *v.get<std::string>();
}
ParamValue ParamTraits<Use>::wrap(const Use& field) {
  ParamMap table = field.with;
  table["use"] = field.plugin;
  return table;
}
void ParamTraits<Use>::assign(Use& field, const ParamValue& v) {
  field.with = *v.get<ParamMap>();
  field.plugin = *field.with.at("use").get<std::string>();
  field.with.erase("use");
}
ParamValue ParamTraits<ModelRef>::wrap(const ModelRef& field) {
  if (field.stack.empty()) return field.id;
  ParamList stack;
  for (const Use& use : field.stack) stack.push_back(ParamTraits<Use>::wrap(use));
  return ParamMap{{"model", field.id}, {"stack", stack}};
}
void ParamTraits<ModelRef>::assign(ModelRef& field, const ParamValue& v) {
  field.stack.clear();
  const auto* table = v.get<ParamMap>();
  field.id = *(table ? table->at("model") : v).get<std::string>();
  if (!table) return;
  if (const auto stack = table->find("stack"); stack != table->end())
    for (const ParamValue& item : *stack->second.get<ParamList>())
      ParamTraits<Use>::assign(field.stack.emplace_back(), item);
}
ParamValue ParamTraits<std::vector<ModelRef>>::wrap(const std::vector<ModelRef>& field) {
  ParamList list;
  for (const ModelRef& item : field) list.push_back(ParamTraits<ModelRef>::wrap(item));
  return list;
}
void ParamTraits<std::vector<ModelRef>>::assign(std::vector<ModelRef>& field, const ParamValue& v) {
  field.clear();
  for (const ParamValue& item : *v.get<ParamList>())
    ParamTraits<ModelRef>::assign(field.emplace_back(), item);
}
ParamValue ParamTraits<std::vector<Use>>::wrap(const std::vector<Use>& field) {
  ParamList list;
  for (const Use& item : field) list.push_back(ParamTraits<Use>::wrap(item));
  return list;
}
void ParamTraits<std::vector<Use>>::assign(std::vector<Use>& field, const ParamValue& v) {
  field.clear();
  for (const ParamValue& item : *v.get<ParamList>())
    ParamTraits<Use>::assign(field.emplace_back(), item);
}
}  // namespace detail

std::vector<Use> uses_of(const ParamSpec& spec, const ParamValue& value) {
  std::vector<Use> out;
  if (spec.type == ParamType::kUse) detail::ParamTraits<Use>::assign(out.emplace_back(), value);
  if (spec.type == ParamType::kUseList) detail::ParamTraits<std::vector<Use>>::assign(out, value);
  return out;
}

}  // namespace gauntlet
