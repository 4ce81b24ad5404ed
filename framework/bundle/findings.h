// Collects failures; shared by all parts of verification.
#pragma once
#include <string>
#include <vector>

namespace gauntlet::bundle {

/// Failures of one bundle as they are found; every sentence begins with what it is about.
class Findings {
 public:
  void add(const std::string& about, const std::string& what) {
    sentences_.push_back(about + ": " + what);
  }
  size_t size() const { return sentences_.size(); }
  const std::vector<std::string>& sentences() const { return sentences_; }

 private:
  std::vector<std::string> sentences_;
};

}  // namespace gauntlet::bundle
