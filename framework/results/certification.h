// What a certification amounts to.
#pragma once
#include "results/record.h"

namespace gauntlet {

/// Share of all samples that are answered right with a certified radius above this one.
double certified_accuracy(const Certification& record, double radius);
/// Accuracy, abstentions, average radius and interval of certificates that are complete.
void summarise(Certification& record);

}  // namespace gauntlet
