#include "boards/entry.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

#include "base/names.h"
#include "base/sha256.h"
#include "base/shown.h"
#include "base/whole_file.h"
#include "boards/json_fields.h"

namespace gauntlet::boards {
namespace {

constexpr size_t kMostBytes = size_t{1} << 26;
constexpr uint64_t kMostRanges = 1'000'000;

constexpr Name<Verified> kVerified[] = {
    {"not", Verified::kNot}, {"tables", Verified::kTables}, {"model", Verified::kModel}};

}  // namespace

std::string to_string(Verified verified) { return word_for(kVerified, verified); }

// What json_fields.h asks of each type, found by argument-dependent look-up.

static void from_text(Spelling, const std::string& text, BoardName& to) {
  to = board_name_from_string(text);
}
static void from_text(Spelling, const std::string& text, Division& to) {
  to = division_from_string(text);
}
static void from_text(Spelling, const std::string& text, Verified& to) {
  const auto verified = value_for(kVerified, text);
  if (!verified)
    throw std::invalid_argument("is " + shown(text) + ", expected not, tables or model");
  to = *verified;
}
static void from_text(Spelling, const std::string& text, results::Status& to) {
  try {
    to = results::status_from_string(text);
  } catch (const std::invalid_argument&) {
    throw std::invalid_argument("is " + shown(text) + ", expected ok, invalid, error or skipped");
  }
}

template <class Visitor, results::Is<results::Interval> Record>
void visit_fields(Visitor&& visit, Record&& r) {
  visit("low", r.low, Must::kShare);
  visit("high", r.high, Must::kShare);
  visit("level", r.level, Must::kShare);
  visit("unit", r.unit);
  visit("method", r.method);
}

template <class Visitor, results::Is<results::Ledger> Record>
void visit_fields(Visitor&& visit, Record&& r) {
  visit("forwards", r.forwards, Must::kCount);
  visit("backwards", r.backwards, Must::kCount);
  visit("queries", r.queries, Must::kCount);
  visit("executed_forwards", r.executed_forwards, Must::kCount);
  visit("executed_backwards", r.executed_backwards, Must::kCount);
  visit("source_forwards", r.source_forwards, Must::kCount);
  visit("source_backwards", r.source_backwards, Must::kCount);
  visit("scoring_forwards", r.scoring_forwards, Must::kCount);
}

template <class Visitor, results::Is<results::CellRecord> Record>
void visit_fields(Visitor&& visit, Record&& r) {
  visit("identity", r.identity, Must::kSay);
  visit("fingerprint", r.fingerprint, Must::kSay);
  visit("seed", r.seed);
  visit("status", r.status);
  visit.optional("reason", r.reason);
  visit.optional("flags", r.flags);
  visit("samples", r.samples, Must::kCount);
  visit("trials", r.trials, Must::kCount);
  visit("stochastic", r.stochastic);
  visit("clean_accuracy", r.clean_accuracy, Must::kShare);
  visit("robust_accuracy", r.robust_accuracy, Must::kShare);
  visit("majority_accuracy", r.majority_accuracy, Must::kShare);
  visit("worst_trial_accuracy", r.worst_trial_accuracy, Must::kShare);
  visit.optional("clean_by_trial", r.clean_by_trial, Must::kCount);
  visit.optional("robust_by_trial", r.robust_by_trial, Must::kCount);
  visit("ties", r.ties, Must::kCount);
  visit("interval", r.interval);
  visit("ledger", r.ledger);
  visit("seconds", r.seconds, Must::kCount);
  visit("finished", r.finished);
  visit.rows("outcomes", r.outcomes);
}

template <class Visitor, results::Is<results::Certification> Record>
void visit_fields(Visitor&& visit, Record&& r) {
  visit("identity", r.identity, Must::kSay);
  visit("fingerprint", r.fingerprint, Must::kSay);
  visit("seed", r.seed);
  visit("status", r.status);
  visit.optional("reason", r.reason);
  visit.optional("flags", r.flags);
  visit("samples", r.samples, Must::kCount);
  visit("alpha", r.alpha, Must::kShare);
  visit("certified_accuracy", r.certified_accuracy, Must::kShare);
  visit("abstained", r.abstained, Must::kShare);
  visit("average_radius", r.average_radius, Must::kCount);
  visit("interval", r.interval);
  visit("forwards", r.forwards, Must::kCount);
  visit("seconds", r.seconds, Must::kCount);
  visit("finished", r.finished);
  visit.rows("certificates", r.certificates);
}

template <class Visitor, results::Is<BoardAuthors> Record>
void visit_fields(Visitor&& visit, Record&& r) {
  visit.optional("authors", r.authors);
  visit.optional("contact", r.contact);
  visit.optional("link", r.link);
  visit.optional("description", r.description);
  visit.optional("bibtex", r.bibtex);
}

template <class Visitor, results::Is<BoardAttack::Cell> Record>
void visit_fields(Visitor&& visit, Record&& r) {
  visit_fields(visit, r.record);
  visit.optional("x_adv_sha256", r.x_adv_sha256, Must::kSha256);
}

template <class Visitor, results::Is<BoardAttack> Record>
void visit_fields(Visitor&& visit, Record&& r) {
  visit("name", r.name, Must::kSay);
  visit("plugin", r.plugin, Must::kSay);
  visit("parameters", r.parameters, Must::kObject);
  visit("additional", r.additional);
  visit.optional("source", r.source);
  visit("cells", r.cells);
}

template <class Visitor, results::Is<BoardThreat> Record>
void visit_fields(Visitor&& visit, Record&& r) {
  visit("name", r.threat.name, Must::kSay);
  visit("norm", r.threat.norm, Must::kSay);
  visit("epsilon", r.threat.epsilon, Must::kCount);
  visit("clean_accuracy", r.clean_accuracy, Must::kShare);
  visit("robust_accuracy", r.robust_accuracy, Must::kShare);
  visit("interval", r.interval);
  visit("complete", r.complete);
  visit.optional("rescored_accuracy", r.rescored_accuracy, Must::kShare);
  visit("attacks", r.attacks);
}

template <class Visitor, results::Is<CertifiedAt> Record>
void visit_fields(Visitor&& visit, Record&& r) {
  visit("radius", r.radius, Must::kCount);
  visit("accuracy", r.accuracy, Must::kShare);
  visit("interval", r.interval);
}

/// `samples` is kept as a column, "schema" comes before all.
template <class Visitor, results::Is<BoardEntry> Record>
void visit_fields(Visitor&& visit, Record&& r) {
  visit("board", r.board);
  visit("board_sha256", r.board_sha256, Must::kSha256);
  visit("id", r.id, Must::kSay);
  visit("defense", r.defense, Must::kSay);
  visit("about", r.about);
  visit("division", r.division);
  visit("model", r.model);
  visit("weights_sha256", r.weights_sha256, Must::kSha256);
  visit("parameters", r.parameters, Must::kObject);
  visit("dataset", r.dataset, Must::kSay);
  visit("split", r.split, Must::kSay);
  visit("dataset_sha256", r.dataset_sha256, Must::kSha256);
  visit.optional("class_names", r.class_names);
  visit("seeds", r.seeds);
  visit.optional("findings", r.findings);
  visit("finished", r.finished, Must::kTime);
  visit.optional("bundle_sha256", r.bundle_sha256, Must::kSha256);
  visit.optional("verified", r.verified);
  visit.optional("verified_when", r.verified_when, Must::kTime);
  visit("environment", r.environment, Must::kObject);
  visit("threats", r.threats);
  visit.optional("certified_at", r.certified_at);
  visit.optional("certifications", r.certifications);
}

namespace {

double six_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return std::strtod(text, nullptr);
}

BoardEntry shortened(BoardEntry entry) {
  for (BoardThreat& threat : entry.threats)
    for (BoardAttack& attack : threat.attacks)
      for (BoardAttack::Cell& cell : attack.cells)
        for (results::Outcome& outcome : cell.record.outcomes) {
          outcome.margin = six_digits(outcome.margin);
          outcome.distance = six_digits(outcome.distance);
        }
  return entry;
}

/// Each index once, and one of the entry's.
template <class Row>
void check_indices(const JsonPlace& place, const std::vector<Row>& rows,
                   const std::set<int64_t>& samples) {
  std::set<int64_t> seen;
  for (const Row& row : rows) {
    const std::string name = "has sample " + std::to_string(row.index);
    if (!samples.contains(row.index)) place.fail(name + ", which is none of the entry's");
    if (!seen.insert(row.index).second) place.fail(name + " twice");
    if (row.label < 0) place.fail(name + " with a label below 0");
  }
}

template <class Row>
void check_count(const JsonPlace& place, results::Status status, int64_t samples,
                 const std::vector<Row>& rows) {
  if (status == results::Status::kOk && (rows.empty() || int64_t(rows.size()) != samples))
    place.fail("has " + std::to_string(rows.size()) + " rows, expected " + std::to_string(samples) +
               " and at least one");
  if (status != results::Status::kOk && !rows.empty())
    place.fail("has rows, expected none where the status is " + to_string(status));
}

void check(const JsonPlace& place, const results::CellRecord& record,
           const std::set<int64_t>& samples) {
  if (record.trials < 1) place.member("trials").fail("is below 1");
  const JsonPlace outcomes = place.member("outcomes");
  check_count(outcomes, record.status, record.samples, record.outcomes);
  check_indices(outcomes, record.outcomes, samples);
  for (const results::Outcome& outcome : record.outcomes)
    for (const int64_t right : {outcome.clean_right, outcome.robust_right})
      if (right < 0 || right > record.trials)
        outcomes.fail("has " + std::to_string(right) + " right answers for sample " +
                      std::to_string(outcome.index) + ", expected 0 to " +
                      std::to_string(record.trials));
  for (const results::Outcome& outcome : record.outcomes) {
    if (outcome.predicted < -1)
      outcomes.fail("has class " + std::to_string(outcome.predicted) + " for sample " +
                    std::to_string(outcome.index) + ", expected -1 (refused) or more");
    if (outcome.queries < 0 || outcome.queries > kMostCount)
      outcomes.fail("has " + std::to_string(outcome.queries) + " queries for sample " +
                    std::to_string(outcome.index) + ", expected 0 to " +
                    std::to_string(kMostCount));
  }
}

template <class Item, class NameOf>
void check_distinct(const JsonPlace& place, const std::vector<Item>& list, const NameOf& name_of) {
  std::set<std::string> names;
  for (const Item& item : list)
    if (!names.insert(name_of(item)).second) place.fail("has " + shown(name_of(item)) + " twice");
}

/// One record a seed, in order.
template <class Item, class SeedOf>
void check_seeds(const JsonPlace& place, const std::vector<Item>& list, const BoardEntry& entry,
                 const SeedOf& seed_of) {
  bool same = list.size() == entry.seeds.size();
  for (size_t i = 0; same && i < list.size(); ++i) same = seed_of(list[i]) == entry.seeds[i];
  if (!same) place.fail("are not one for each of the entry's seeds, in their order");
}

void check(const JsonPlace& place, const BoardThreat& threat, const BoardEntry& entry,
           const std::set<int64_t>& samples) {
  const JsonPlace attacks = place.member("attacks");
  check_distinct(attacks, threat.attacks, [](const BoardAttack& attack) { return attack.name; });
  for (size_t a = 0; a < threat.attacks.size(); ++a) {
    const JsonPlace cells = attacks.item(a).member("cells");
    const auto& list = threat.attacks[a].cells;
    check_seeds(cells, list, entry, [](const BoardAttack::Cell& cell) { return cell.record.seed; });
    for (size_t c = 0; c < list.size(); ++c) check(cells.item(c), list[c].record, samples);
  }
}

/// What holds between fields.
void check(const JsonPlace& file, const BoardEntry& entry) {
  if (!is_file_name(entry.id))
    file.member("id").fail("is " + shown(entry.id) +
                           ", expected 1 to 64 of a-z, 0-9 and '-' that do not begin with '-'");
  const std::set<int64_t> samples(entry.samples.begin(), entry.samples.end());
  if (samples.empty()) file.member("samples").fail("is empty");
  if (samples.size() != entry.samples.size()) file.member("samples").fail("has an index twice");
  const std::set<int64_t> seeds(entry.seeds.begin(), entry.seeds.end());
  if (seeds.empty()) file.member("seeds").fail("is empty");
  if (seeds.size() != entry.seeds.size()) file.member("seeds").fail("has a seed twice");
  check_distinct(file.member("threats"), entry.threats,
                 [](const BoardThreat& under) { return under.threat.name; });
  for (size_t t = 0; t < entry.threats.size(); ++t)
    check(file.member("threats").item(t), entry.threats[t], entry, samples);
  const JsonPlace certifications = file.member("certifications");
  if (!entry.certifications.empty())
    check_seeds(certifications, entry.certifications, entry,
                [](const results::Certification& record) { return record.seed; });
  for (size_t c = 0; c < entry.certifications.size(); ++c) {
    const JsonPlace place = certifications.item(c).member("certificates");
    const results::Certification& record = entry.certifications[c];
    check_count(place, record.status, record.samples, record.certificates);
    check_indices(place, record.certificates, samples);
  }
  for (size_t i = 1; i < entry.certified_at.size(); ++i)
    if (entry.certified_at[i].radius <= entry.certified_at[i - 1].radius)
      file.member("certified_at").fail("has radii that do not ascend");
}

}  // namespace

