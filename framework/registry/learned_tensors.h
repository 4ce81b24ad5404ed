// What was trained beside a model's network, for the wrappers that it belongs to.
#pragma once
#include <string>

#include "gauntlet/defense.h"
#include "registry/entries.h"

namespace gauntlet::registry {

/// Throws BadInput where the file of what was trained beside the network is absent or is not the
/// one that the entry declares. Nothing where the entry has none.
void verify_learned(const ModelEntry& model);
/// All of its tensors; none where the entry has none. Throws BadInput, as above.
std::map<std::string, Tensor> learned_tensors(const ModelEntry& model);

/// Why a wrapper cannot have the tensors that were trained with this model: it was not trained with
/// it, or with other parameters. Empty: it can. Files among the parameters are not compared, since
/// each is named from its own folder. `schema`: of the plugin.
std::string learned_problem(const ModelEntry& model, const Use& use, const Schema& schema);

/// Lets a wrapper declare its tensors and fills them with what was trained with the model. Nothing
/// for one that learns nothing. Throws BadInput: as above, or tensors that are missing, surplus or
/// of another shape; InvalidResult for what the wrapper must not declare.
void fill_learned(const ModelEntry& model, const Use& use, const Schema& schema, Defense& wrapper);

}  // namespace gauntlet::registry
