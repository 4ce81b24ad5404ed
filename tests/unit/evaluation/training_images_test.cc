// Training images that attacks and fits are lent.
#include "evaluation/training_images.h"

#include <gtest/gtest.h>

#include "evaluation/craft.h"
#include "evaluation/host_fitting.h"
#include "gauntlet/params.h"
#include "toys.h"

namespace gauntlet {
namespace {
using namespace toys;

// Image i is i / n all over, and of class i % 3.
data::Dataset ramp(int64_t n) {
  data::Dataset data;
  data.id = "ramp", data.split = "train";
  data.images = (torch::arange(n).to(torch::kFloat) / n).view({-1, 1, 1, 1}).repeat({1, 1, 4, 4});
  data.labels = torch::arange(n).remainder(3);
  return data;
}

TEST(TrainingImages, SomeAreTheFirstOfOneOrder) {
  evaluation::TrainingImages images(ramp(50)), others(ramp(50));
  const Batch few = images.some(7, at::kCPU), more = images.some(20, at::kCPU),
              all = others.some(1000, at::kCPU);
  ASSERT_EQ(few.x.size(0), 7);
  ASSERT_EQ(all.x.size(0), 50) << "no more than there are";
  EXPECT_TRUE(few.sample.equal(more.sample.narrow(0, 0, 7)));
  EXPECT_TRUE(more.sample.equal(all.sample.narrow(0, 0, 20)));
  EXPECT_TRUE(std::get<0>(all.sample.sort()).equal(torch::arange(50))) << "each once";
  EXPECT_FALSE(all.sample.equal(torch::arange(50))) << "not in the order of the files";
  EXPECT_TRUE(all.y.equal(all.sample.remainder(3)));
  EXPECT_TRUE(all.x.equal(ramp(50).x(all.sample)));
  few.x.zero_();
  EXPECT_TRUE(images.some(7, at::kCPU).x.equal(all.x.narrow(0, 0, 7))) << "copies are lent";
}

TEST(TrainingImages, ForFittingAreTheLast) {
  evaluation::DefendedModel model = defended(perceptron(1, {1, 4, 4}, 3));
  evaluation::TrainingImages images(ramp(1200));
  NoEnvironment nowhere;
  evaluation::HostFitting host(model, images, at::kCPU, nowhere);
  Fitting& fitting = host;
  EXPECT_TRUE(fitting.data().sample.equal(torch::arange(200, 1200)));
  EXPECT_TRUE(fitting.data(1000).x.equal(fitting.data().x));
  EXPECT_TRUE(fitting.data(1100).sample.equal(torch::arange(100, 1200)));
  const Batch mine = fitting.data();
  mine.x.zero_();
  EXPECT_TRUE(fitting.data().x.equal(ramp(1200).x(torch::arange(200, 1200)))) << "a copy is lent";
  EXPECT_THROW(fitting.data(0), ParamError);
  try {
    fitting.data(1201);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const ParamError& error) {
    EXPECT_STREQ(
        error.what(),
        "fit() asks for 1201 training images; data set 'ramp' has 1200, expected 1 to 1200");
  }
}

// Lends training images, and attacks that say that they want five.
struct Lender final : evaluation::Environment {
  evaluation::TrainingImages images{ramp(50)};
  evaluation::DefendedModel& model(const ModelRef&) override { throw std::logic_error("no model"); }
  std::unique_ptr<Attack> attack(const Use&) override {
    auto out = std::make_unique<Scripted>();
    out->what.samples = 5;
    return out;
  }
  Batch samples(int64_t n) override { return images.some(n, at::kCPU); }
};

TEST(TrainingImages, AnAttackGetsAsManyAsItSaid) {
  evaluation::DefendedModel model = defended(perceptron(1, {1, 4, 4}, 3));
  const evaluation::CraftBatch batch = images(model, 6);
  Lender lender;
  Scripted attack;
  attack.what.samples = 3;
  const auto crafted = [&](const std::function<void(Host&)>& asks) {
    attack.script = [asks](Target&, const Task& task) {
      asks(task.host);
      return task.x;
    };
    return craft(attack, model, batch, ball(Norm::kLinf, 0.1), {}, lender);
  };
  EXPECT_EQ(crafted([](Host&) {}).samples, 0);
  EXPECT_EQ(crafted([](Host& host) {
              EXPECT_EQ(host.samples(2).x.size(0), 2);
              EXPECT_EQ(host.samples(3).y.size(0), 3);
              host.samples(1);
            }).samples,
            3);
  EXPECT_THROW(crafted([](Host& host) { host.samples(4); }), std::invalid_argument);
  EXPECT_THROW(crafted([](Host& host) { host.samples(0); }), std::invalid_argument);
  const auto with_inner = [](Host& host) {
    host.attack({"inner", {}});
    EXPECT_EQ(host.samples(5).x.size(0), 5) << "what runs inside said so";
  };
  EXPECT_EQ(crafted(with_inner).samples, 5);
}

}  // namespace
}  // namespace gauntlet