std::string entry_id(const std::string& defense) {
  if (is_file_name(defense) && defense.size() <= kLongestFileName - 9) return defense;
  std::string id;
  for (const char c : defense) {
    const char lower = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
    const bool plain = is_file_name(std::string(1, lower));
    if (plain)
      id += lower;
    else if (!id.empty() && id.back() != '-')
      id += '-';
  }
  id.resize(std::min(id.size(), kLongestFileName - 9));
  while (!id.empty() && id.back() == '-') id.pop_back();
  return (id.empty() ? "entry" : id) + "-" + sha256(defense).substr(0, 8);
}

std::filesystem::path entry_path(const BoardEntry& entry) {
  return std::filesystem::path(to_string(entry.board)) / (entry.id + ".json");
}

std::string to_json(const BoardEntry& entry) {
  Json json = {{"schema", kBoardEntrySchema}};
  json.update(json_of(shortened(entry)));
  json["samples"] = packed_column(Json(entry.samples), /*first=*/true);
  return json_text(json);
}

namespace {
// Rows that ranges of a few bytes stand for.
uint64_t rows_of_ranges(const Json& json) {
  uint64_t rows = 0;
  if (json.is_object() && json.size() == 2 && json.contains("from") && json.contains("count") &&
      json["count"].is_number_unsigned())
    return std::min(json["count"].get<uint64_t>(), kMostRanges);  // a larger one is told of by name
  if (json.is_structured())
    for (const Json& item : json) rows += rows_of_ranges(item);
  return rows;
}
}  // namespace

