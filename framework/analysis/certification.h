// Summary numbers of a certification.
#pragma once
#include "results/record.h"

namespace gauntlet::analysis {

/// Share of all samples that are answered right with a certified radius above this one.
double certified_accuracy(const results::Certification& record, double radius);
/// Accuracy, abstentions, average radius and interval of certificates that are complete.
void summarise(results::Certification& record);

}  // namespace gauntlet::analysis
