// data_subset IMAGES LABELS CLASSES PER_CLASS OUT_IMAGES OUT_LABELS: the first PER_CLASS samples of
// every class of an IDX data set, in their order, as .gz IDX files.
#include <cstdio>
#include <cstdlib>

#include "base/bad_input.h"
#include "data/dataset.h"
#include "data/formats/readers.h"

int main(int count, char** word) try {
  if (count != 7) {
    std::fprintf(stderr,
                 "usage: data_subset IMAGES LABELS CLASSES PER_CLASS OUT_IMAGES OUT_LABELS\n");
    return 2;
  }
  const gauntlet::data::Dataset whole =
      gauntlet::data::read_idx(word[1], word[2], std::atoll(word[3]));
  gauntlet::data::write_idx(gauntlet::data::stratified_subset(whole, std::atoll(word[4])), word[5],
                            word[6]);
  return 0;
} catch (const gauntlet::BadInput& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 2;
}