BoardEntry board_entry_from_json(std::string_view text, const std::string& name) {
  const JsonPlace file(name);
  Json json = parse_strictly(text, file, kMostBytes);
  if (!json.is_object()) file.unexpected(json, "a board entry, an object");
  // Before all else: another schema may have other fields.
  if (!json.contains("schema")) file.fail("has no 'schema', expected a board entry");
  if (json["schema"] != kBoardEntrySchema)
    file.member("schema").unexpected(
        json["schema"], std::to_string(kBoardEntrySchema) + "; was it written by another version?");
  if (!json.contains("samples")) file.fail("has no 'samples'");
  // Margins and distances take some bytes a row.
  if (rows_of_ranges(json) > std::max<uint64_t>(2 * kMostRanges, text.size()))
    file.fail("has ranges of more rows than its size lets expect");
  BoardEntry entry;
  entry.samples = unpacked_column(file.member("samples"), json["samples"]);
  json.erase("schema");
  json.erase("samples");
  read_json(file, json, entry);
  check(file, entry);
  return entry;
}

BoardEntry read_board_entry(const std::filesystem::path& file) {
  BoardEntry entry = board_entry_from_json(whole_file(file), file.string());
  if (file.filename() != entry.id + ".json")
    throw BadInput(file.string() + ": holds the entry " + shown(entry.id) +
                   ", expected it to be called " + entry.id + ".json");
  return entry;
}

}  // namespace gauntlet::boards
