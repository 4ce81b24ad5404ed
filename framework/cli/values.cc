#include "cli/values.h"

#include "base/bad_input.h"
#include "toml/toml_reader.h"

namespace gauntlet::cli {

ParamMap values_of(const std::string& flag, const std::vector<std::string>& texts) {
  ParamMap values;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      throw BadInput(flag + " " + text + ": expected KEY=VALUE");
    const std::string key = text.substr(0, equals), value = text.substr(equals + 1);
    try {
      const toml::Toml toml = toml::parse_toml("value = " + value, flag + " " + text);
      values[key] = to_param(*toml.find("value"));
    } catch (const BadInput&) {
      if (value.starts_with('[') || value.starts_with('{')) throw;
      values[key] = value;
    }
  }
  return values;
}

}  // namespace gauntlet::cli
