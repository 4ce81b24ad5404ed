#include "bundle/check_certificates.h"

#include <fmt/format.h>

#include <cmath>

#include "evaluation/certify.h"
#include "evaluation/identity.h"
#include "gauntlet/statistics.h"

namespace gauntlet::bundle {
namespace {

// As a run certifies: float32 sums depend on what is forwarded together.
constexpr int64_t kTogether = 25;
// Radii are kept as they are; float32 sums of another order may move a count by little.
constexpr double kRadiusTolerance = 1e-6;

std::vector<CertifiedSample> certified_again(const Certification& record, const Suite& suite,
                                             const Dataset& data, Laboratory& lab) {
  std::vector<CertifiedSample> out;
  const auto n = int64_t(record.certificates.size());
  for (int64_t from = 0; from < n; from += kTogether) {
    std::vector<int64_t> part;
    for (int64_t i = from; i < std::min(n, from + kTogether); ++i)
      part.push_back(record.certificates[size_t(i)].index);
    const Certification again =
        certify({suite.defenses.front(), record.seed, data, part, nullptr}, lab);
    out.insert(out.end(), again.certificates.begin(), again.certificates.end());
  }
  return out;
}
}  // namespace

void check_certificates(const BoardEntry& entry, const Suite& suite, const Dataset& data,
                        Laboratory& lab, double level, Findings& findings) {
  const std::string fingerprint = identity_of(answerer(suite.defenses.front(), lab));
  for (const Certification& record : entry.certifications) {
    const std::string about = fmt::format("{}: certificates, seed {}", entry.id, record.seed);
    const std::vector<CertifiedSample> again = certified_again(record, suite, data, lab);
    if (again.size() != record.certificates.size())
      return findings.add(about, "the defense does not certify these samples");
    int64_t more = 0, fewer = 0;
    for (size_t i = 0; i < again.size(); ++i) {
      const CertifiedSample &claimed = record.certificates[i], &found = again[i];
      if (claimed.label != found.label)
        findings.add(about, fmt::format("sample {} has label {}, the data set says {}",
                                        claimed.index, claimed.label, found.label));
      if (record.fingerprint == fingerprint &&
          (claimed.answer != found.answer ||
           !(std::abs(claimed.radius - found.radius) <= kRadiusTolerance)))
        findings.add(about, fmt::format("sample {}: the table has answer {} within {:.6g}, the "
                                        "defense certifies {} within {:.6g}",
                                        claimed.index, claimed.answer, claimed.radius, found.answer,
                                        found.radius));
      more += claimed.answer == claimed.label && claimed.radius > found.radius;
      fewer += found.answer == found.label && found.radius > claimed.radius;
    }
    // Radii are as often larger as smaller where draws alone differ.
    if (record.fingerprint != fingerprint && binomial_p_value(more, more + fewer) < level)
      findings.add(about, fmt::format("{} radii are larger and {} smaller than what the defense "
                                      "certifies here, which is more than chance",
                                      more, fewer));
  }
}

}  // namespace gauntlet::bundle
