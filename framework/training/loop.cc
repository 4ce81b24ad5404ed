// The training loop: epochs, validation, selection, checkpoints.
#include <chrono>
#include <stdexcept>

#include "base/bad_input.h"
#include "models/architectures/build_network.h"
#include "training/average.h"
#include "training/batches.h"
#include "training/schedule.h"
#include "training/train.h"

namespace gauntlet::training {
namespace {
constexpr int64_t kEvaluationRows = 500;
constexpr int64_t kStatisticsSamples = 10'000;  // enough for two digits of any mean or variance

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Standard training.
struct CrossEntropy final : Trains {
  Tensor loss(Training& training, const Batch& batch) override {
    return torch::cross_entropy_loss(training.forward(batch.x).logits, batch.y);
  }
};

// What one run of the loop keeps.
class Loop {
 public:
  Loop(const Recipe& recipe, const data::Dataset& data, const TrainingParts& parts,
       std::filesystem::path checkpoint, const TrainCallbacks& callbacks)
      : recipe_(recipe),
        data_(data),
        parts_(parts),
        callbacks_(callbacks),
        prefix_(std::move(checkpoint)),
        split_(split_samples(recipe, data.size())),
        batches_((split_.train.size(0) + recipe.batch_size - 1) / recipe.batch_size),
        session_(recipe, parts),
        average_(recipe.averaging) {
    if (parts.method && !dynamic_cast<Trains*>(parts.method.get()))
      throw BadInput(recipe.file.string() + ": '" + recipe.method->plugin +
                     "' is no training method");
    check_classes(recipe, split_, data.labels);
  }

  TrainingResult run(bool resume) {
    if (resume) restore();
    session_.start(method(), state_.tensors);
    bool stopped = false;
    while (!state_.finished && !stopped) stopped = !epoch();
    TrainingResult result;
    result.finished = state_.finished;
    result.log = state_.log;
    result.selected_epoch = state_.best_epoch;
    for (const EpochLog& line : state_.log) result.seconds += line.seconds;
    result.averaged = average_.defined();
    result.method_tensors = best_.empty() ? session_.method_tensors() : below(best_, "method");
    if (state_.finished) take_selected();
    for (const auto& [name, tensor] : session_.wrapper_tensors())
      result.wrapper_tensors[name] = tensor.clone();
    return result;
  }

 private:
  Trains& method() {
    return parts_.method ? *dynamic_cast<Trains*>(parts_.method.get()) : cross_entropy_;
  }

  void restore() {
    auto saved = read_checkpoint(prefix_);
    if (!saved) throw BadInput(prefix_.string() + ".json: there is no checkpoint to resume from");
    if (saved->recipe != recipe_.sha256)
      throw BadInput(prefix_.string() + ".json: belongs to another version of the recipe " +
                     recipe_.file.string() + "; begin anew with --overwrite");
    if (saved->models)
      for (const auto& [id, identity] : recipe_.models)
        if (const auto before = saved->models->find(id);
            before == saved->models->end() || before->second != identity)
          throw BadInput(prefix_.string() + ".json: was trained with another model '" + id +
                         "' than the registry has now; begin anew with --overwrite");
    state_ = std::move(*saved);
    best_ = below(state_.tensors, "best");
    average_.restore(below(state_.tensors, "average"));
  }

  /// False: stopped before its end.
  bool epoch() {
    const double begin = now();
    const Selected before = selected();
    EpochLog line;
    line.epoch = state_.epoch + 1;
    if (!train_epoch(line, begin)) return false;
    {
      const WeightAverage::InPlace averaged(average_, *parts_.network, session_.learned());
      if (recipe_.averaging.type == AveragingSpec::Type::kSwa && average_.defined())
        session_.estimate_statistics(data_,
                                     epoch_order(split_.train, uint64_t(recipe_.seed), state_.epoch)
                                         .slice(0, 0, kStatisticsSamples));
      require_finite(line.epoch);
      validate(line);
      select(line);
    }
    bool goes_on = method().epoch_end(session_) && !out_of_patience(line);
    if (session_.rejected()) go_back_to(before), goes_on = false;
    line.seconds = now() - begin;
    state_.log.push_back(line);
    ++state_.epoch;
    state_.finished = !goes_on || state_.epoch == recipe_.epochs;
    keep();
    if (callbacks_.epoch) callbacks_.epoch(line);
    return true;
  }

