#include "analysis/certification.h"

#include <gtest/gtest.h>

namespace gauntlet {
namespace {

// Two right, one wrong, two abstained (one whose radius is left over from nowhere).
results::Certification five() {
  results::Certification record;
  record.certificates = {
      {0, 1, 1, 0.5}, {1, 2, 2, 0.25}, {2, 0, 3, 0.75}, {3, 0, -1, 0}, {4, 1, -1, 0}};
  return record;
}

TEST(CertifiedAccuracy, CountsRightAnswersWithARadiusAboveOfAllImages) {
  const results::Certification record = five();
  EXPECT_DOUBLE_EQ(analysis::certified_accuracy(record, 0), 0.4);
  EXPECT_DOUBLE_EQ(analysis::certified_accuracy(record, 0.2499), 0.4);
  EXPECT_DOUBLE_EQ(analysis::certified_accuracy(record, 0.25), 0.2);
  EXPECT_DOUBLE_EQ(analysis::certified_accuracy(record, 0.5), 0);
  EXPECT_EQ(analysis::certified_accuracy(results::Certification{}, 0), 0);
}

TEST(CertifiedAccuracy, IsSummedUpWithAbstentionsAndRadii) {
  results::Certification record = five();
  analysis::summarise(record);
  EXPECT_EQ(record.samples, 5);
  EXPECT_DOUBLE_EQ(record.certified_accuracy, 0.4);
  EXPECT_DOUBLE_EQ(record.abstained, 0.4);
  EXPECT_DOUBLE_EQ(record.average_radius, 0.15) << "wrong answers count 0";
  EXPECT_LT(record.interval.low, 0.4);
  EXPECT_GT(record.interval.high, 0.4);
}

}  // namespace
}  // namespace gauntlet
