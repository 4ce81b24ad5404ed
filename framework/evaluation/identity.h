// What names a result: identity (what was asked) and fingerprint (what answered).
#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "evaluation/laboratory.h"
#include "suite/job.h"

namespace gauntlet::evaluation {

/// The question as canonical JSON: data, model, stack, attack, host keys, threat, scoring, seed.
nlohmann::json question(const suite::Job& job, const data::Dataset& data, int64_t batch_size,
                        const Laboratory& laboratory);
/// The question of a certification: data, model, stack, seed.
nlohmann::json certification_question(const suite::Job& job, const data::Dataset& data,
                                      const Laboratory& laboratory);
/// The part of a question that is of data: sums of files, how these are read, which samples.
nlohmann::json data_question(const suite::DataSpec& from, const data::Dataset& data,
                             const std::vector<int64_t>& indices);
/// SHA-256 of the canonical text.
std::string identity_of(const nlohmann::json& question);
/// An identity for each time that one run asks the same: itself, then with "-2", "-3", …
std::string told_apart(const std::string& identity, std::map<std::string, int64_t>& asked);

/// All that the wrappers of a stack are fitted on: network, weights, the whole stack with its
/// parameters, the training images, and what computes it. There is no seed: every fit draws alike.
class FittingQuestion {
 public:
  FittingQuestion(const registry::ModelEntry& entry, const std::vector<Use>& stack,
                  TrainingImages& images, const Laboratory& laboratory);
  /// SHA-256, for the wrapper at this place of the stack.
  std::string identity(size_t place) const;
  /// Whether this attack is one of the parameters, with all of its own: one that a plugin makes up
  /// is not part of the identity.
  bool names(const Use& attack) const;

 private:
  nlohmann::json question_;
  const Laboratory& laboratory_;
};

/// What answers: digests of the engine, libgauntlet and the plugins used, LibTorch, device,
/// precision.
nlohmann::json answerer(const suite::DefenseSpec& defense, const suite::AttackSpec& attack,
                        const Laboratory& laboratory);

/// SHA-256 of libgauntlet-engine.so, which holds all of the host that can change a number. Records
/// of version 0.1 have that of the whole program, under "host".
const std::string& engine_digest();

/// The same where nothing attacks.
nlohmann::json answerer(const suite::DefenseSpec& defense, const Laboratory& laboratory);

/// The plugins that take part in a cell ("attack/pgd"), those inside of others and those of
/// transfer sources too.
std::set<std::string> plugins_behind(const suite::DefenseSpec& defense,
                                     const suite::AttackSpec& attack, const Laboratory& laboratory);
/// The models that an attack's parameters name, by their ids.
std::set<std::string> sources_of(const suite::AttackSpec& attack, const Laboratory& laboratory);

/// Parameters for people: values beside defaults, and all that the question says. See
/// CellRecord::parameters.
nlohmann::json parameters_of(const suite::Job& job, const data::Dataset& data,
                             const Laboratory& laboratory);

/// What draws of a row are of, whatever its vote makes of them; "" for a row that draws for itself
/// alone. Equal for rows that differ in nothing but parameters that only ballots read.
std::string draws_identity(const suite::DefenseSpec& defense, const DefendedModel& model,
                           const Laboratory& laboratory);
/// What decides what an attack finds beside the model, the samples and the noise: its parameters,
/// those of the host, threat and seed. `average`: of a query that names none.
std::string attack_identity(const suite::AttackSpec& attack, const suite::ThreatSpec& threat,
                            int64_t seed, Average average, const Laboratory& laboratory);

/// The part of it that is the defense's, and that of the data.
nlohmann::json parameters_of(const suite::DefenseSpec& defense, const Laboratory& laboratory);
nlohmann::json data_parameters(const suite::DataSpec& from, const data::Dataset& data,
                               const std::vector<int64_t>& indices);

/// The expanded suite, for the record of a run.
nlohmann::json settings_of(const suite::Suite& suite);

}  // namespace gauntlet::evaluation