  bool train_epoch(EpochLog& line, double begin) {
    const Tensor order = epoch_order(split_.train, uint64_t(recipe_.seed), state_.epoch);
    double loss = 0;
    int64_t correct = 0, seen = 0;
    TrainingBatches batches(data_, order, recipe_, state_.epoch);
    for (int64_t b = 0; b < batches_; ++b) {
      if (callbacks_.stop && callbacks_.stop()) return false;
      const Batch batch = batches.next();
      const int64_t step = state_.epoch * batches_ + b;
      line.learning_rate = learning_rate_at(recipe_.schedule, step, batches_, recipe_.epochs);
      session_.begin_batch(batch, step, double(step) / double(batches_), line.learning_rate);
      method().step(session_, batch);
      average_.update(trained_tensors(), double(step) / double(batches_), b + 1 == batches_);
      loss += session_.loss(), correct += session_.correct(), seen += batch.y.size(0);
      line.loss = loss / double(b + 1), line.accuracy = double(correct) / double(seen);
      report(line, b + 1, now() - begin);
    }
    return true;
  }

  void report(const EpochLog& line, int64_t done, double seconds) const {
    if (!callbacks_.progress) return;
    double earlier = 0;
    for (const EpochLog& old : state_.log) earlier += old.seconds;
    const double steps = double(state_.epoch * batches_ + done),
                 all = double(recipe_.epochs * batches_), spent = earlier + seconds;
    callbacks_.progress({state_.epoch, recipe_.epochs, done, batches_, line.loss, line.accuracy,
                         line.learning_rate, spent, spent / steps * (all - steps)});
  }

  // Of the network and of wrappers.
  std::vector<models::NamedTensor> trained_tensors() const {
    std::vector<models::NamedTensor> all = parts_.network->tensors();
    all.insert(all.end(), session_.learned().begin(), session_.learned().end());
    return all;
  }

  // What is not finite would be shipped, or would spoil the checkpoint that training goes on from.
  void require_finite(int64_t epoch) const {
    for (const models::NamedTensor& named : trained_tensors())
      if (!named.tensor.isfinite().all().item<bool>())
        throw BadInput("training diverged: '" + named.name + "' is not finite after epoch " +
                       std::to_string(epoch) +
                       (split_.train.size(0) % recipe_.batch_size == 1
                            ? "; the last batch is a single image, which has no variance: choose "
                              "another batch_size"
                            : "; a lower learning_rate or a gradient_clip may help"));
  }

  void validate(EpochLog& line) {
    const int64_t size = split_.validation.size(0);
    if (size == 0) return;
    int64_t clean = 0, robust = 0;
    for (int64_t from = 0; from < size; from += kEvaluationRows) {
      const Tensor samples =
          split_.validation.slice(0, from, std::min(from + kEvaluationRows, size));
      const Batch batch{data_.x(samples), data_.y(samples), samples};
      const Noise noise =
          training_noise(uint64_t(recipe_.seed), TrainingNoise::kValidation, samples);
      const auto right = [&](const Tensor& x, int64_t draw) {
        const Tensor logits = session_.predict_with(x, noise.at(state_.epoch, draw)).logits;
        return logits.argmax(1).eq(batch.y).sum().item<int64_t>();
      };
      clean += right(batch.x, 0);
      if (recipe_.validation.attack)
        robust += right(
            session_.craft_with(*recipe_.validation.attack, batch, {},
                                noise.key.seed + uint64_t(state_.epoch), models::Mode::kFolded),
            1);
    }
    line.validation_clean = double(clean) / double(size);
    if (recipe_.validation.attack) line.validation_robust = double(robust) / double(size);
  }

