// Other models that are lent in training, and methods with networks and optimizers of their own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bad_input.h"
#include "gauntlet/losses.h"
#include "training_fixture.h"

namespace gauntlet {
namespace {
using namespace training_tests;
using ::testing::HasSubstr;

// A method made of functions.
struct BorrowingMethod final : Defense, Trains {
  std::function<void(Training&)> on_prepare;
  std::function<void(Training&, const Batch&)> on_step;
  void prepare(Training& training) override {
    if (on_prepare) on_prepare(training);
  }
  void step(Training& training, const Batch& batch) override { on_step(training, batch); }
};

const ModelRef kTeacher = {"a/teacher"};

struct Teacher {
  std::shared_ptr<models::Network> network = build_network(conformance::small_network(), 11);
  evaluation::DefendedModel model{network, {}, {}};

  // Statistics and a bias that are not those of a new network.
  Teacher() {
    const at::NoGradGuard no_graph;
    for (const models::NamedTensor& named : network->tensors())
      if (named.name == "1.running_mean" || named.name == "4.bias")
        named.tensor.copy_(torch::linspace(-0.5, 0.5, 4));
    network->weights_changed();
    model.probe(torch::full({2, 1, 8, 8}, 0.5));
  }
  void lend_to(training::TrainingParts& parts) {
    parts.source = [this](const ModelRef& ref) -> evaluation::DefendedModel& {
      if (ref.id != kTeacher.id) throw BadInput("there is no '" + ref.id + "'");
      return model;
    };
  }
};

training::Recipe one_step_of_all() {
  training::Recipe recipe = conformance::small_recipe();
  recipe.epochs = 1;
  return recipe;
}

std::shared_ptr<BorrowingMethod> distilling(Batch* seen = nullptr) {
  auto method = std::make_shared<BorrowingMethod>();
  method->on_step = [seen](Training& training, const Batch& batch) {
    if (seen) *seen = batch;
    const Tensor soft = training.source(kTeacher).pass(batch.x).logits.softmax(1);
    EXPECT_FALSE(soft.requires_grad()) << "the teacher is frozen";
    training.minimise(soft_cross_entropy(soft, training.forward(batch.x).logits).mean());
  };
  return method;
}

TEST(TrainingSources, TeachByTheirSoftLabels) {
  const training::Recipe recipe = one_step_of_all();
  Teacher teacher;
  const training::NamedTensors teacher_before = weights(*teacher.network);
  Batch seen;
  training::TrainingParts parts = parts_of(recipe, distilling(&seen));
  teacher.lend_to(parts);
  run_training(recipe, quarters(16), parts, {}, false, {});
  EXPECT_TRUE(same_bits(teacher_before, weights(*teacher.network)))
      << "not even its running statistics move";
  // By hand: p of the teacher in evaluation mode, one step of plain SGD on -sum p log q.
  const Noise unused = conformance::noise_of(16);
  Tensor p;
  {
    const at::NoGradGuard no_graph;
    p = teacher.network->forward(seen.x, unused, {}, models::Mode::kEvaluate).logits.softmax(1);
  }
  const auto student = build_network(recipe.network, uint64_t(recipe.seed));
  student->set_trainable(true);
  const Tensor q = student->forward(seen.x, unused, {}, models::Mode::kTrain).logits.log_softmax(1);
  (-(p * q).sum(1).mean()).backward();
  const training::NamedTensors after = weights(*parts.network);
  for (const models::NamedTensor& named : student->tensors()) {
    if (!named.trained) continue;
    const Tensor expected =
        named.tensor.detach() - recipe.schedule.learning_rate * named.tensor.grad();
    EXPECT_TRUE(torch::allclose(after.at(named.name), expected, 1e-4, 1e-6)) << named.name;
  }
}

TEST(TrainingSources, AreOneViewForOneReference) {
  const training::Recipe recipe = one_step_of_all();
  Teacher teacher;
  auto method = std::make_shared<BorrowingMethod>();
  method->on_step = [&](Training& training, const Batch& batch) {
    View& source = training.source(kTeacher);
    EXPECT_EQ(&source, &training.source({"a/teacher"}));
    const Tensor x = batch.x.clone().requires_grad_(true);
    const Outputs out = source.pass(x);
    out.logits.sum().backward();
    EXPECT_GT(x.grad().abs().sum().item<float>(), 0) << "it is differentiable in its images";
    EXPECT_TRUE(torch::equal(source.ballots(batch.x, 3).argmax(1), out.logits.argmax(1)));
    EXPECT_THROW(training.source({"b/other"}), BadInput);
    training.minimise(torch::cross_entropy_loss(training.forward(batch.x).logits, batch.y));
  };
  training::TrainingParts parts = parts_of(recipe, method);
  teacher.lend_to(parts);
  run_training(recipe, quarters(16), parts, {}, false, {});
}

TEST(TrainingSources, ThatNobodyLendsAreRefused) {
  const training::Recipe recipe = one_step_of_all();
  try {
    trained(recipe, quarters(16), distilling());
    ADD_FAILURE() << "a model was lent";
  } catch (const BadInput& error) {
    EXPECT_THAT(error.what(), HasSubstr("the model 'a/teacher', which no parameter of the recipe"));
  }
}

TEST(TrainingSources, AreLentToInnerAttacksInEvaluationMode) {
  const training::Recipe recipe = one_step_of_all();
  Teacher teacher;
  const training::NamedTensors before = weights(*teacher.network);
  const Use transfer = {"transfer", {{"source", kTeacher.id}, {"attack", as_param(kPgd)}}};
  auto method = std::make_shared<BorrowingMethod>();
  method->on_step = [&](Training& training, const Batch& batch) {
    const Tensor x_adv = training.attack(transfer, batch, {.training_mode = true});
    EXPECT_FALSE(torch::equal(x_adv, batch.x));
    EXPECT_LE((x_adv - batch.x).abs().max().item<float>(), 0.0501f);
    training.minimise(torch::cross_entropy_loss(training.forward(x_adv).logits, batch.y));
  };
  training::TrainingParts parts = parts_of(recipe, method);
  teacher.lend_to(parts);
  run_training(recipe, quarters(16), parts, {}, false, {});
  EXPECT_TRUE(same_bits(before, weights(*teacher.network)));
}

// Stopped in its second epoch, then resumed with everything built anew.
struct Resumed {
  training::NamedTensors weights, method;
};
Resumed resumed(const training::Recipe& recipe, const data::Dataset& data,
                const std::function<training::TrainingParts()>& parts) {
  const Folder folder;
  training::TrainCallbacks callbacks;
  int64_t batches = 0;
  callbacks.stop = [&] { return ++batches > 6; };
  EXPECT_FALSE(run_training(recipe, data, parts(), folder.path / "c", false, callbacks).finished);
  const training::TrainingParts last = parts();
  const training::TrainingResult result =
      run_training(recipe, data, last, folder.path / "c", true, {});
  EXPECT_TRUE(result.finished);
  return {weights(*last.network), result.method_tensors};
}

TEST(TrainingSources, ResumeBitForBit) {
  const data::Dataset data = quarters(72);
  const training::Recipe recipe = small_recipe();
  Teacher teacher;
  const auto parts = [&] {
    training::TrainingParts out = parts_of(recipe, distilling());
    teacher.lend_to(out);
    return out;
  };
  const training::TrainingParts whole = parts();
  run_training(recipe, data, whole, {}, false, {});
  EXPECT_TRUE(same_bits(weights(*whole.network), resumed(recipe, data, parts).weights));
}

// A checkpoint belongs to the models that it was trained with.
TEST(TrainingSources, OfACheckpointAreThoseOfTheRecipe) {
  const data::Dataset data = quarters(72);
  training::Recipe recipe = small_recipe();
  recipe.models = {{kTeacher.id, "one sum"}};
  const Folder folder;
  training::TrainCallbacks callbacks;
  int64_t batches = 0;
  callbacks.stop = [&] { return ++batches > 6; };
  run_training(recipe, data, parts_of(recipe), folder.path / "c", false, callbacks);
  recipe.models = {{kTeacher.id, "another sum"}};
  try {
    run_training(recipe, data, parts_of(recipe), folder.path / "c", true, {});
    ADD_FAILURE() << "another teacher was taken";
  } catch (const BadInput& error) {
    EXPECT_THAT(error.what(), HasSubstr("was trained with another model 'a/teacher' than the "
                                        "registry has now; begin anew with --overwrite"));
  }
  recipe.models = {{kTeacher.id, "one sum"}};
  EXPECT_TRUE(run_training(recipe, data, parts_of(recipe), folder.path / "c", true, {}).finished);
}

// A generator of perturbations against a critic, each with an optimizer of its own, beside the
// network with the main one.
struct TwoNetworks final : Defense, Trains {
  Tensor generator, critic;

