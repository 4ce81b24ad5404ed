#include "conformance/check_plugin.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "conformance/attacks.h"
#include "conformance/defenses.h"

namespace gauntlet::conformance {

int64_t PluginCheck::count(Answer::State state) const {
  return std::count_if(answers.begin(), answers.end(),
                       [&](const Answer& answer) { return answer.state == state; });
}

PluginCheck check_plugin(const library::PluginLibrary& plugins, const std::string& kind,
                         const std::string& name, const ParamMap& params,
                         const Listener& listener) {
  const Schema& schema = plugins.schema(kind, name);
  resolve(schema, params);  // a misspelt one is the caller's mistake, not the plugin's
  PluginCheck out{plugins.file(kind, name), small_parameters(schema, params), {}};
  const auto attack = [&](const Use& use) { return plugins.attack(use.plugin, use.with); };
  if (kind == "attack")
    out.answers =
        ask_attack({name, schema, params,
                    [&](const ParamMap& with) { return plugins.attack(name, with); }, attack},
                   listener);
  else
    out.answers =
        ask_defense({name, schema, params,
                     [&](const ParamMap& with) { return plugins.defense(name, with); }, attack},
                    listener);
  return out;
}

const char* name_of(Answer::State state) {
  switch (state) {
    case Answer::State::kKept:
      return "kept";
    case Answer::State::kBroken:
      return "broken";
    case Answer::State::kNotAsked:
      break;
  }
  return "not asked";
}

std::string to_json(const PluginCheck& check) {
  using Json = nlohmann::ordered_json;
  const library::Stamp& stamp = *check.file.stamp;
  Json promises = Json::array();
  for (const Answer& answer : check.answers) {
    Json one = {{"promise", answer.promise}, {"state", name_of(answer.state)}};
    if (!answer.why.empty()) one["why"] = answer.why;
    promises.push_back(std::move(one));
  }
  using State = Answer::State;
  return Json{{"plugin",
               {{"kind", stamp.kind},
                {"name", stamp.name},
                {"version", stamp.version},
                {"file", check.file.path.string()}}},
              {"parameters", to_text(ParamValue(check.params))},
              {"kept", check.count(State::kKept)},
              {"broken", check.count(State::kBroken)},
              {"not_asked", check.count(State::kNotAsked)},
              {"promises", promises}}
      .dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace gauntlet::conformance
