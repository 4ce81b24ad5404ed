/// @file
/// Parameters of plugins. A plugin says each once, in Params::fields(visitor): field, name, help,
/// and a Range or OneOf where there is one. Defaults, binding from TOML, `plugins show`, reports
/// and the identity of a result are visitors over it.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "gauntlet/abi.h"

namespace gauntlet {

using std::int64_t;

struct ParamValue;
/// Values by name: a table of a TOML file.
using ParamMap = std::map<std::string, ParamValue, std::less<>>;
/// Values in order.
using ParamList = std::vector<ParamValue>;

/// A value as a TOML file can hold it: a scalar, a list or a table.
struct ParamValue {
  /// One of what TOML knows; dates are not among it.
  std::variant<bool, int64_t, double, std::string, ParamList, ParamMap> value;

  ParamValue() : value(false) {}
  // NOLINTBEGIN(google-explicit-constructor): a value is to be written as it is.
  /// @{
  /// From a plain value, as in {{"steps", 7}, {"loss", "margin"}}.
  ParamValue(bool v) : value(v) {}
  ParamValue(int v) : value(int64_t{v}) {}
  ParamValue(int64_t v) : value(v) {}
  ParamValue(double v) : value(v) {}
  ParamValue(const char* v) : value(std::string(v)) {}
  ParamValue(std::string v) : value(std::move(v)) {}
  ParamValue(ParamList v) : value(std::move(v)) {}
  ParamValue(ParamMap v) : value(std::move(v)) {}
  /// @}
  // NOLINTEND(google-explicit-constructor)

