#include "execution/certifications.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include "evaluation/certify.h"
#include "evaluation/identity.h"
#include "execution/damage.h"
#include "gauntlet/version.h"
#include "models/safetensors.h"
#include "results/artifacts.h"
#include "results/certification.h"

namespace gauntlet {
namespace {

// Of one transaction. Few, since a sample may take 100,000 passes; copies of a sample fill a
// forward, so few samples are not slower.
constexpr int64_t kCertifiedShard = 25;

void stamp(Certification& record, nlohmann::json environment) {
  environment["threads"] = at::get_num_threads();
  environment["gauntlet"] = GAUNTLET_VERSION;
  record.environment = environment.dump();
  record.finished = utc_now();
}

void merge(Certification& whole, const Certification& part, bool first) {
  if (first) {
    whole = part;
    return;
  }
  whole.certificates.insert(whole.certificates.end(), part.certificates.begin(),
                            part.certificates.end());
  whole.forwards += part.forwards;
  whole.seconds += part.seconds;
}
}  // namespace

std::string Certifications::identity(const CertifiedRow& row,
                                     const std::vector<int64_t>& indices) const {
  return identity_of(certification_question(suite_.defenses[row.defense], row.seed, suite_.data,
                                            data_, indices, lab_));
}

Certifications::Result Certifications::run(size_t number, const std::string& problem,
                                           const std::vector<CellRecord>& cells) {
  const CertifiedRow& row = suite_.certified[number];
  const DefenseSpec& defense = suite_.defenses[row.defense];
  if (options_.stop && options_.stop->load()) throw Interrupted{};
  events_.cell_begin(suite_.cells.size() + number,
                     defense.name + ", certified" +
                         (suite_.seeds.size() > 1 ? fmt::format(" × seed {}", row.seed) : ""));
  std::vector<int64_t> indices = suite_.data.indices;
  if (const int64_t samples = suite_.certify->samples; samples > 0)
    indices.resize(std::min(indices.size(), size_t(samples)));
  const nlohmann::json environment = answerer(defense, lab_);
  const std::string fingerprint = identity_of(environment), asked = identity(row, indices),
                    own = told_apart(asked, asked_);
  std::optional<Certification> known = store_.find_certification(own, fingerprint);
  if (!known && asked != own) known = store_.find_certification(asked, fingerprint);
  tell_damage(store_, events_);
  Result out{known ? *known : Certification{}, known.has_value()};
  Certification& record = out.record;
  if (!known && problem.empty()) {
    record = measure(row, indices, environment);
  } else if (!known) {
    record.reason = problem;
    record.samples = int64_t(indices.size());
  }
  if (!known) stamp(record, environment);
  // Names, and the attacks to hold it against, are of this suite, whoever asked the same before.
  record.identity = own, record.fingerprint = fingerprint;
  record.suite = suite_.name, record.defense = defense.name, record.seed = row.seed;
  record.dataset = data_.id, record.split = data_.split;
  nlohmann::json parameters = parameters_of(defense, lab_);
  parameters["data"] = data_parameters(suite_.data, data_, indices);
  record.parameters = parameters.dump();
  record.flags = contradictions(row, record, cells);
  store_.put(record);
  store_.add_certification_to_run(own, fingerprint);
  events_.certification_end(record, out.cached);
  return out;
}

Certification Certifications::measure(const CertifiedRow& row, const std::vector<int64_t>& indices,
                                      const nlohmann::json& environment) {
  Certification whole;
  const auto n = int64_t(indices.size());
  for (int64_t from = 0; from < n; from += kCertifiedShard) {
    const std::vector<int64_t> part(indices.begin() + from,
                                    indices.begin() + std::min(n, from + kCertifiedShard));
    Certification record = shard(row, part, int64_t(part.size()) == n, environment);
    if (record.status != Status::kOk) {
      record.samples = n;
      return record;
    }
    merge(whole, record, from == 0);
    events_.samples(from + int64_t(part.size()), n);
  }
  summarise(whole);
  return whole;
}

// One after another; those of an interrupted run are found in the store.
Certification Certifications::shard(const CertifiedRow& row, const std::vector<int64_t>& part,
                                    bool single, const nlohmann::json& environment) {
  const std::string asked = identity(row, part), fingerprint = identity_of(environment);
  if (!single) {
    const auto known = store_.find_certification(asked, fingerprint);
    tell_damage(store_, events_);
    if (known && known->status == Status::kOk) return *known;
  }
  Certification record =
      certify({suite_.defenses[row.defense], row.seed, data_, part, options_.stop}, lab_);
  record.identity = asked, record.fingerprint = fingerprint;
  if (!single && record.status == Status::kOk) {
    record.suite = suite_.name;
    stamp(record, environment);  // a shard may be all that another suite asks for
    store_.put(record);
  }
  return record;
}

std::vector<std::string> Certifications::contradictions(const CertifiedRow& row,
                                                        const Certification& record,
                                                        const std::vector<CellRecord>& cells) {
  std::vector<std::string> found;
  const DefenseSpec& defense = suite_.defenses[row.defense];
  if (record.status != Status::kOk) return found;
  for (CellRecord cell : cells) {
    if (cell.defense != defense.name || cell.seed != row.seed || cell.status != Status::kOk)
      continue;
    try {
      cell.outcomes = store_.outcomes(cell.identity, cell.fingerprint);
      const std::filesystem::path file = store_.artifacts() / cell.x_adv;
      const Tensor x_adv =
          parse_safetensors(read_artifact(file, cell.x_adv_sha256), file.string()).at("x_adv");
      const std::string sentence =
          contradiction(lab_.defended(defense, data_), data_, lab_.device(), record, cell, x_adv);
      if (!sentence.empty()) found.push_back(sentence);
    } catch (const std::exception& error) {  // certificates stand, unchecked: the report says so
      found.push_back("not held against " + cell.attack + " under " + cell.threat + ": " +
                      error.what());
    }
  }
  return found;
}

}  // namespace gauntlet
