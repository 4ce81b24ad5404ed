#include "evaluation/trace.h"

#include <sstream>

#include "base/bad_input.h"

namespace gauntlet {
namespace {
// Adds a query's rows to the images they belong to.
class Recorder {
 public:
  Recorder(const CraftBatch& batch, const ThreatModel& threat)
      : batch_(batch), threat_(threat), images_(size_t(batch.y.size(0))) {
    for (size_t i = 0; i < images_.size(); ++i) {
      images_[i].index = batch.index[int64_t(i)].item<int64_t>();
      images_[i].label = batch.y[int64_t(i)].item<int64_t>();
    }
  }

  void add(const Rows& rows, const Tensor& x, const Outputs& outputs) {
    const auto host = [](const Tensor& t) { return t.to(at::kCPU, at::kDouble).contiguous(); };
    const Tensor loss = host(cross_entropy(Goal::kUntargeted)(outputs, rows)),
                 gap = host(margin(Goal::kUntargeted)(outputs, rows)),
                 distance = host(threat_.rows(rows.sample).distance(rows.of(batch_.x), x)),
                 sample = rows.sample.cpu().contiguous();
    std::vector<TracePoint> best(images_.size());
    std::vector<bool> seen(images_.size());
    for (int64_t row = 0; row < sample.size(0); ++row) {
      const auto i = size_t(sample.const_data_ptr<int64_t>()[row]);
      const auto at = [&](const Tensor& t) { return t.const_data_ptr<double>()[row]; };
      if (seen[i] && at(gap) <= best[i].margin) continue;
      seen[i] = true;
      best[i] = {int64_t(images_[i].points.size()) + 1, at(loss), at(gap), at(distance)};
    }
    for (size_t i = 0; i < images_.size(); ++i)
      if (seen[i]) images_[i].points.push_back(best[i]);
  }

  std::vector<ImageTrace>& images() { return images_; }

 private:
  const CraftBatch& batch_;
  const ThreatModel& threat_;
  std::vector<ImageTrace> images_;
};
}  // namespace

Trace trace(const CellJob& job, Laboratory& laboratory) {
  const at::NoGradGuard no_graph;
  DefendedModel& model = laboratory.defended(job.defense, job.data);
  const auto attack = laboratory.attack({job.attack.plugin, job.attack.params});
  const at::Device device = laboratory.device();
  const Tensor index = torch::tensor(job.indices);
  CraftBatch batch{job.data.x(index).to(device), job.data.y(index).to(device), index.to(device)};
  const ThreatModel threat{job.threat.norm,
                           torch::full({1, 1, 1, 1}, job.threat.epsilon, batch.x.options()), 0, 1};
  if (const std::string why = reason_to_skip(job, *attack, model, threat); !why.empty())
    throw BadInput("attack '" + job.attack.name + "' against '" + job.defense.name + "': " + why);
  CraftRules rules = rules_of(job, attack->facts());
  rules.track = false;
  if (rules.goal == Goal::kTargeted)
    batch.target = random_targets(rules.seed, batch.index, batch.y, model.classes());
  Recorder recorder(batch, threat);
  rules.observe = [&](const Rows& rows, const Tensor& x, const Outputs& outputs) {
    recorder.add(rows, x, outputs);
  };
  const Crafted crafted = craft(*attack, model, batch, threat, rules, laboratory);
  const auto right = [&](const Tensor& x, Stream stream) {
    return judge(model, x, batch.y, batch.index, rules.seed, stream, 1).right[0].cpu();
  };
  const Tensor clean = right(batch.x, Stream::kClean), robust = right(crafted.x, Stream::kScoring);
  Trace out{std::move(recorder.images()), to_string(job.threat.norm), job.threat.epsilon};
  for (size_t i = 0; i < out.images.size(); ++i) {
    out.images[i].clean_right = clean[int64_t(i)].item<bool>();
    out.images[i].robust_right = robust[int64_t(i)].item<bool>();
  }
  return out;
}

std::string to_csv(const Trace& trace) {
  std::ostringstream out;
  out.precision(9);
  out << "image,label,query,loss,margin,distance\n";
  for (const ImageTrace& image : trace.images)
    for (const TracePoint& p : image.points)
      out << image.index << ',' << image.label << ',' << p.query << ',' << p.loss << ',' << p.margin
          << ',' << p.distance << '\n';
  return out.str();
}

}  // namespace gauntlet