  void prepare(Training& training) override {
    generator = torch::linspace(-0.1, 0.1, 64).view({1, 1, 8, 8}).clone();
    critic = torch::linspace(0.1, -0.1, 64).view({64, 1}).clone();
    training.parameters().add("generator", generator, false, "generator");
    training.parameters().add("critic", critic, true, "critic");
  }
  Tensor judged(const Tensor& x) const { return x.flatten(1).mm(critic); }
  void step(Training& training, const Batch& batch) override {
    const Tensor made = batch.x + generator;
    training.minimise(
        torch::softplus(judged(made.detach())).mean() + torch::softplus(-judged(batch.x)).mean(),
        {}, "critic");
    training.minimise(torch::softplus(-judged(batch.x + generator)).mean(), {}, "generator");
    training.minimise(torch::cross_entropy_loss(
        training.forward((batch.x + generator).detach()).logits, batch.y));
  }
};

TEST(TrainingSources, TwoNetworksWithOptimizersOfTheirOwnResumeBitForBit) {
  const data::Dataset data = quarters(72);
  training::Recipe recipe = small_recipe();
  using Type = training::OptimizerSpec::Type;
  recipe.optimizers["generator"] = {.type = Type::kAdam, .beta1 = 0.5};
  recipe.optimizers["critic"] = {.type = Type::kSgd, .weight_decay = 0.01, .momentum = 0.9};
  const auto parts = [&] { return parts_of(recipe, std::make_shared<TwoNetworks>()); };
  const training::TrainingParts whole = parts();
  const training::TrainingResult result = run_training(recipe, data, whole, {}, false, {});
  const Resumed again = resumed(recipe, data, parts);
  EXPECT_TRUE(same_bits(weights(*whole.network), again.weights));
  EXPECT_TRUE(same_bits(result.method_tensors, again.method));
  ASSERT_EQ(result.method_tensors.size(), 2u);
  const Tensor first = torch::linspace(-0.1, 0.1, 64).view({1, 1, 8, 8});
  EXPECT_FALSE(torch::allclose(result.method_tensors.at("generator"), first, 1e-4, 1e-4));
}

}  // namespace
}  // namespace gauntlet
