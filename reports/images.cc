#include "reports/images.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "reports/text/text.h"
#include "results/settings.h"

namespace gauntlet::reports {
namespace {

constexpr float kUnseen = std::numeric_limits<float>::quiet_NaN();

void put(std::vector<float>& rates, size_t place, int64_t right, int64_t trials) {
  if (place >= rates.size()) rates.resize(place + 1, kUnseen);
  rates[place] = float(right) / float(std::max<int64_t>(1, trials));
}

/// What one of the two lacks, the sum lacks, too.
void add(std::vector<float>& sums, std::vector<float> rates) {
  const size_t size = std::max(sums.size(), rates.size());
  sums.resize(size, kUnseen), rates.resize(size, kUnseen);
  for (size_t i = 0; i < size; ++i) sums[i] += rates[i];
}

}  // namespace

RunImages::RunImages(const Summary& summary, const results::OutcomesOf& outcomes)
    : summary_(summary) {
  for (const auto& group : summary.cells) rates_.push_back(read(group, outcomes));
  for (ImageRates& rates : rates_)
    if (!rates.empty())
      for (std::vector<float>* each : {&rates.clean, &rates.robust}) each->resize(size(), kUnseen);
  classes_ = results::settings_of(summary.run.settings).data.classes;
  const int64_t most = labels_.empty() ? -1 : *std::max_element(labels_.begin(), labels_.end());
  for (int64_t c = int64_t(classes_.size()); c <= most; ++c) classes_.push_back(std::to_string(c));
}

size_t RunImages::place_of(const results::Outcome& outcome) {
  const auto [place, is_new] = places_.try_emplace(outcome.index, labels_.size());
  if (is_new) indices_.push_back(outcome.index), labels_.push_back(outcome.label);
  return place->second;
}

ImageRates RunImages::read(const Group<results::CellRecord>& group,
                           const results::OutcomesOf& outcomes) {
  ImageRates sums;
  if (!group.robust) return sums;
  for (const results::CellRecord* record : group.records) {
    ImageRates rates;
    for (const results::Outcome& outcome : outcomes(*record)) {
      if (outcome.label < 0) continue;
      const size_t place = place_of(outcome);
      put(rates.clean, place, outcome.clean_right, record->trials);
      put(rates.robust, place, outcome.robust_right, record->trials);
    }
    if (record == group.records.front()) {
      sums = std::move(rates);
      continue;
    }
    add(sums.clean, std::move(rates.clean));
    add(sums.robust, std::move(rates.robust));
  }
  for (std::vector<float>* each : {&sums.clean, &sums.robust})
    for (float& rate : *each) rate /= float(group.records.size());
  return sums;
}

const ImageRates& RunImages::of(const Group<results::CellRecord>& group) const {
  return rates_[size_t(&group - summary_.cells.data())];
}

ImageRates RunImages::worst(const std::string& defense, const results::Threat& threat) const {
  ImageRates worst;
  for (const std::string& attack : summary_.attacks) {
    const auto* group = summary_.cell(defense, attack, threat);
    if (!group || of(*group).empty()) continue;
    const ImageRates& rates = of(*group);
    if (worst.empty()) {
      worst = rates;
      continue;
    }
    for (size_t i = 0; i < size(); ++i) {
      if (std::isnan(worst.clean[i])) worst.clean[i] = rates.clean[i];
      worst.robust[i] = std::fmin(worst.robust[i], rates.robust[i]);  // of NaN and a number: that
    }
  }
  return worst;
}

std::vector<double> by_class(const RunImages& images, const std::vector<float>& rates) {
  std::vector<double> sums(images.classes().size()), counts(sums.size());
  for (size_t i = 0; i < rates.size(); ++i) {
    if (std::isnan(rates[i])) continue;
    sums[size_t(images.label(i))] += rates[i];
    counts[size_t(images.label(i))] += 1;
  }
  for (size_t c = 0; c < sums.size(); ++c) sums[c] /= counts[c];
  return sums;
}

}  // namespace gauntlet::reports
