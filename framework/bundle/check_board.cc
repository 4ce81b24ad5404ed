#include "bundle/check_board.h"

#include <fmt/format.h>

#include <algorithm>

#include "bundle/value_at.h"
#include "evaluation/bounds.h"
#include "evaluation/identity.h"
#include "suite/param_json.h"

namespace gauntlet::bundle {
namespace {
using nlohmann::json;

std::string name_of(const json& object) {
  const json name = value_at(object, "name");
  return name.is_string() ? name.get<std::string>() : "";
}

const json* find_named(const json& list, const std::string& name) {
  if (list.is_array())
    for (const json& item : list)
      if (name_of(item) == name) return &item;
  return nullptr;
}

// The places in which two values differ: "params.steps is 20, the board says 50".
void differences(const std::string& place, const json& found, const json& expected,
                 std::vector<std::string>& out) {
  if (found == expected) return;
  if (!found.is_object() || !expected.is_object()) {
    out.push_back(fmt::format("{} is {}, the board says {}", place,
                              found.is_null() ? "not given" : found.dump(),
                              expected.is_null() ? "nothing of it" : expected.dump()));
    return;
  }
  json both = found;
  both.update(expected);
  for (const auto& [key, _] : both.items())
    differences(place.empty() ? key : place + "." + key, value_at(found, key.c_str()),
                value_at(expected, key.c_str()), out);
}

class SettingsCheck {
 public:
  SettingsCheck(const json& found, const json& expected, Findings& findings)
      : found_(found), expected_(expected), findings_(findings) {}

  void all() {
    for (const char* key : {"board", "seeds", "scoring", "certify"}) compare(key);
    check_data();
    check_list("threats", "threat");
    check_list("attacks", "attack");
    for (const json& attack : list_of("attacks"))
      if (value_at(attack, "additional") != true &&
          !find_named(expected_.at("attacks"), name_of(attack)))
        findings_.add("settings", "attack '" + name_of(attack) +
                                      "' is none of the board's and not marked as additional");
  }

 private:
  const json& list_of(const char* key) const {
    static const json none = json::array();
    const auto it = found_.find(key);
    return it != found_.end() && it->is_array() ? *it : none;
  }
  void tell(const std::string& what, const json& found, const json& expected) {
    std::vector<std::string> out;
    differences(what, found, expected, out);
    for (const std::string& difference : out) findings_.add("settings", difference);
  }
  void compare(const char* key) { tell(key, value_at(found_, key), value_at(expected_, key)); }
  // What is measured of the data, such as sums, is held against the data themselves.
  void check_data() {
    for (const auto& [key, value] : expected_.at("data").items())
      tell("data." + key, value_at(value_at(found_, "data"), key.c_str()), value);
  }
  void check_list(const char* key, const std::string& what) {
    for (const json& item : expected_.at(key)) {
      const std::string name = name_of(item);
      if (const json* found = find_named(list_of(key), name))
        tell(what + " '" + name + "'", *found, item);
      else
        findings_.add("settings", "the board's " + what + " '" + name + "' is missing");
    }
  }

  const json& found_;
  const json& expected_;
  Findings& findings_;
};

template <class T>
void expect(const std::string& about, const char* what, const T& found, const T& expected,
            Findings& findings) {
  if (found == expected) return;
  if constexpr (std::is_same_v<T, std::vector<int64_t>>)
    findings.add(about, fmt::format("the {} are not those of the board", what));
  else
    findings.add(about, fmt::format("{} is {}, the board says {}", what, found, expected));
}

class EntryCheck {
 public:
  EntryCheck(const boards::BoardEntry& entry, const suite::Suite& columns, const json& settings,
             Findings& findings)
      : entry_(entry), columns_(columns), settings_(settings), findings_(findings) {}

  void all() {
    const suite::Board& board = *columns_.board;
    expect(about(), "board", to_string(entry_.board), board.id(), findings_);
    expect(about(), "the digest of the board's definition", entry_.board_sha256, board.sha256,
           findings_);
    expect(about(), "division", to_string(entry_.division), to_string(board.division), findings_);
    expect(about(), "data set", entry_.dataset, columns_.data.dataset, findings_);
    expect(about(), "split", entry_.split, columns_.data.split, findings_);
    expect(about(), "samples", entry_.samples, columns_.data.indices, findings_);
    expect(about(), "seeds", entry_.seeds, columns_.seeds, findings_);
    for (const suite::ThreatSpec& threat : columns_.threats) check_threat(threat);
    for (const boards::BoardThreat& under : entry_.threats)
      if (std::none_of(
              columns_.threats.begin(), columns_.threats.end(),
              [&](const suite::ThreatSpec& spec) { return spec.name == under.threat.name; }))
        findings_.add(about(), "threat '" + under.threat.name + "' is none of the board's");
    check_certifications();
    check_row();
  }

 private:
  const std::string& about() const { return entry_.id; }

  // One of each seed, in their order, of the samples that the board certifies.
  void check_certifications() {
    if (!columns_.certify) {
      if (!entry_.certifications.empty() || !entry_.certified_at.empty())
        findings_.add(about(), "the board does not certify, but certificates are there");
      return;
    }
    if (entry_.certifications.empty())
      return findings_.add(about(), "the board certifies, but no certificates are there");
    std::vector<int64_t> seeds;
    for (const results::Certification& record : entry_.certifications) seeds.push_back(record.seed);
    expect(about() + ": certificates", "seeds", seeds, columns_.seeds, findings_);
    const std::vector<int64_t> indices = first_samples(columns_.certify->samples);
    for (const results::Certification& record : entry_.certifications) {
      const std::string where = fmt::format("{}: certificates, seed {}", about(), record.seed);
      if (record.status != results::Status::kOk)
        findings_.add(where, "is " + to_string(record.status) + "; a board needs a result");
      if (!(record.alpha <= kMostAlpha))
        findings_.add(where,
                      fmt::format("fail with a chance of {:.6g}, a board takes at most {:.6g}",
                                  record.alpha, kMostAlpha));
      std::vector<int64_t> seen;
      for (const results::CertifiedSample& sample : record.certificates)
        seen.push_back(sample.index);
      expect(where, "samples", seen, indices, findings_);
    }
  }

