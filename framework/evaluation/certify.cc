#include "evaluation/certify.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cmath>

#include "analysis/certification.h"
#include "base/failure.h"
#include "evaluation/bounds.h"
#include "evaluation/interrupted.h"
#include "evaluation/process_state.h"
#include "results/intervals.h"

namespace gauntlet::evaluation {
namespace {

constexpr int64_t kAuditDraws = 1000;
constexpr double kAuditAlpha = 0.001;

// What a certifier may ask: whole draws of the defense, no two of them alike.
class CertifyingView final : public View {
 public:
  CertifyingView(DefendedModel& model, Noise noise, const std::atomic<bool>* stop)
      : model_(model), noise_(std::move(noise)), stop_(stop) {}

  Outputs pass(const Tensor& x, const std::vector<std::string>& features) override {
    count(x.size(0));
    return model_.pass(x, further(noise_, ++uses_), models::Mode::kEvaluate, features);
  }
  Tensor ballots(const Tensor& x, int64_t draws) override {
    return model_.ballots(x, further(noise_, ++uses_), draws, [&](int64_t rows) { count(rows); });
  }
  int64_t forwards() const { return forwards_; }

 private:
  void count(int64_t rows) {
    if (stop_ && stop_->load()) throw Interrupted{};
    forwards_ += rows;
  }

