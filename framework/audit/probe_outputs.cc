// What comes out of the defense, and whether it does so again.
#include <algorithm>
#include <cmath>

#include "audit/probe_groups.h"

namespace gauntlet::audit {
namespace {
using results::Check;
using results::Level;

// One of 200 honest images in 10,000 has logits that are all equal; none has all one-hot.
constexpr double kMostConstant = 0.1;
// The passes of attacks fold batch norm and round otherwise than the judge's: where two classes are
// as good as equal, one image in 100 may fall to the other side.
constexpr double kMostOtherwise = 0.02;
// Of random defenses: clean answers of PNI, CNI, RSE and votes change for 0 to 2 images in 100.
constexpr double kMostUnsteady = 0.1;
// Images that are right only as they are: honest networks lose 0 to 2 points in 100.
constexpr double kNeighbourFall = 0.05, kNeighbourChance = 0.01;
// A table of images is found again after rounding, which moves a pixel by half of this.
constexpr double kLeastStep = 1.0 / 255;
constexpr int64_t kVotingRows = 4096;

Tensor logits_of(const Subject& subject, models::Mode mode) {
  const evaluation::CraftBatch& batch = subject.batch;
  const Noise noise = subject.noise(Purpose::kAgain, batch);
  std::vector<Tensor> parts;
  const int64_t rows = subject.model.couples_rows() ? subject.size() : 64;
  for (int64_t from = 0; from < subject.size(); from += rows) {
    const int64_t n = std::min(rows, subject.size() - from);
    const Tensor x = batch.x.narrow(0, from, n).clone();
    const Outputs out = subject.model.pass(at::GradMode::is_enabled() ? x.requires_grad_(true) : x,
                                           evaluation::narrowed(noise, from, n), mode);
    parts.push_back(out.logits.detach());
  }
  return torch::cat(parts);
}

// [N] bool: another class, not just a tie that falls otherwise.
Tensor answers_otherwise(const Tensor& a, const Tensor& b) {
  const Tensor top = std::get<0>(a.topk(2, 1)), scale = a.abs().amax(1).clamp_min(1e-30);
  const Tensor tie = (top.select(1, 0) - top.select(1, 1)) < 1e-3 * scale;
  return (a.argmax(1) != b.argmax(1)) & tie.logical_not();
}
}  // namespace

void probe_outputs(const Subject& subject, Checks& out) {
  const at::NoGradGuard no_graph;
  const Tensor logits = logits_of(subject, models::Mode::kEvaluate).to(torch::kDouble);
  const Tensor low = logits.amin(1), high = logits.amax(1), sum = logits.sum(1);
  const Tensor between = (low >= -1e-6) & (high <= 1 + 1e-6) & ((sum - 1).abs() < 1e-3);
  const Tensor one_hot = ((logits == 0) | (logits == 1)).all(1) & (sum == 1);
  const double constant = share(low == high), hot = share(one_hot), probable = share(between);
  Check check = {{"outputs"}, Level::kPass};
  check.finding.figures = {{"constant", constant}, {"one_hot", hot}, {"probabilities", probable}};
  std::string what = "logits";
  if (constant > kMostConstant)
    check.level = Level::kFail, what = "all equal";
  else if (hot > 0.9)
    check.level = Level::kFail, what = "exactly one-hot";
  else if (probable > 0.99)
    check.level = Level::kWarn, what = "probabilities in place of logits";
  check.finding.figures["what"] = what;
  out.push_back(check);
}

Repetition::Repetition(const Subject& subject) : subject_(subject), first_(ask()) {}

Repetition::Answers Repetition::ask() const {
  Answers out;
  const auto logits = [&](models::Mode mode, bool graph) {
    const at::AutoGradMode with(graph);
    return logits_of(subject_, mode);
  };
  out.judged = logits(models::Mode::kEvaluate, false);
  out.searched = logits(models::Mode::kFolded, true);
  const Noise noise = subject_.noise(Purpose::kAgain, subject_.batch);
  out.decided = subject_.model.decide(subject_.batch.x.clone(), noise).answer;
  return out;
}

void Repetition::check(Checks& out) {
  const Answers now = ask();
  const evaluation::DefendedModel& model = subject_.model;
  const double again = std::max(share(answers_otherwise(first_.judged, now.judged)),
                                model.votes() ? share(first_.decided != now.decided) : 0);
  const double searched = std::max(share(answers_otherwise(first_.judged, first_.searched)),
                                   share(answers_otherwise(now.judged, now.searched)));
  Check check = {{"unstable"}, Level::kPass};
  check.finding.figures = {{"again", again}, {"searched", searched}};
  double unsteady = 0;
  if (model.stochastic()) {
    const Tensor half = subject_.clean.to(torch::kFloat);
    const int64_t n = half.size(0) / 2;
    if (n > 0)
      unsteady =
          share((half.narrow(0, 0, n).mean(0) > 0.5) != (half.narrow(0, n, n).mean(0) > 0.5));
    check.finding.figures["unsteady"] = unsteady;
  }
  std::string what = "the same";
  const Level blame = model.own_randomness() ? Level::kWarn : Level::kFail;
  if (again > (model.votes() ? kMostOtherwise : 0))
    check.level = blame, what = "asked the same again";
  else if (searched > kMostOtherwise)
    check.level = blame, what = "asked as an attack asks";
  else if (unsteady > kMostUnsteady)
    check.level = Level::kWarn, what = "asked with other draws";
  check.finding.figures["what"] = what;
  check.finding.figures["changed"] = std::max({again, searched, unsteady});
  out.push_back(check);
}

void probe_neighbours(const Subject& subject, Checks& out) {
  const at::NoGradGuard no_graph;
  const double most = std::max(subject.a_pixel() / 16, kLeastStep);
  Noise noise = subject.noise(Purpose::kNeighbour, subject.batch).at(0);
  const Tensor shift = (2 * noise.uniform(subject.batch.x.sizes().slice(1)) - 1) * most;
  const Tensor beside = subject.score((subject.batch.x + shift).clamp(0, 1));
  const Compared found = subject.compare(subject.clean, beside);
  Check check = {{"memorised"}, Level::kPass};
  if (found.falls(kNeighbourFall, kNeighbourChance)) check.level = Level::kFail;
  check.finding.figures = {
      {"clean", found.first}, {"beside", found.second}, {"change", most}, {"p", found.p}};
  out.push_back(check);
}

void probe_votes(const Subject& subject, Checks& out) {
  const at::NoGradGuard no_graph;
  evaluation::DefendedModel& model = subject.model;
  if (!model.votes() || model.refuses() || model.couples_rows() || model.own_randomness()) return;
  const int64_t samples = model.mc_samples();
  const int64_t n = std::min(subject.size(), std::clamp<int64_t>(kVotingRows / samples, 8, 64));
  const evaluation::CraftBatch part = {subject.batch.x.narrow(0, 0, n),
                                       subject.batch.y.narrow(0, 0, n),
                                       subject.batch.index.narrow(0, 0, n)};
  const Noise noise = subject.noise(Purpose::kAgain, part);
  const Tensor decided = model.decide(part.x, noise).answer;
  const Tensor tally = model.ballots(part.x, noise, samples);
  const Tensor again = model.ballots(part.x, noise, samples);
  // Wrappers around a vote draw once for all of its ballots, or once for each: either tally counts.
  Tensor by_draw = torch::zeros_like(tally);
  for (int64_t draw = 0; draw < samples; ++draw) {
    Noise own = noise;
    own.key.place = noise.key.place + draw * evaluation::kDrawUnit;
    own.key.shared = noise.key.shared + draw * evaluation::kDrawUnit;
    by_draw += model.ballot(model.pass(part.x, own, models::Mode::kEvaluate));
  }
  const auto differs = [&](const Tensor& sum) {
    const Tensor top = std::get<0>(sum.topk(2, 1));
    const Tensor tie = top.select(1, 0) - top.select(1, 1) < 1e-4 * double(samples);
    // Where no class has a vote to speak of there may be no answer.
    const Tensor told = tie.logical_not() & (sum.amax(1) > 0);
    return count((sum.argmax(1) != decided) & told);
  };
  const int64_t wrong = std::min(differs(tally), differs(by_draw));
  const int64_t changed = count((tally - again).abs().amax(1) > 1e-3 * (1 + tally.abs().amax(1)));
  // A ballot is of the outputs that it is shown, whatever was perturbed before and in which order.
  const Outputs shown = model.pass(part.x, noise, models::Mode::kEvaluate);
  const Tensor turned = model.ballot({shown.logits.flip(0), {}, {}}).flip(0);
  const int64_t remembered =
      count((model.ballot(shown) - turned).abs().amax(1) > 1e-3 * (1 + turned.abs().amax(1)));
  Check check = {{"votes"}, wrong + changed + remembered > 0 ? Level::kFail : Level::kPass};
  check.finding.figures = {{"of", n},
                           {"ballots", samples},
                           {"wrong", wrong},
                           {"changed", changed},
                           {"remembered", remembered}};
  out.push_back(check);
}

}  // namespace gauntlet::audit
