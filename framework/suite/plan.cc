#include "suite/plan.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "base/duration.h"
#include "base/shown.h"
#include "base/utf8.h"
#include "gauntlet/attack.h"
#include "suite/names.h"
#include "suite/passes.h"

namespace gauntlet::suite {
namespace {

// Copies of one vote of the defense; 0: it does not vote.
int64_t votes_of(const DefenseSpec& defense) {
  int64_t votes = 0;
  for (const Use& wrapper : defense.stack)
    votes = std::max(votes, number_or(wrapper.with, "mc_samples", 0));
  return votes;
}

// As far as the parts of a row tell.
bool seems_to_draw(const DefenseSpec& defense) {
  return votes_of(defense) > 0 || !defense.model.layer_plugins.empty();
}

int64_t trials_of(const DefenseSpec& defense, const Scoring& scoring, int64_t votes) {
  if (!seems_to_draw(defense) && scoring.trials == 0) return 1;
  return scoring.trials_of(std::max<int64_t>(1, votes), !defense.model.layer_plugins.empty());
}

int64_t certified_samples_of(const Suite& suite) {
  const auto all = int64_t(suite.data.indices.size());
  return suite.certify && suite.certify->samples > 0 ? std::min(suite.certify->samples, all) : all;
}

int64_t samples_of(const Suite& suite, const AttackSpec& attack) {
  const auto all = int64_t(suite.data.indices.size());
  return attack.host.samples > 0 ? std::min(attack.host.samples, all) : all;
}

std::string padded(const std::string& text, size_t to) {
  return text + std::string(to > width(text) ? to - width(text) : 0, ' ');
}

template <class Spec>
size_t widest(const std::vector<Spec>& specs) {
  size_t widest = 0;
  for (const Spec& spec : specs) widest = std::max(widest, width(printable(spec.name)));
  return widest;
}

// 1,234,567
std::string grouped(double value) {
  const std::string digits = std::to_string(int64_t(std::llround(value)));
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

std::string counted(size_t n, const char* one, const char* many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

std::string host_keys_text(const HostKeys& keys) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (keys.restarts != 1) add(std::to_string(keys.restarts) + " restarts");
  if (keys.draws != 1) add(std::to_string(keys.draws) + " draws");
  if (keys.average) add("average of " + to_string(*keys.average));
  if (keys.goal != Goal::kUntargeted) add(to_string(keys.goal));
  if (keys.access) add("access " + to_string(*keys.access));
  if (keys.max_queries) add("at most " + std::to_string(keys.max_queries) + " queries");
  if (halves(keys.mode)) add("in bfloat16");
  if (!keys.retries()) add("saturation reported only");
  if (keys.samples) add(std::to_string(keys.samples) + " samples");
  if (keys.division) add("for " + to_string(*keys.division) + " rows");
  return text;
}

void write_head(std::ostream& out, const Suite& suite) {
  out << "suite    " << printable(suite.name) << "\n"
      << "data     " << printable(suite.data.dataset) << ", split " << printable(suite.data.split)
      << ", " << counted(suite.data.indices.size(), "sample", "samples") << "\n"
      << "threats  ";
  for (size_t i = 0; i < suite.threats.size(); ++i) {
    const ThreatSpec& threat = suite.threats[i];
    out << (i ? "; " : "") << printable(threat.name) << ": "
        << threat_text(threat.norm, threat.epsilon_text);
  }
  out << "\nseeds    ";
  for (size_t i = 0; i < suite.seeds.size(); ++i) out << (i ? ", " : "") << suite.seeds[i];
  out << "\n";
}

void write_rows(std::ostream& out, const Suite& suite) {
  out << "\n" << counted(suite.defenses.size(), "defense", "defenses") << "\n";
  for (const DefenseSpec& row : suite.defenses) {
    out << "  " << padded(printable(row.name), widest(suite.defenses)) << "  "
        << printable(row.model.id);
    for (const Use& layer : row.model.layer_plugins) out << " (" << layer.plugin << ")";
    for (const Use& wrapper : row.stack) out << " + " << wrapper.plugin;
    out << "\n";
  }
}

void write_columns(std::ostream& out, const Suite& suite) {
  size_t plugin_width = 0;
  for (const AttackSpec& attack : suite.attacks)
    plugin_width = std::max(plugin_width, width(attack.plugin));
  out << "\n" << counted(suite.attacks.size(), "attack", "attacks") << "\n";
  for (const AttackSpec& attack : suite.attacks) {
    std::string line = "  " + padded(printable(attack.name), widest(suite.attacks)) + "  " +
                       padded(attack.plugin, plugin_width) + "  " + host_keys_text(attack.host);
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << "\n";
  }
  for (const std::string& note : suite.notes) out << "  " << printable(note) << "\n";
}
}  // namespace

bool seems_for(const AttackSpec& attack, const DefenseSpec& row) {
  if (!attack.host.division) return true;
  switch (*attack.host.division) {
    case Division::kDeterministic:
      return !seems_to_draw(row);
    case Division::kRandomized:
      return seems_to_draw(row);
    case Division::kCertified:
      return certifying_cost(row) > 0;
  }
  return true;
}

SampleCost sample_cost(const DefenseSpec& defense, const AttackSpec& attack, Access access,
                       const Scoring& scoring) {
  const int64_t votes = std::max<int64_t>(1, votes_of(defense));
  const double scored = double(trials_of(defense, scoring, votes) * votes);
  if (access == Access::kNone) return {0, 0, scored};
  const Setting setting{.classes = defense.model.network.classes,
                        .draws = access == Access::kDecision ? votes : attack.host.draws,
                        .votes = votes,
                        .noisy = seems_to_draw(defense)};
  Passes passes = passes_of(attack.params, setting);
  if (access < Access::kGradient) passes.backwards = 0;
  const double all = passes.forwards * double(attack.host.restarts),
               most = attack.host.max_queries > 0 ? double(attack.host.max_queries) : all,
               queries = std::min(all, most);
  return {queries, passes.work() * queries / passes.forwards, scored};
}

double certifying_cost(const DefenseSpec& defense) {
  int64_t most = 0;
  for (const Use& wrapper : defense.stack)
    most = std::max(most, number_or(wrapper.with, "n0", 0) + number_or(wrapper.with, "n", 0));
  return double(most);
}

std::vector<double> expected_passes(const Suite& suite) {
  std::vector<double> out;
  for (const Cell& cell : suite.cells) {
    const AttackSpec& attack = suite.attacks[cell.attack];
    if (!seems_for(attack, suite.defenses[cell.defense])) {
      out.push_back(0);
      continue;
    }
    const SampleCost cost =
        sample_cost(suite.defenses[cell.defense], attack,
                    attack.host.access.value_or(Access::kGradient), suite.scoring);
    out.push_back((cost.work + kForwardShare * cost.scoring) * double(samples_of(suite, attack)));
  }
  for (const CertifiedRow& row : suite.certified)
    out.push_back(kForwardShare * std::max(1.0, certifying_cost(suite.defenses[row.defense])) *
                  double(certified_samples_of(suite)));
  return out;
}

std::string describe_probing(const Suite& suite, int64_t samples, const ProbingOf& probing,
                             const SecondsPerGradient& seconds, double& time) {
  double passes = 0;
  const auto threats = double(suite.threats.size());
  for (const DefenseSpec& defense : suite.defenses) {
    const Probing one = probing(defense, samples);
    passes += threats * (one.forwards + one.gradients);
    time +=
        threats * (seconds ? seconds(defense) : 0) * (kForwardShare * one.forwards + one.gradients);
  }
  return "audit    " + counted(suite.defenses.size(), "defense", "defenses") + " × " +
         counted(suite.threats.size(), "threat", "threats") + " × " +
         counted(size_t(samples), "sample", "samples") + ", about " + grouped(passes) + " passes\n";
}

std::string describe_plan(const Suite& suite, const AccessOf& access,
                          const SecondsPerGradient& seconds, const ProbingOf& probing,
                          const IsFor& is_for) {
  std::ostringstream out;
  write_head(out, suite);
  write_rows(out, suite);
  write_columns(out, suite);
  double attack_passes = 0, scoring_passes = 0, time = 0, most = 0;
  for (const DefenseSpec& defense : suite.defenses) {
    const double second = seconds ? seconds(defense) : 0;
    for (const AttackSpec& attack : suite.attacks) {
      const auto threats =
          std::count_if(suite.threats.begin(), suite.threats.end(), [&](const ThreatSpec& threat) {
            return is_for ? is_for(attack, defense, threat) : seems_for(attack, defense);
          });
      if (threats == 0) continue;
      const SampleCost cost = sample_cost(defense, attack, access(attack), suite.scoring);
      const double runs =
          double(samples_of(suite, attack)) * double(threats) * double(suite.seeds.size());
      attack_passes += runs * cost.attack;
      scoring_passes += runs * cost.scoring;
      most = std::max(most, cost.attack);
      time += runs * second * (cost.work + kForwardShare * cost.scoring);
    }
  }
  double certifying = 0;
  for (const CertifiedRow& row : suite.certified) {
    const DefenseSpec& defense = suite.defenses[row.defense];
    const double runs = double(certified_samples_of(suite)) * certifying_cost(defense);
    certifying += runs;
    time += runs * kForwardShare * (seconds ? seconds(defense) : 0);
  }
  out << "\ncells    " << suite.cells.size() << " = "
      << counted(suite.defenses.size(), "defense", "defenses") << " × "
      << counted(suite.attacks.size(), "attack", "attacks") << " × "
      << counted(suite.threats.size(), "threat", "threats") << " × "
      << counted(suite.seeds.size(), "seed", "seeds") << "\n"
      << "passes   attacks about " << grouped(attack_passes) << ", at most " << grouped(most)
      << " a sample and cell; scoring about " << grouped(scoring_passes) << "\n";
  if (!suite.certified.empty())
    out << "certify  "
        << counted(suite.certified.size() / suite.seeds.size(), "defense", "defenses") << " × "
        << counted(size_t(certified_samples_of(suite)), "sample", "samples") << " × "
        << counted(suite.seeds.size(), "seed", "seeds") << ", about " << grouped(certifying)
        << " passes\n";
  if (suite.audit.samples > 0 && probing)
    out << describe_probing(suite, suite.audit.samples, probing, seconds, time);
  if (seconds)
    out << "time     about " << duration(time)
        << " here; less where attacks win early or results are known\n";
  return out.str();
}

std::string describe_plan(const Suite& suite, const library::PluginLibrary& plugins,
                          const SecondsPerGradient& seconds, const ProbingOf& probing,
                          const IsFor& is_for) {
  const auto access = [&](const AttackSpec& attack) {
    return plugins.attack(attack.plugin, attack.params)->facts().access;
  };
  return describe_plan(suite, access, seconds, probing, is_for);
}

}  // namespace gauntlet::suite