  void select(const EpochLog& line) {
    if (recipe_.selection == Selection::kLast) {
      state_.best_epoch = line.epoch;
      if (average_.defined()) best_ = values();
      return;
    }
    const double accuracy = recipe_.selection == Selection::kBestRobust ? *line.validation_robust
                                                                        : *line.validation_clean;
    const bool better = recipe_.selection == Selection::kWorstClean ? accuracy < state_.best
                                                                    : accuracy > state_.best;
    if (state_.best_epoch > 0 && !better) return;
    state_.best = accuracy;
    state_.best_epoch = line.epoch;
    best_ = values();
  }

  // What would be shipped if training ended here.
  struct Selected {
    double best;
    int64_t epoch;
    NamedTensors tensors;
  };
  Selected selected() const {
    return {state_.best, state_.best_epoch, best_.empty() ? values() : best_};
  }
  void go_back_to(const Selected& before) {
    if (before.epoch == 0)
      throw std::logic_error("Training::reject_epoch: there is nothing before the first epoch");
    state_.best = before.best, state_.best_epoch = before.epoch;
    best_ = before.tensors;
  }

  bool out_of_patience(const EpochLog& line) const {
    return recipe_.patience > 0 && line.epoch - state_.best_epoch >= recipe_.patience;
  }

  // Of the network, the method and the wrappers, which belong together.
  NamedTensors values() const {
    NamedTensors all;
    for (const models::NamedTensor& named : parts_.network->tensors())
      all["network/" + named.name] = named.tensor.detach().clone();
    for (const auto& [name, tensor] : session_.method_tensors())
      all["method/" + name] = tensor.clone();
    for (const auto& [name, tensor] : session_.wrapper_tensors())
      all["wrapper/" + name] = tensor.clone();
    return all;
  }

  void keep() {
    if (prefix_.empty()) return;
    state_.recipe = recipe_.sha256;
    state_.models = recipe_.models;
    state_.tensors = session_.save();
    add_all(state_.tensors, "best", best_);
    add_all(state_.tensors, "average", average_.state());
    write_checkpoint(prefix_, state_);
  }

  void take_selected() {
    if (!best_.empty()) {
      load_state(*parts_.network, below(best_, "network"), "the selected epoch");
      session_.restore_wrappers(below(best_, "wrapper"), "the selected epoch");
    }
    session_.set_trainable(false);
    parts_.network->weights_changed();
  }

  const Recipe& recipe_;
  const data::Dataset& data_;
  const TrainingParts& parts_;
  const TrainCallbacks& callbacks_;
  const std::filesystem::path prefix_;
  const Split split_;
  const int64_t batches_;
  CrossEntropy cross_entropy_;
  TrainingSession session_;
  WeightAverage average_;
  Checkpoint state_;
  NamedTensors best_;
};
}  // namespace

TrainingResult run_training(const Recipe& recipe, const data::Dataset& data,
                            const TrainingParts& parts, const std::filesystem::path& checkpoint,
                            bool resume, const TrainCallbacks& callbacks) {
  return Loop(recipe, data, parts, checkpoint, callbacks).run(resume);
}

int64_t count_correct(models::Network& network, const data::Dataset& data) {
  const at::NoGradGuard no_graph;
  int64_t correct = 0;
  for (int64_t from = 0; from < data.size(); from += kEvaluationRows) {
    const Tensor samples =
        torch::arange(from, std::min(from + kEvaluationRows, data.size()), torch::kLong);
    const Noise unused = training_noise(0, TrainingNoise::kValidation, samples);
    const Tensor logits =
        network.forward(data.x(samples), unused, {}, models::Mode::kEvaluate).logits;
    correct += logits.argmax(1).eq(data.y(samples)).sum().item<int64_t>();
  }
  return correct;
}

}  // namespace gauntlet::training
