#include "boards/ranking.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "analysis/statistics.h"
#include "base/shown.h"
#include "boards/audit.h"

namespace gauntlet::boards {
namespace {

std::string text_of(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& item : list) text += (text.empty() ? "" : ", ") + item;
  return text;
}

/// Attacks of the board that the threat has no column for.
std::vector<std::string> absent_attacks(const BoardThreat& threat, const BoardRules& rules,
                                        const std::set<std::string>& of_others) {
  std::vector<std::string> out;
  const auto has = [&](const auto& is_it) {
    return std::any_of(
        threat.attacks.begin(), threat.attacks.end(),
        [&](const BoardAttack& attack) { return !attack.additional && is_it(attack.name); });
  };
  for (const std::string& name : rules.attacks)
    if (!has([&](const std::string& attack) { return is_column_of(attack, name); }))
      out.push_back(name);
  for (const std::string& name : of_others)
    if (!has([&](const std::string& attack) { return attack == name; }) &&
        std::find(out.begin(), out.end(), name) == out.end())
      out.push_back(name);
  return out;
}

const BoardThreat* threat_of(const BoardEntry& entry, const Ranking& question) {
  for (const BoardThreat& under : entry.threats)
    if (under.threat == question.threat) return &under;
  return nullptr;
}

std::string problem_of(const BoardPlace& place, const Ranking& question, const BoardRules& rules,
                       const std::set<std::string>& attacks) {
  if (!rules.sha256.empty() && place.entry->board_sha256 != rules.sha256)
    return "made for another text of the board's definition";
  if (!question.certified) {
    if (!place.threat) return "was not attacked under this threat";
    if (!place.score.missing.empty()) return "no result of " + text_of(place.score.missing);
    if (const auto absent = absent_attacks(*place.threat, rules, attacks); !absent.empty())
      return "lacks " + text_of(absent);
  }
  if (!place.score.problem.empty() || question.certified) return place.score.problem;
  return failed_evidence(*place.threat);
}

/// The images that most entries have; of equals the larger set, then the first.
void refuse_other_images(std::vector<BoardPlace>& places) {
  std::map<std::vector<int64_t>, int64_t> votes;
  for (const BoardPlace& place : places)
    if (place.ranked()) ++votes[place.score.images];
  if (votes.size() < 2) return;
  const auto most = std::max_element(votes.begin(), votes.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.second, a.first.size(), b.first) <
           std::tuple(b.second, b.first.size(), a.first);
  });
  for (BoardPlace& place : places)
    if (place.ranked() && place.score.images != most->first)
      place.problem = "was measured on other images than the other entries";
}

BoardDuel duel_of(const BoardScore& row, const BoardScore& column) {
  const analysis::Pairs pairs{column.rates, row.rates, sum_of(column.shared, row.shared)};
  const results::Difference difference = paired_difference(pairs);
  const analysis::PairedTest test = paired_test(pairs);
  return {difference.value, difference.interval, test.p, 1, test.method};
}

BoardDuel turned(BoardDuel duel) {
  duel.difference = -duel.difference;
  std::swap(duel.interval.low, duel.interval.high);
  duel.interval.low = -duel.interval.low, duel.interval.high = -duel.interval.high;
  return duel;
}

/// All against all, and Holm over them.
std::vector<std::vector<BoardDuel>> duels_of(const std::vector<BoardPlace>& places, size_t n) {
  std::vector<std::vector<BoardDuel>> duels(n, std::vector<BoardDuel>(n));
  std::vector<double> p;
  for (size_t i = 0; i < n; ++i)
    for (size_t j = i + 1; j < n; ++j) {
      duels[i][j] = duel_of(places[i].score, places[j].score);
      p.push_back(duels[i][j].p);
    }
  const std::vector<double> adjusted = analysis::holm(p);
  size_t at = 0;
  for (size_t i = 0; i < n; ++i)
    for (size_t j = i + 1; j < n; ++j) {
      duels[i][j].p_adjusted = adjusted[at++];
      duels[j][i] = turned(duels[i][j]);
    }
  return duels;
}

void sort(std::vector<BoardPlace>& places) {
  std::sort(places.begin(), places.end(), [](const BoardPlace& a, const BoardPlace& b) {
    const auto key = [](const BoardPlace& place) {
      return std::tuple(!place.ranked(), place.rank, place.ranked() ? -place.score.accuracy : 0.0,
                        std::cref(place.entry->id).get());
    };
    return key(a) < key(b);
  });
}

void rank(Ranking& ranking) {
  sort(ranking.places);
  const auto n = size_t(std::count_if(ranking.places.begin(), ranking.places.end(),
                                      [](const BoardPlace& place) { return place.ranked(); }));
  const auto duels = duels_of(ranking.places, n);
  std::map<const BoardEntry*, size_t> row;
  for (size_t i = 0; i < n; ++i) {
    BoardPlace& place = ranking.places[i];
    row[place.entry] = i;
    place.rank = 1, place.last = int64_t(n);
    for (size_t j = 0; j < n; ++j) {
      if (i == j || !duels[i][j].significant()) continue;
      place.rank += duels[i][j].difference < 0;
      place.last -= duels[i][j].difference > 0;
    }
  }
  // By rank now, and the duels with them.
  sort(ranking.places);
  ranking.duels.assign(n, std::vector<BoardDuel>(n));
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < n; ++j)
      ranking.duels[i][j] = duels[row.at(ranking.places[i].entry)][row.at(ranking.places[j].entry)];
}

/// Each threat and radius once, in the order in which they come up; radii ascending.
std::vector<Ranking> questions_of(const std::vector<BoardEntry>& entries) {
  std::set<double> radii;
  std::vector<Ranking> out;
  for (const BoardEntry& entry : entries)
    for (const CertifiedAt& at : entry.certified_at) radii.insert(at.radius);
  for (const double radius : radii) out.push_back({{"certified", "l2", radius}, true, {}, {}});
  for (const BoardEntry& entry : entries)
    for (const BoardThreat& under : entry.threats) {
      const auto same = [&](const Ranking& question) {
        return !question.certified && question.threat == under.threat;
      };
      if (std::none_of(out.begin(), out.end(), same)) out.push_back({under.threat, false, {}, {}});
    }
  return out;
}

void answer(Ranking& question, const std::vector<BoardEntry>& entries, const BoardRules& rules) {
  std::set<std::string> attacks;  // of the board, as any entry has them
  for (const BoardEntry& entry : entries) {
    BoardPlace place;
    place.entry = &entry;
    if (question.certified) {
      place.score = certified_score(entry, question.threat.epsilon);
    } else if ((place.threat = threat_of(entry, question))) {
      place.score = score_of(*place.threat);
      for (const BoardAttack& attack : place.threat->attacks)
        if (!attack.additional) attacks.insert(attack.name);
    }
    question.places.push_back(std::move(place));
  }
  for (BoardPlace& place : question.places)
    place.problem = problem_of(place, question, rules, attacks);
  refuse_other_images(question.places);
  rank(question);
}
}  // namespace

std::vector<Ranking> rankings_of(const std::vector<BoardEntry>& entries, const BoardRules& rules) {
  std::vector<Ranking> out = questions_of(entries);
  for (Ranking& question : out) answer(question, entries, rules);
  return out;
}

}  // namespace gauntlet::boards
