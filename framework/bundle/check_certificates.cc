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

results::Certification certified_again(const results::Certification& record,
                                       const suite::Suite& suite, const data::Dataset& data,
                                       evaluation::Laboratory& lab) {
  results::Certification out;
  out.status = results::Status::kOk;
  const auto n = int64_t(record.certificates.size());
  for (int64_t from = 0; from < n && out.status == results::Status::kOk; from += kTogether) {
    std::vector<int64_t> part;
    for (int64_t i = from; i < std::min(n, from + kTogether); ++i)
      part.push_back(record.certificates[size_t(i)].index);
    results::Certification again =
        certify({suite.defenses.front(), record.seed, data, part, nullptr}, lab);
    out.status = again.status, out.reason = again.reason, out.alpha = again.alpha;
    out.certificates.insert(out.certificates.end(), again.certificates.begin(),
                            again.certificates.end());
  }
  return out;
}

class RecordCheck {
 public:
  RecordCheck(const results::Certification& claimed, const results::Certification& found,
              std::string about, Findings& findings)
      : claimed_(claimed), found_(found), about_(std::move(about)), findings_(findings) {}

  // What no draw changes.
  bool comparable() {
    if (found_.status != results::Status::kOk) {
      add("the defense does not certify these samples: " + found_.reason);
      return false;
    }
    if (claimed_.alpha != found_.alpha)
      add(fmt::format("each is said to fail with a chance of {:.6g}, the certifier says {:.6g}",
                      claimed_.alpha, found_.alpha));
    for (size_t i = 0; i < size(); ++i)
      if (claimed(i).label != found(i).label)
        add(fmt::format("sample {} has label {}, the data set says {}", claimed(i).index,
                        claimed(i).label, found(i).label));
    return true;
  }

  void by_draws() {
    for (size_t i = 0; i < size(); ++i)
      if (claimed(i).answer != found(i).answer ||
          !(std::abs(claimed(i).radius - found(i).radius) <= kRadiusTolerance))
        add(
            fmt::format("sample {}: the table has answer {} within {:.6g}, the defense certifies "
                        "{} within {:.6g}",
                        claimed(i).index, claimed(i).answer, claimed(i).radius, found(i).answer,
                        found(i).radius));
  }

  // Radii are as often larger as smaller where draws alone differ, and as many images are certified
  // beyond each radius that is claimed.
  void by_chance(const std::vector<boards::CertifiedAt>& claims, double level) {
    int64_t more = 0, fewer = 0;
    for (size_t i = 0; i < size(); ++i) {
      more += right(claimed(i)) && exceeds(claimed(i).radius, found(i).radius);
      fewer += right(found(i)) && exceeds(found(i).radius, claimed(i).radius);
    }
    if (binomial_p_value(more, more + fewer) < level)
      add(
          fmt::format("{} radii are larger and {} smaller than what the defense certifies here, "
                      "which is more than chance",
                      more, fewer));
    for (const boards::CertifiedAt& claim : claims) by_chance_beyond(claim.radius, level);
  }

 private:
  // By more than what float64 functions of another library differ by.
  static bool exceeds(double radius, double other) { return radius > other + kRadiusTolerance; }
  static bool right(const results::CertifiedSample& sample) {
    return sample.answer == sample.label;
  }
  static bool near(const results::CertifiedSample& sample, double radius) {
    return right(sample) && std::abs(sample.radius - radius) <= kRadiusTolerance;
  }
  size_t size() const { return claimed_.certificates.size(); }
  const results::CertifiedSample& claimed(size_t i) const { return claimed_.certificates[i]; }
  const results::CertifiedSample& found(size_t i) const { return found_.certificates[i]; }
  void add(const std::string& what) { findings_.add(about_, what); }

  void by_chance_beyond(double radius, double level) {
    int64_t table = 0, here = 0;
    for (size_t i = 0; i < size(); ++i) {
      // One of a radius that is as good as the claimed one is on neither side of it.
      const bool a = right(claimed(i)) && exceeds(claimed(i).radius, radius),
                 b = right(found(i)) && exceeds(found(i).radius, radius);
      table += a && !b && !near(found(i), radius), here += b && !a && !near(claimed(i), radius);
    }
    if (binomial_p_value(table, table + here) < level)
      add(
          fmt::format("{} images are certified beyond {:.6g} in the table alone and {} by the "
                      "defense here alone, which is more than chance",
                      table, radius, here));
  }

  const results::Certification& claimed_;
  const results::Certification& found_;
  const std::string about_;
  Findings& findings_;
};
}  // namespace

bool check_certificates(const boards::BoardEntry& entry, const suite::Suite& suite,
                        const data::Dataset& data, bool same_threads, evaluation::Laboratory& lab,
                        double level, Findings& findings) {
  bool conclusive = true;
  const std::string fingerprint = evaluation::identity_of(answerer(suite.defenses.front(), lab));
  for (const results::Certification& record : entry.certifications) {
    const results::Certification again = certified_again(record, suite, data, lab);
    RecordCheck check(record, again,
                      fmt::format("{}: certificates, seed {}", entry.id, record.seed), findings);
    if (!check.comparable()) continue;
    if (same_threads && record.fingerprint == fingerprint)
      check.by_draws();
    else if (lab.defended(suite.defenses.front(), data).shared_noise())
      conclusive = false;  // one draw moves many radii: no two images are two tests
    else
      check.by_chance(entry.certified_at, level);
  }
  return conclusive;
}

}  // namespace gauntlet::bundle
