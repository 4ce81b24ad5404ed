// Certificates of bundles, and what a cheat would make of them.
#include "bundle_fixture.h"

namespace gauntlet::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Certified : public Bundles {
 protected:
  // Radii end at 0.15 for noise of 0.1 and 100 copies, so that nothing is certified beyond 0.25.
  Opened certified(int64_t samples) const {
    std::ofstream(folder_ / "boards/sure.toml") << R"(schema = 1
version = 1
title = "small"
division = "certified"
seeds = [0]
scoring = { trials = 3 }
certify = true
threat.l2 = { norm = "l2", epsilon = 0.25 }
attack.pgd = { use = "pgd", steps = 2, step_size = 0.1 }
audit = { control = [], white_box = ["pgd"], black_box = [] }
data = { dataset = "fashion-mnist-1k", samples = )"
                                                << samples << " }\n";
    return Opened(bundle(suite("sure@1", stack(0.001))));
  }
  static std::string stack(double alpha) {
    return "[{ use = \"randomized_smoothing\", sigma = 0.1, n0 = 20, n = 100, mc_samples = 8, "
           "alpha = " +
           std::to_string(alpha) + " }]";
  }
  static void change(Opened& opened, const std::function<void(results::Certification&)>& edit) {
    opened.change(
        "at",
        [&](boards::BoardEntry& entry) {
          edit(entry.certifications.at(0));
          analysis::summarise(entry.certifications[0]);
        },
        /*honest_sums=*/true);
  }
};

TEST_F(Certified, AreCertifiedAgain) {
  Opened opened = certified(6);
  EXPECT_THAT(failures(opened), IsEmpty());
  change(opened, [](results::Certification& record) { record.certificates[0].radius += 0.05; });
  EXPECT_THAT(failures(opened), HasSubstr("the defense certifies"));
}

TEST_F(Certified, AreOfEverySample) {
  Opened opened = certified(6);
  change(opened, [](results::Certification& record) {
    record.certificates.pop_back();
    --record.samples;
  });
  EXPECT_THAT(failures(opened), HasSubstr("the samples are not those of the board"));
}

TEST_F(Certified, SayHowOftenTheyFail) {
  Opened opened = certified(6), often = opened;
  change(opened, [](results::Certification& record) { record.alpha = 0.0001; });
  EXPECT_THAT(failures(opened),
              HasSubstr("each is said to fail with a chance of 0.0001, the certifier says 0.001"));
  change(often, [](results::Certification& record) { record.alpha = 0.01; });
  EXPECT_THAT(failures(often, /*model=*/false),
              HasSubstr("fail with a chance of 0.01, a board takes at most 0.001"));
}

TEST_F(Certified, ThatFailTooOftenDoNotEnter) {
  certified(6);
  try {
    run(suite("sure@1", stack(0.01)), plugins_, registry_, folder_ / "often", {});
    FAIL() << "ran";
  } catch (const BadInput& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("defense 'at': its certificates fail with a chance of 0.01, expected at "
                          "most 0.001, which the certified division of board 'sure@1' does not"));
  }
}

TEST_F(Certified, AreThereWhereTheBoardCertifies) {
  Opened opened = certified(6), skipped = opened;
  opened.change("at", [](boards::BoardEntry& entry) {
    entry.certifications.clear();
    claim(entry);
  });
  EXPECT_THAT(failures(opened), HasSubstr("the board certifies, but no certificates are there"));
  skipped.change("at", [](boards::BoardEntry& entry) {
    results::Certification& record = entry.certifications[0];
    record.status = results::Status::kSkipped, record.reason = "it was late";
    record.certificates.clear();
    claim(entry);
  });
  EXPECT_THAT(failures(skipped), HasSubstr("is skipped; a board needs a result"));
}

TEST_F(Certified, AreNotThereWhereItDoesNot) {
  const boards::BoardEntry with = certified(6).entry("at");
  Opened opened(bundle(suite("plain@1"), "plain"));
  opened.change("at",
                [&](boards::BoardEntry& entry) { entry.certifications = with.certifications; });
  EXPECT_THAT(failures(opened),
              HasSubstr("the board does not certify, but certificates are there"));
}

TEST_F(Certified, MayDifferByChanceOnAnotherBuild) {
  Opened opened = certified(48);
  opened.change("at", made_elsewhere);
  EXPECT_THAT(failures(opened), IsEmpty());
  Opened larger = opened, rounded = opened;
  change(rounded, [](results::Certification& record) {
    for (results::CertifiedSample& sample : record.certificates)
      sample.radius = std::nextafter(sample.radius, 9);
  });
  EXPECT_THAT(failures(rounded), IsEmpty()) << "functions of another library";
  change(larger, [](results::Certification& record) {
    for (results::CertifiedSample& sample : record.certificates) sample.radius *= 1.01;
  });
  EXPECT_THAT(failures(larger), HasSubstr("radii are larger"));
  // As many are made smaller, by little, as are made larger, by much.
  change(opened, [](results::Certification& record) {
    bool much = false;
    for (results::CertifiedSample& sample : record.certificates)
      if (sample.answer == sample.label && sample.radius > 0.01)
        sample.radius += (much = !much) ? 0.2 : -0.001;
  });
  const std::string found = failures(opened);
  EXPECT_THAT(found, HasSubstr("images are certified beyond 0.25 in the table alone and 0 by the "
                               "defense here alone"));
  EXPECT_THAT(found, ::testing::Not(HasSubstr("radii are larger")));
}

}  // namespace
}  // namespace gauntlet::testing