  // The model is named in three places.
  void check_row() {
    const json rows = value_at(settings_, "defenses");
    const json* row = find_named(rows, entry_.defense);
    if (!row) return findings_.add(about(), "the settings have no such row");
    const json said = json::parse(entry_.parameters);
    const auto same = [&](const char* what, const json& own, const char* who, const json& other) {
      if (own != other)
        findings_.add(about(),
                      fmt::format("its {} is {}, {} say {}", what, own.dump(), who, other.dump()));
    };
    same("model", entry_.model, "the settings", value_at(*row, "model"));
    same("model", entry_.model, "its parameters", value_at(said, "model"));
    same("weights_sha256", entry_.weights_sha256, "its parameters",
         value_at(said, "weights_sha256"));
  }

  // 0: all.
  std::vector<int64_t> first_samples(int64_t most) const {
    std::vector<int64_t> indices = columns_.data.indices;
    if (most > 0) indices.resize(std::min(indices.size(), size_t(most)));
    return indices;
  }

  void check_threat(const suite::ThreatSpec& spec) {
    const auto found = std::find_if(
        entry_.threats.begin(), entry_.threats.end(),
        [&](const boards::BoardThreat& under) { return under.threat.name == spec.name; });
    if (found == entry_.threats.end()) {
      findings_.add(about(), "the board's threat '" + spec.name + "' is missing");
      return;
    }
    const results::Threat expected = evaluation::threat_of(spec);
    expect(about() + ": " + spec.name, "norm", found->threat.norm, expected.norm, findings_);
    expect(about() + ": " + spec.name, "epsilon", found->threat.epsilon, expected.epsilon,
           findings_);
    for (const suite::AttackSpec& attack : columns_.attacks) check_attack(*found, attack);
    for (const boards::BoardAttack& attack : found->attacks) check_marked(*found, attack);
  }

  void check_attack(const boards::BoardThreat& under, const suite::AttackSpec& spec) {
    const std::string where = about() + ": " + under.threat.name;
    const auto found =
        std::find_if(under.attacks.begin(), under.attacks.end(),
                     [&](const boards::BoardAttack& attack) { return attack.name == spec.name; });
    if (found == under.attacks.end()) {
      findings_.add(where, "the board's attack '" + spec.name + "' is missing");
      return;
    }
    expect(where + ": " + spec.name, "plugin", found->plugin, spec.plugin, findings_);
    const json said = json::parse(found->parameters);
    for (const auto& [name, value] : spec.params) {
      const json given =
          value_at(value_at(value_at(value_at(said, "attack"), "params"), name.c_str()), "value");
      std::vector<std::string> out;
      differences(name, given, suite::to_json(value), out);
      for (const std::string& difference : out) findings_.add(where + ": " + spec.name, difference);
    }
    const std::vector<int64_t> indices = first_samples(spec.host.samples);
    for (const boards::BoardAttack::Cell& cell : found->cells)
      check_cell(where, *found, cell, indices);
  }

  void check_cell(const std::string& where, const boards::BoardAttack& attack,
                  const boards::BoardAttack::Cell& cell, const std::vector<int64_t>& indices) {
    const std::string about = where + ": " + attack.name;
    if (cell.record.status != results::Status::kOk) {
      findings_.add(about,
                    "is " + to_string(cell.record.status) + "; a board's attack needs a result");
      return;
    }
    std::vector<int64_t> seen;
    for (const results::Outcome& outcome : cell.record.outcomes) seen.push_back(outcome.index);
    if (seen != indices)
      findings_.add(about, fmt::format("its outcomes are not those of the board's {} samples, in "
                                       "their order ({} are there)",
                                       indices.size(), seen.size()));
  }

  void check_marked(const boards::BoardThreat& under, const boards::BoardAttack& attack) {
    const bool own =
        std::any_of(columns_.attacks.begin(), columns_.attacks.end(),
                    [&](const suite::AttackSpec& spec) { return spec.name == attack.name; });
    if (own == attack.additional)
      findings_.add(about() + ": " + under.threat.name,
                    "attack '" + attack.name + "' is " +
                        (own ? "the board's, but marked as additional"
                             : "none of the board's and not marked as additional"));
  }

  const boards::BoardEntry& entry_;
  const suite::Suite& columns_;
  const json& settings_;
  Findings& findings_;
};
}  // namespace

void check_board(const BundleFile& bundle, const suite::Suite& columns, Findings& findings) {
  const json expected = evaluation::settings_of(columns);
  SettingsCheck(bundle.settings(), expected, findings).all();
  for (const boards::BoardEntry& entry : bundle.entries())
    EntryCheck(entry, columns, bundle.settings(), findings).all();
  // A row that did badly is not left out in silence.
  const json rows = value_at(bundle.settings(), "defenses");
  for (const json& row : rows.is_array() ? rows : json::array())
    if (std::none_of(
            bundle.entries().begin(), bundle.entries().end(),
            [&](const boards::BoardEntry& entry) { return entry.defense == name_of(row); }))
      findings.add("settings", "row '" + name_of(row) + "' of the run has no entry");
}

}  // namespace gauntlet::bundle