  /// The value if it is a T; null if it is something else.
  template <class T>
  const T* get() const {
    return std::get_if<T>(&value);
  }
  /// Of one type, and equal: 1 is not 1.0.
  bool operator==(const ParamValue& other) const { return value == other.value; }
};

/// A plugin as a parameter of another: { use = "pgd", steps = 7 }.
struct Use {
  std::string plugin;  ///< its name
  ParamMap with = {};  ///< its parameters, as given
};
/// A registry model as a parameter: "id", or with wrappers around it, innermost first,
/// { model = "id", stack = [{ use = "smoothing", sigma = 0.06 }] }. The hash of its weights and its
/// stack enter the identity.
struct ModelRef {
  std::string id;               ///< "fashion-mnist/at"
  std::vector<Use> stack = {};  ///< wrappers, innermost first
};
/// A file as a parameter, identified by its content.
struct File {
  std::string path;  ///< absolute, or below the folder of the file that names it
};

/// What a field of Params can be.
enum class ParamType {
  kBool,        ///< bool
  kInt,         ///< int64_t
  kFloat,       ///< double
  kString,      ///< std::string
  kIntList,     ///< std::vector<int64_t>
  kFloatList,   ///< std::vector<double>
  kStringList,  ///< std::vector<std::string>
  kFile,        ///< File
  kModel,       ///< ModelRef
  kModelList,   ///< std::vector<ModelRef>
  kUse,         ///< Use
  kUseList      ///< std::vector<Use>
};
/// Closed interval of allowed values (of each element in a list).
struct Range {
  double min,  ///< the smallest that is allowed
      max;     ///< the largest
};
/// Allowed strings.
using OneOf = std::vector<std::string>;

/// A parameter as a plugin declares it.
struct ParamSpec {
  std::string name,            ///< key in a suite
      help;                    ///< what it means, one line
  ParamType type;              ///< of the field
  ParamValue fallback;         ///< value of a default-constructed Params
  std::optional<Range> range;  ///< unset: every number
  OneOf one_of;                ///< empty: every string
};
/// The parameters of a plugin in the order in which it declares them.
using Schema = std::vector<ParamSpec>;

/// A parameter that cannot be: unknown name, wrong type, value not allowed. what() names parameter,
/// value and expectation.
class GAUNTLET_API ParamError : public std::invalid_argument {
 public:
  using invalid_argument::invalid_argument;
  ~ParamError() override;
};

/// What a value of this type is, for messages: "a whole number".
GAUNTLET_API const char* expectation(ParamType type);
/// What is wrong with a value for this parameter, as one clause ("0 is not in [1, 10000]"); empty
/// if it is fine.
GAUNTLET_API std::string problem_of(const ParamSpec& spec, const ParamValue& value);
/// The value in the spec's own type: fractions ("8/255") become floats, ints become floats where a
/// float is expected. Throws ParamError.
GAUNTLET_API ParamValue canonical(const ParamSpec& spec, const ParamValue& value);
/// All parameters with their values: given ones in canonical form, defaults for the rest. Throws
/// ParamError for the first problem, naming the nearest valid name of an unknown one.
GAUNTLET_API ParamMap resolve(const Schema& schema, const ParamMap& given);
/// As text: 0.1, "text", [1, 2], { use = "pgd", steps = 7 }.
GAUNTLET_API std::string to_text(const ParamValue& value);
/// The attacks that a value of a parameter names, in order; none unless it is a plugin or a list of
/// them. The value is of the spec's type.
GAUNTLET_API std::vector<Use> uses_of(const ParamSpec& spec, const ParamValue& value);
/// "8/255" or "0.03" -> a number; nullopt if it is neither.
GAUNTLET_API std::optional<double> parse_fraction(std::string_view text);

namespace detail {
template <class T>
struct ParamTraits;
// NOLINTBEGIN(bugprone-macro-parentheses): T is a type.
#define GAUNTLET_PARAM_(T, kType)                              \
  template <>                                                  \
  struct GAUNTLET_API ParamTraits<T> {                         \
    static constexpr ParamType type = ParamType::kType;        \
    static ParamValue wrap(const T& field);                    \
    static void assign(T& field, const ParamValue& canonical); \
  };
GAUNTLET_PARAM_(bool, kBool)
GAUNTLET_PARAM_(int64_t, kInt)
GAUNTLET_PARAM_(double, kFloat)
GAUNTLET_PARAM_(std::string, kString)
GAUNTLET_PARAM_(std::vector<int64_t>, kIntList)
GAUNTLET_PARAM_(std::vector<double>, kFloatList)
GAUNTLET_PARAM_(std::vector<std::string>, kStringList)
GAUNTLET_PARAM_(File, kFile)
GAUNTLET_PARAM_(ModelRef, kModel)
GAUNTLET_PARAM_(std::vector<ModelRef>, kModelList)
GAUNTLET_PARAM_(Use, kUse)
GAUNTLET_PARAM_(std::vector<Use>, kUseList)
#undef GAUNTLET_PARAM_
// NOLINTEND(bugprone-macro-parentheses)

inline void add_rule(ParamSpec&) {}
inline void add_rule(ParamSpec& spec, Range range) { spec.range = range; }
inline void add_rule(ParamSpec& spec, OneOf names) { spec.one_of = std::move(names); }
}  // namespace detail

/// The fields of a Params type: names, defaults, rules, help.
template <class Params>
Schema schema_of() {
  Schema out;
  Params{}.fields([&](auto& field, std::string_view name, std::string_view help, auto... rule) {
    using Traits = detail::ParamTraits<std::decay_t<decltype(field)>>;
    ParamSpec spec{std::string(name), std::string(help), Traits::type, Traits::wrap(field), {}, {}};
    (detail::add_rule(spec, rule), ...);
    out.push_back(std::move(spec));
  });
  return out;
}

/// A Params from given values. Throws ParamError.
template <class Params>
Params bind(const ParamMap& given) {
  const ParamMap values = resolve(schema_of<Params>(), given);
  Params params;
  params.fields([&](auto& field, std::string_view name, std::string_view, const auto&...) {
    detail::ParamTraits<std::decay_t<decltype(field)>>::assign(field, values.find(name)->second);
  });
  return params;
}

}  // namespace gauntlet
