#include "evaluation/trace.h"

#include <cmath>
#include <limits>
#include <sstream>

#include "base/bad_input.h"
#include "evaluation/bounds.h"
#include "evaluation/craft.h"
#include "evaluation/goal.h"
#include "evaluation/judge.h"

namespace gauntlet::evaluation {
namespace {
// Adds a query's rows to the images they belong to.
class Recorder {
 public:
  Recorder(const CraftBatch& batch, const ThreatModel& threat, Goal goal)
      : batch_(batch), threat_(threat), goal_(goal), images_(size_t(batch.y.size(0))) {
    for (size_t i = 0; i < images_.size(); ++i) {
      images_[i].index = batch.index[int64_t(i)].item<int64_t>();
      images_[i].label = batch.y[int64_t(i)].item<int64_t>();
    }
  }

  void add(const Rows& rows, const Tensor& x, const Outputs& outputs) {
    const auto host = [](const Tensor& t) { return t.to(at::kCPU, at::kDouble).contiguous(); };
    const Tensor loss = host(cross_entropy(Goal::kUntargeted)(outputs, rows)),
                 gap = host(margin(goal_)(outputs, rows)),
                 distance = host(threat_.rows(rows.sample).distance(rows.of(batch_.x), x)),
                 sample = rows.sample.cpu().contiguous();
    std::vector<TracePoint> best(images_.size());
    std::vector<bool> seen(images_.size());
    for (int64_t row = 0; row < sample.size(0); ++row) {
      const auto i = size_t(sample.const_data_ptr<int64_t>()[row]);
      const auto at = [&](const Tensor& t) { return t.const_data_ptr<double>()[row]; };
      if (seen[i] && at(gap) <= best[i].margin) continue;
      seen[i] = true;
      best[i] = {int64_t(images_[i].points.size()) + 1,
                 decisions ? std::numeric_limits<double>::quiet_NaN() : at(loss), at(gap),
                 at(distance), answer};
    }
    for (size_t i = 0; i < images_.size(); ++i)
      if (seen[i]) images_[i].points.push_back(best[i]);
  }

  std::vector<ImageTrace>& images() { return images_; }
  bool decisions = false, answer = false;  ///< what the queries that come are of

 private:
  const CraftBatch& batch_;
  const ThreatModel& threat_;
  const Goal goal_;
  std::vector<ImageTrace> images_;
};

// Asks for what an attack returns, which many never do.
class ShowsItsAnswer final : public Attack {
 public:
  ShowsItsAnswer(Attack& attack, Recorder& recorder) : attack_(attack), recorder_(recorder) {}
  AttackFacts facts() const override {
    AttackFacts facts = attack_.facts();
    facts.access = std::max(facts.access, Access::kScore);
    return facts;
  }
  Tensor run(Target& target, const Task& task) override {
    recorder_.decisions = attack_.facts().access == Access::kDecision;
    Tensor x = attack_.run(target, task);
    recorder_.decisions = false;
    if (!x.defined() || x.sizes() != task.x.sizes()) return x;  // the host says what is wrong
    recorder_.answer = true;
    try {
      target.scores(x);
    } catch (const TaskOver&) {  // the budget is spent: the last query has to do
    }
    recorder_.answer = false;
    return x;
  }

 private:
  Attack& attack_;
  Recorder& recorder_;
};
}  // namespace

Trace trace(const CellJob& job, Laboratory& laboratory) {
  const at::NoGradGuard no_graph;
  DefendedModel& model = laboratory.defended(job.defense, job.data);
  const auto attack = laboratory.attack({job.attack.plugin, job.attack.params});
  const at::Device device = laboratory.device();
  const Tensor index = torch::tensor(job.indices);
  CraftBatch batch{job.data.x(index).to(device), job.data.y(index).to(device), index.to(device)};
  const ThreatModel threat = threat_model(job.threat.norm, job.threat.epsilon, batch.x.options());
  if (const std::string why = reason_to_skip(job, *attack, model, threat, laboratory); !why.empty())
    throw BadInput("attack '" + job.attack.name + "' against '" + job.defense.name + "': " + why);
  CraftRules rules = rules_of(job, attack->facts());
  rules.track = rules.retire = rules.retry = false;
  rules.access = std::max(rules.access, Access::kScore);
  if (rules.goal == Goal::kTargeted)
    batch.target = random_targets(rules.seed, batch.index, batch.y, model.classes());
  Recorder recorder(batch, threat, rules.goal);
  ShowsItsAnswer shown(*attack, recorder);
  rules.observe = [&](const Rows& rows, const Tensor& x, const Outputs& outputs) {
    recorder.add(rows, x, outputs);
  };
  const Crafted crafted = craft(shown, model, batch, threat, rules, laboratory);
  const auto right = [&](const Tensor& x, Stream stream) {
    return judge(model, x, batch.y, batch.index, rules.seed, stream, 1).right[0].cpu();
  };
  const Tensor clean = right(batch.x, Stream::kClean), robust = right(crafted.x, Stream::kScoring);
  Trace out{std::move(recorder.images()), threat_of(job.threat)};
  for (size_t i = 0; i < out.images.size(); ++i) {
    out.images[i].clean_right = clean[int64_t(i)].item<bool>();
    out.images[i].robust_right = robust[int64_t(i)].item<bool>();
  }
  return out;
}

std::string to_csv(const Trace& trace) {
  std::ostringstream out;
  out.precision(9);
  out << "image,label,query,loss,margin,distance,answer\n";
  for (const ImageTrace& image : trace.images)
    for (const TracePoint& p : image.points) {
      out << image.index << ',' << image.label << ',' << p.query << ',';
      if (!std::isnan(p.loss)) out << p.loss;
      out << ',' << p.margin << ',' << p.distance << ',' << p.answer << '\n';
    }
  return out.str();
}

}  // namespace gauntlet::evaluation
