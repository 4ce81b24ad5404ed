#include "evaluation/shared_rows.h"

#include "evaluation/identity.h"

namespace gauntlet::evaluation {

std::vector<std::shared_ptr<SharedPasses>> share_passes(const std::vector<suite::DefenseSpec>& rows,
                                                        Laboratory& laboratory) {
  std::map<std::string, std::vector<std::string>> alike;
  for (const suite::DefenseSpec& row : rows) try {
      const DefendedModel* model = laboratory.known(row.name);
      const std::string draws = model ? draws_identity(row, *model, laboratory) : "";
      if (!draws.empty()) alike[draws].push_back(row.name);
    } catch (...) {  // a plugin of this row; its cells say what
    }
  std::vector<std::shared_ptr<SharedPasses>> out;
  for (const auto& [_, names] : alike) {
    if (names.size() < 2) continue;
    out.push_back(std::make_shared<SharedPasses>());
    for (const std::string& name : names) laboratory.share(name, out.back());
  }
  return out;
}

SharedRuns::SharedRuns(const suite::DefenseSpec& defense, const suite::AttackSpec& attack,
                       const suite::ThreatSpec& threat, int64_t seed, const DefendedModel& model,
                       Laboratory& laboratory)
    : passes_(laboratory.shared(defense.name)) {
  if (passes_)
    attack_ = attack_identity(attack, threat, seed, model.votes()->surrogate(), laboratory);
}

void SharedRuns::lend(const CraftBatch& batch, CraftRules& rules) const {
  if (!passes_) return;
  const Tensor index = batch.index.cpu().contiguous();
  std::string samples(static_cast<const char*>(index.const_data_ptr()), size_t(index.nbytes()));
  rules.runs = passes_->runs(attack_ + samples);
  rules.draws_known = &passes_->draws();
}

}  // namespace gauntlet::evaluation
