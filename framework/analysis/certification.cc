#include "analysis/certification.h"

#include <algorithm>

#include "results/intervals.h"

namespace gauntlet::analysis {
namespace {

int64_t certified_count(const results::Certification& record, double radius) {
  return std::count_if(record.certificates.begin(), record.certificates.end(),
                       [&](const auto& c) { return c.answer == c.label && c.radius > radius; });
}

}  // namespace

double certified_accuracy(const results::Certification& record, double radius) {
  const double n = std::max<double>(1, double(record.certificates.size()));
  return double(certified_count(record, radius)) / n;
}

void summarise(results::Certification& record) {
  record.samples = int64_t(record.certificates.size());
  double abstained = 0, radii = 0;
  for (const results::CertifiedSample& c : record.certificates) {
    abstained += c.answer < 0;
    if (c.answer == c.label) radii += c.radius;
  }
  const double n = std::max<double>(1, double(record.samples));
  record.certified_accuracy = certified_accuracy(record, 0);
  record.abstained = abstained / n, record.average_radius = radii / n;
  record.interval = results::wilson(certified_count(record, 0), record.samples);
}

}  // namespace gauntlet::analysis
