// Prints how often the intervals of randomized rows hold the truth, how far the worst case lies
// from it, and what a filter of single draws would say: the table of docs/read-a-report.md.
// Arguments: how many measurements (3,000).
#include <cstdio>
#include <cstdlib>

#include "evaluation/worst_case.h"
#include "tests/support/drawn_classifier.h"

using gauntlet::testing::DrawnClassifier;

namespace {

void print_coverage(int rounds) {
  std::printf("| trials | interval | holds the truth | mean width |\n|---|---|---|---|\n");
  for (const double shared : {0.15, 0.0})
    for (const int trials : {1, 2, 3, 8, 32}) {
      const auto found = gauntlet::testing::coverage(rounds, trials, shared);
      std::printf("| %d%s | %s | %.1f %% | %.1f points |\n", trials,
                  shared > 0 ? ", shared by all images" : ", of each image", found.method.c_str(),
                  100 * found.covered, 100 * found.width);
    }
}

void print_bias(int rounds) {
  struct Row {
    const char* name;
    int attacks;
    double weaker;
  };
  std::printf("\n| trials | attacks | mean of worst case less truth |\n|---|---|---|\n");
  for (const int trials : {2, 8, 32})
    for (const Row& row :
         {Row{"1", 1, 0}, Row{"6, all alike", 6, 0}, Row{"1 and 5 weaker", 6, 0.5}}) {
      DrawnClassifier classifier(2);
      double bias = 0;
      for (int round = 0; round < rounds; ++round)
        bias += (gauntlet::evaluation::worst_case(
                     classifier.measure(500, trials, row.attacks, row.weaker))
                     .robust_accuracy -
                 classifier.accuracy_given_draws()) /
                rounds;
      std::printf("| %d | %s | %+.2f points |\n", trials, row.name, 100 * bias);
    }
}

void print_filter(int rounds) {
  DrawnClassifier classifier(3);
  double filtered = 0;
  for (int round = 0; round < rounds; ++round)
    filtered += classifier.single_draw_filter(500) / rounds;
  std::printf(
      "\nAttacks that change nothing: truth %.1f %%, a filter of single draws says %.1f %%\n",
      100 * classifier.accuracy(), 100 * filtered);
}
}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 3000;
  if (rounds < 1) {
    std::fprintf(stderr, "scoring_coverage: expected a number of measurements, above 0\n");
    return 2;
  }
  print_coverage(rounds);
  print_bias(rounds);
  print_filter(std::min(rounds, 100));
  return 0;
}
