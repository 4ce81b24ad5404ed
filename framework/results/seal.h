// A sum over all that a record says, kept beside it: a store that lost a bit gives no wrong number.
#pragma once
#include <bit>
#include <optional>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "results/columns.h"

namespace gauntlet::results {

/// Visits fields; equal fields in equal order have equal sums.
class Seal {
 public:
  void operator()(const char*, const std::string& field) { add(field); }
  void operator()(const char*, int64_t field) { add(std::to_string(field)); }
  void operator()(const char*, int field) { add(std::to_string(field)); }
  void operator()(const char*, bool field) { add(field ? "1" : "0"); }
  void operator()(const char*, Status field) { add(to_string(field)); }
  void operator()(const char*, double field) {
    // SQLite keeps no sign of 0 and no kind of NaN.
    const bool is_plain = field == field && field != 0;
    add(is_plain ? std::to_string(std::bit_cast<uint64_t>(field)) : field == 0 ? "0" : "nan");
  }
  // Nothing where it is unset: records of before the field keep their seals.
  void operator()(const char* name, const std::optional<int64_t>& field) {
    if (field) (*this)(name, *field);
  }
  // Likewise.
  void operator()(const char* name, const Scores& field) {
    if (!field.empty()) (*this)(name, field.clean), (*this)(name, field.attacked);
  }
  void operator()(const char*, const Finding& field) { add(written(field)); }
  void operator()(const char*, const Check& field) {
    add(to_string(field.level) + written(field.finding));
  }
  template <typename T>
  void operator()(const char* name, const std::vector<T>& list) {
    add(std::to_string(list.size()));
    for (const T& item : list) (*this)(name, item);
  }
  void operator()(const char*, const std::map<std::string, int64_t>& map) {
    for (const auto& [name, value] : map) add(name), add(std::to_string(value));
  }
  std::string hex() { return digest_.hex(); }

 private:
  void add(const std::string& text) {
    digest_.add(std::to_string(text.size()) + ":");
    digest_.add(text);
  }
  Sha256 digest_;
};

/// What a record has one of for each sample.
inline const std::vector<Outcome>& rows_of(const CellRecord& record) { return record.outcomes; }
inline const std::vector<CertifiedSample>& rows_of(const Certification& record) {
  return record.certificates;
}
inline std::vector<Outcome>& rows_of(CellRecord& record) { return record.outcomes; }
inline std::vector<CertifiedSample>& rows_of(Certification& record) { return record.certificates; }

template <typename Record>
concept HasRows = requires(const Record& record) {
  rows_of(record);
};

template <typename Record>
std::string seal_of(const Record& record) {
  Seal seal;
  visit_columns(seal, record);
  if constexpr (HasRows<Record>)
    for (const auto& row : rows_of(record)) visit_columns(seal, row);
  return seal.hex();
}

}  // namespace gauntlet::results