  DefendedModel& model_;
  const Noise noise_;
  const std::atomic<bool>* stop_;
  uint64_t uses_ = 0;
  int64_t forwards_ = 0;
};

// What is wrong with certificates for n samples of k classes; empty if nothing is.
std::string certificate_problem(const Certificate& given, double alpha, int64_t n, int64_t k) {
  for (const Tensor* t : {&given.answer, &given.radius})
    if (!t->defined() || t->dim() != 1 || t->size(0) != n)
      return fmt::format("the certifier's answer or radius is not one for each of {} samples", n);
  const Tensor answer = given.answer.cpu(), radius = given.radius.to(at::kCPU, torch::kDouble);
  if (!at::isIntegralType(answer.scalar_type(), false) ||
      ((answer < -1) | (answer >= k)).any().item<bool>())
    return fmt::format("a certified answer is neither one of {} classes nor -1", k);
  const Tensor wrong = (answer >= 0) & ((radius >= 0) & radius.isfinite()).logical_not();
  if (const int64_t bad = wrong.sum().item<int64_t>(); bad > 0)
    return fmt::format("{} of {} certified radii are negative or not finite", bad, n);
  if (!(alpha >= 0 && alpha < 1))
    return fmt::format("the certifier's alpha is {}, which is not in [0, 1)", alpha);
  return "";
}

void add_certificates(results::Certification& record, const Certificate& given, const Tensor& index,
                      const Tensor& y) {
  const Tensor answer = given.answer.to(at::kCPU, torch::kLong).contiguous(),
               radius = given.radius.to(at::kCPU, torch::kDouble).contiguous();
  for (int64_t i = 0; i < index.size(0); ++i) {
    results::CertifiedSample sample;
    sample.index = index.const_data_ptr<int64_t>()[i],
    sample.label = y.const_data_ptr<int64_t>()[i];
    sample.answer = answer.const_data_ptr<int64_t>()[i];
    if (sample.answer >= 0) sample.radius = radius.const_data_ptr<double>()[i];
    record.certificates.push_back(sample);
  }
}

void fail(results::Certification& record, results::Status status, const std::string& reason) {
  record.status = status;
  record.reason = reason;
  record.certificates.clear();
}

// What the defense did beside certifying, put back; empty: nothing.
std::string wrongs_of(Laboratory& laboratory, ProcessState& process,
                      const OwnGenerator& generator) {
  std::string why;
  if (generator.used()) {
    why = fmt::format("the defense drew from {}: no seed gives these certificates again",
                      kOwnGenerator);
    generator.put_back();
  }
  for (const std::string& what : process.put_back())
    why = sentence(told_of_change("the defense", what));
  if (const std::string what = laboratory.put_back(); !what.empty())
    why = fmt::format("the defense writes into the tensor {}, which was put back", what);
  return why;
}

// [N] bool: another class than `answer` leads, and chance alone does not explain it.
Tensor overruled(DefendedModel& model, const Tensor& x, const Tensor& answer, const Noise& noise) {
  const Tensor sums = model.ballots(x, noise, kAuditDraws).to(at::kCPU, torch::kDouble);
  const Tensor column = answer.unsqueeze(1), own = sums.gather(1, column).squeeze(1),
               most = std::get<0>(sums.scatter(1, column, -1).max(1));
  Tensor out = torch::zeros({x.size(0)}, torch::kBool);
  for (int64_t i = 0; i < x.size(0); ++i) {
    const auto k = std::llround(most.const_data_ptr<double>()[i]),
               rest = std::llround(own.const_data_ptr<double>()[i]);
    out.mutable_data_ptr<bool>()[i] = k > rest && binomial_p_value(k, k + rest) < kAuditAlpha;
  }
  return out;
}

// Rows of the cell that are answered otherwise than certified, with their certificates.
struct Suspects {
  std::vector<int64_t> rows, index, answer;
  std::vector<double> radius;
};

Suspects suspects_of(const results::Certification& certified, const results::CellRecord& cell) {
  std::map<int64_t, const results::CertifiedSample*> by_index;
  for (const results::CertifiedSample& c : certified.certificates)
    if (c.answer >= 0 && c.radius > 0) by_index[c.index] = &c;
  Suspects out;
  for (size_t row = 0; row < cell.outcomes.size(); ++row) {
    const auto known = by_index.find(cell.outcomes[row].index);
    if (known == by_index.end() || known->second->answer == cell.outcomes[row].predicted) continue;
    out.rows.push_back(int64_t(row)), out.index.push_back(known->first);
    out.answer.push_back(known->second->answer), out.radius.push_back(known->second->radius);
  }
  return out;
}
}  // namespace

Certificate certificates(DefendedModel& model, const Tensor& x, const Noise& noise,
                         int64_t& forwards, const std::atomic<bool>* stop) {
  const at::NoGradGuard no_graph;
  CertifyingView view(model, noise, stop);
  Noise own = noise;
  const Certificate given = model.certificate(x, view, own);
  forwards += view.forwards();
  const std::string why = certificate_problem(given, model.alpha(), x.size(0), model.classes());
  if (!why.empty()) throw InvalidResult(why);
  return given;
}

results::Certification certify(const CertifyJob& job, Laboratory& laboratory) {
  const at::NoGradGuard no_graph;
  const auto start = std::chrono::steady_clock::now();
  ProcessState process;
  const OwnGenerator generator;
  results::Certification record;
  record.samples = int64_t(job.indices.size());
  try {
    DefendedModel& model = laboratory.defended(job.defense, job.data);
    if (const std::string why = model.certificate_problem(); !why.empty()) {
      fail(record, results::Status::kSkipped, why);
      return record;
    }
    const Tensor index = torch::tensor(job.indices, torch::kLong);
    const Noise noise =
        noise_for(uint64_t(job.seed), Stream::kCertify, index.to(laboratory.device()));
    const Certificate given = certificates(model, job.data.x(index).to(laboratory.device()), noise,
                                           record.forwards, job.stop);
    if (const std::string why = model.changed_since_probing(); !why.empty())
      throw InvalidResult(why);
    record.status = results::Status::kOk;
    record.alpha = model.alpha();
    add_certificates(record, given, index, job.data.y(index));
    analysis::summarise(record);
  } catch (const InvalidResult& e) {
    fail(record, results::Status::kInvalid, e.what());
  } catch (const Interrupted&) {
    laboratory.put_back();
    throw;
  } catch (...) {  // a plugin's failure is this record's, not the run's
    fail(record, results::Status::kError, current_failure());
  }
  const std::string why = wrongs_of(laboratory, process, generator);
  if (!why.empty() && record.status == results::Status::kOk)
    fail(record, results::Status::kInvalid, why);
  record.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return record;
}

std::optional<results::Finding> contradiction(DefendedModel& model, const data::Dataset& data,
                                              at::Device device,
                                              const results::Certification& certified,
                                              const results::CellRecord& cell,
                                              const Tensor& x_adv) {
  const at::NoGradGuard no_graph;
  const Suspects all = suspects_of(certified, cell);
  if (all.rows.empty()) return {};
  const Tensor index = torch::tensor(all.index), x = x_adv.index_select(0, torch::tensor(all.rows));
  const Tensor distance = (x - data.x(index)).flatten(1).to(torch::kDouble).norm(2, 1);
  const Tensor radius = torch::tensor(all.radius, torch::kDouble);
  Tensor found = (distance < radius - ball_tolerance(radius)).nonzero().squeeze(1);
  // A cell's votes are of few copies, a certificate is about infinitely many.
  if (model.votes() && found.size(0) > 0) {
    const Noise noise = noise_for(uint64_t(certified.seed), Stream::kAudit,
                                  index.index_select(0, found).to(device));
    found = found.masked_select(overruled(model, x.index_select(0, found).to(device),
                                          torch::tensor(all.answer).index_select(0, found), noise));
  }
  std::vector<int64_t> images;
  for (int64_t i = 0; i < found.size(0); ++i)
    images.push_back(all.index[size_t(found.const_data_ptr<int64_t>()[i])]);
  if (images.empty()) return {};
  const size_t count = images.size();
  images.resize(std::min<size_t>(count, 10));
  return results::Finding{
      "contradicted",
      {{"attack", cell.attack},
       {"threat", cell.threat.name},
       {"changed", int64_t(count)},
       {"certified", certified.samples},
       {"images", fmt::format("{}{}", fmt::join(images, ", "), count > images.size() ? ", …" : "")},
       {"expected", certified.alpha * double(certified.samples)}}};
}

}  // namespace gauntlet::evaluation
