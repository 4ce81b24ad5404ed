// Pictures of what attacks found: clean, perturbation, adversarial.
#pragma once
#include "reports/page/view.h"

namespace gauntlet::reports::page {

/// Of every defense (the first threat, the attack that left it least) a few images of different
/// classes that were right without the attack and wrong under it: [{defense, attack, pictures:
/// [{clean, delta, adversarial, label, predicted, scale, distance}]}], pictures as data URIs.
/// Empty where the run keeps no images; a file that is absent or damaged leaves its row out.
View gallery_of(const Summary& summary, const results::RunRecords& records,
                const RunImages& images);

}  // namespace gauntlet::reports::page
