// Transfer from several sources, from smoothed ones, and what names them in a result.
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "evaluation/cell.h"
#include "evaluation/craft.h"
#include "evaluation/identity.h"
#include "suite/read_suite.h"
#include "tests/support/laboratory_fixture.h"
#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace toys;
namespace fs = std::filesystem;

const std::vector<int64_t> kTransferImage = {1, 6, 8};

class Sources : public ::testing::Test {
 protected:
  Sources() {
    environment_.models = {{"a", a_.model.get()},
                           {"b", b_.model.get()},
                           {"c", c_.model.get()},
                           {"noisy", noisy_.model.get()},
                           {"other-noisy", other_noisy_.model.get()}};
  }
  evaluation::Crafted run(const std::string& name, const ParamMap& params,
                          const evaluation::CraftBatch& batch, const ThreatModel& threat,
                          evaluation::CraftRules rules = {}) {
    rules.track = false;
    return craft(*attack(name, params), *a_.model, batch, threat, rules, environment_);
  }
  evaluation::Crafted ensemble(const ParamList& sources, const ParamMap& inner,
                               const evaluation::CraftBatch& batch, const ThreatModel& threat,
                               const std::string& of = "probability",
                               const evaluation::CraftRules& rules = {}) {
    return run("transfer", {{"sources", sources}, {"ensemble", of}, {"attack", inner}}, batch,
               threat, rules);
  }

  static Toy smoothed(uint64_t seed) {
    return toy(curved(kTransferImage, 4, seed), {},
               {{"smoothing", defense("smoothing", {{"sigma", 0.2}, {"mc_samples", 8}})}});
  }

  Toy a_ = toy(linear(kTransferImage, 4, 0.4, /*seed=*/1)),
      b_ = toy(linear(kTransferImage, 4, 0.4, /*seed=*/2));
  Toy c_ = toy(curved(kTransferImage, 4, /*seed=*/3)), noisy_ = smoothed(4),
      other_noisy_ = smoothed(5);
  ToyEnvironment environment_;
  evaluation::CraftBatch batch_ = batch_of(*a_.model, 20);
  const ParamMap pgd_ = {{"use", "pgd"}, {"steps", 4}, {"step_size", 0.03}};
};

// -log of the mean of two softmaxes, or cross-entropy of the mean logits, in closed form.
TEST_F(Sources, FirstStepOnTwoLinearModelsIsTheClosedForm) {
  batch_.x = 0.4 + 0.2 * batch_.x;
  const ParamMap one = {{"use", "pgd"}, {"steps", 1}, {"step_size", 0.05}, {"start", "input"}};
  const Tensor x = batch_.x.flatten(1).to(torch::kDouble);
  const Tensor hot = torch::one_hot(batch_.y, 4).to(torch::kDouble);
  std::vector<Tensor> w, p, z;
  for (const Toy* t : {&a_, &b_}) {
    w.push_back(t->network->tensors()[0].tensor.to(torch::kDouble));
    z.push_back(x.mm(w.back().t()) + t->network->tensors()[1].tensor.to(torch::kDouble));
    p.push_back(z.back().softmax(1));
  }
  const Tensor q = (p[0] + p[1]) / 2, qy = (q * hot).sum(1, true);
  Tensor of_probability = torch::zeros_like(x);
  for (int m = 0; m < 2; ++m) {
    const Tensor py = (p[m] * hot).sum(1, true);
    of_probability += (py / (2 * qy) * (p[m] - hot)).mm(w[m]);
  }
  const Tensor of_logit = (((z[0] + z[1]) / 2).softmax(1) - hot).mm((w[0] + w[1]) / 2);
  const std::map<std::string, Tensor> expected = {{"probability", of_probability},
                                                  {"logit", of_logit}};
  for (const auto& [of, gradient] : expected) {
    const evaluation::Crafted c = ensemble({"a", "b"}, one, batch_, threat_of(Norm::kL2, 1), of);
    const Tensor step = (c.x - batch_.x).flatten(1).to(torch::kDouble);
    EXPECT_TRUE(torch::allclose(step, 0.05 * gradient / gradient.norm(2, {1}, true), 0, 1e-6))
        << of;
    EXPECT_EQ(c.ledger.forwards, 0);
    EXPECT_EQ(c.ledger.source_forwards, 2 * 2 * 20) << "two passes of each";
    EXPECT_EQ(c.ledger.source_backwards, 2 * 20);
  }
}

TEST_F(Sources, OneInAListIsThePlainTransfer) {
  const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
  const evaluation::Crafted plain =
      run("transfer", {{"source", "c"}, {"attack", pgd_}}, batch_, threat);
  EXPECT_TRUE(torch::equal(ensemble({"c"}, pgd_, batch_, threat).x, plain.x));
}

TEST_F(Sources, TheSameOneTwiceIsThatOne) {
  const ThreatModel threat = threat_of(Norm::kL2, 0.5);
  const evaluation::Crafted plain =
      run("transfer", {{"source", "c"}, {"attack", pgd_}}, batch_, threat);
  for (const char* of : {"probability", "logit"})
    EXPECT_TRUE(torch::allclose(ensemble({"c", "c"}, pgd_, batch_, threat, of).x, plain.x, 0, 1e-4))
        << of;
}

TEST_F(Sources, AnEnsembleTakesQueriesOfManyRowsASample) {
  ParamMap scaled = pgd_;
  scaled["scales"] = 3;
  const ThreatModel threat = threat_of(Norm::kL2, 0.5);
  const evaluation::Crafted plain =
      run("transfer", {{"source", "c"}, {"attack", scaled}}, batch_, threat);
  EXPECT_TRUE(torch::allclose(ensemble({"c", "c"}, scaled, batch_, threat).x, plain.x, 0, 1e-4));
  const ParamMap search = {{"use", "nattack"}, {"steps", 3}, {"population", 4}};
  EXPECT_EQ(ensemble({"a", "c"}, search, batch_, threat).ledger.source_backwards, 0);
}

TEST_F(Sources, AnEnsembleFoolsAllItsMembers) {
  const evaluation::Crafted c =
      ensemble({"a", "c"}, {{"use", "pgd"}, {"steps", 40}, {"step_size", 0.05}}, batch_,
               threat_of(Norm::kLinf, 0.5));
  for (const Toy* t : {&a_, &c_}) {
    const Tensor right = t->model->bare_logits(c.x).argmax(1) == batch_.y;
    EXPECT_LE(right.sum().item<int64_t>(), 1);
  }
}

TEST_F(Sources, DoNotDependOnTheBatch) {
  evaluation::CraftRules rules;
  rules.draws = 3;
  const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
  const ParamList sources = {"noisy", "c", "other-noisy"};
  const Tensor whole = ensemble(sources, pgd_, batch_, threat, "probability", rules).x;
  const Tensor first = ensemble(sources, pgd_, part(batch_, 0, 7), threat, "probability", rules).x;
  const Tensor rest = ensemble(sources, pgd_, part(batch_, 7, 20), threat, "probability", rules).x;
  EXPECT_TRUE(torch::equal(torch::cat({first, rest}), whole));
}

// Both passes of a gradient see the same draws: a member that is asked twice with fresh noise
// would pull along logits that are not there any more.
TEST_F(Sources, ASmoothedPairIsDifferentiatedExactly) {
  const ParamMap one = {{"use", "pgd"}, {"steps", 1}, {"step_size", 0.05}, {"start", "input"}};
  evaluation::CraftRules rules;
  rules.draws = 4;
  rules.average = Average::kProbability;
  const Tensor x =
      ensemble({"noisy", "other-noisy"}, one, batch_, threat_of(Norm::kL2, 1), "probability", rules)
          .x;
  // The joint loss by hand, on the draws that the sources make.
  const at::AutoGradMode graph(true);
  const Tensor leaf = batch_.x.clone().requires_grad_(true);
  Tensor mean;
  uint64_t run = 0;
  for (const Toy* t : {&noisy_, &other_noisy_}) {
    Noise noise = noise_for(0, evaluation::Stream::kSource, batch_.index, run++);
    // The first key of an ensemble: beyond the steps of fresh draws and the attack's own keys.
    noise.key.place =
        noise.key.place + ((int64_t{1} << 22) + (int64_t{1} << 21)) * evaluation::kStepUnit;
    for (int64_t draw = 0; draw < 4; ++draw) {
      Noise mine = noise;
      mine.key.place = noise.key.place + draw * evaluation::kDrawUnit;
      const Tensor p = t->model->pass(leaf, mine, models::Mode::kFolded).logits.softmax(1) / 8;
      mean = mean.defined() ? mean + p : p;
    }
  }
  const Tensor loss = -mean.gather(1, batch_.y.unsqueeze(1)).log().sum();
  loss.backward();
  const Tensor g = leaf.grad();
  const Tensor expected = batch_.x + 0.05 * g / g.flatten(1).norm(2, {1}).view({-1, 1, 1, 1});
  EXPECT_TRUE(torch::allclose(x, expected.clamp(0, 1), 0, 1e-5));
}

// PGD-s: the source's noise is in the gradient, by the suite's draws and average.
TEST_F(Sources, ASmoothedSourceWithTheTargetsNoiseIsTheWhiteBoxAttack) {
  environment_.models["target"] = noisy_.model.get();
  ParamMap direct = pgd_;
  direct.erase("use");
  for (const Average average : {Average::kLoss, Average::kProbability, Average::kLogit}) {
    evaluation::CraftRules rules;
    rules.track = false;
    rules.draws = 3;
    rules.average = average;
    const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
    const evaluation::Crafted by_way =
        craft(*attack("transfer", {{"source", "target"}, {"attack", pgd_}}), *noisy_.model, batch_,
              threat, rules, environment_);
    rules.defense_stream = evaluation::Stream::kSource;
    const evaluation::Crafted white_box =
        craft(*attack("pgd", direct), *noisy_.model, batch_, threat, rules, environment_);
    EXPECT_TRUE(torch::equal(by_way.x, white_box.x)) << int(average);
  }
}

TEST_F(Sources, ASourceIsGivenOnce) {
  const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
  const auto why = [&](const ParamMap& params) {
    return attack("transfer", params)->unsupported(threat, {.classes = 4}, Goal::kUntargeted);
  };
  EXPECT_NE(why({}), "");
  EXPECT_NE(why({{"source", "a"}, {"sources", ParamList{"b"}}}), "");
  EXPECT_EQ(why({{"sources", ParamList{"a", "b"}}}), "");
}

TEST_F(Sources, MustKnowTheSameClasses) {
  const Toy five = toy(linear(kTransferImage, 5));
  environment_.models["five"] = five.model.get();
  EXPECT_THROW(ensemble({"a", "five"}, pgd_, batch_, threat_of(Norm::kLinf, 0.1)), ParamError);
}

// ---- in suites
// -----------------------------------------------------------------------------------

class SourcesOfASuite : public ::testing::Test {
 protected:
  static fs::path golden() {
    return fs::path(std::getenv("GAUNTLET_SOURCE_DIR")) / "tests/golden/suites/registry";
  }
  suite::Suite read(const std::string& attack) {
    std::ofstream(folder_ / "suite.toml")
        << "schema = 1\nname = \"s\"\ndata = { dataset = \"tiny\", samples = 4 }\n"
           "threat.l = { norm = \"linf\", epsilon = 0.1 }\n[attack]\nt = { use = \"transfer\", "
        << attack << " }\n[[defense]]\nname = \"d\"\nmodel = \"tiny/standard\"\n";
    return suite::read_suite(folder_ / "suite.toml", {}, plugins_, registry_);
  }
  nlohmann::json asked(const std::string& attack) {
    const suite::Suite suite = read(attack);
    return evaluation::question(suite::job_of(suite, suite.cells.front()),
                                registry_.load("tiny", "test"), 4, laboratory_);
  }

  gauntlet::testing::TemporaryFolder folder_;
  const library::PluginLibrary plugins_ = gauntlet::testing::shipped_plugins();
  const registry::Registry registry_{golden(), {golden() / "datasets"}};
  evaluation::Laboratory laboratory_{plugins_, registry_, at::kCPU};
};

TEST_F(SourcesOfASuite, WeightsAndStackOfEachEnterTheIdentity) {
  std::set<std::string> identities;
  const std::vector<std::string> attacks = {
      "source = \"tiny/standard\"",
      "source = \"tiny/pni-w\"",
      "source = { model = \"tiny/standard\", stack = [{ use = \"smoothing\", sigma = 0.1 }] }",
      "source = { model = \"tiny/standard\", stack = [{ use = \"smoothing\", sigma = 0.2 }] }",
      "sources = [\"tiny/standard\"]",
      "sources = [\"tiny/standard\", \"tiny/pni-w\"]",
      "sources = [\"tiny/standard\", { model = \"tiny/pni-w\", stack = [{ use = \"smoothing\" }] "
      "}]",
  };
  for (const std::string& attack : attacks)
    identities.insert(evaluation::identity_of(asked(attack)));
  EXPECT_EQ(identities.size(), attacks.size());
  EXPECT_NE(evaluation::identity_of(asked(attacks[0])),
            evaluation::identity_of(asked(attacks[0] + ", precision = \"bfloat16\"")));
  // Written in full, a model without wrappers is the model.
  EXPECT_EQ(asked(attacks[0]), asked("source = { model = \"tiny/standard\", stack = [] }"));
  EXPECT_EQ(asked(attacks[0])["attack"]["params"]["source"]["weights"],
            registry_.model("tiny/standard").sha256);
}

TEST_F(SourcesOfASuite, TheirPluginsAreAmongThoseThatAnswer) {
  const auto plugins = [&](const std::string& attack) {
    const suite::Suite suite = read(attack);
    const auto found = answerer(suite.defenses[0], suite.attacks[0], laboratory_)["plugins"];
    std::set<std::string> names;
    for (const auto& [name, _] : found.items()) names.insert(name);
    return names;
  };
  EXPECT_EQ(plugins("source = \"tiny/standard\""),
            (std::set<std::string>{"attack/pgd", "attack/transfer"}));
  EXPECT_EQ(plugins("sources = [\"tiny/pni-w\", { model = \"tiny/at\", stack = [{ use = "
                    "\"smoothing\" }] }], attack = { use = \"fgsm\" }"),
            (std::set<std::string>{"attack/fgsm", "attack/transfer", "defense/pni",
                                   "defense/smoothing"}));
}

TEST_F(SourcesOfASuite, AreLoadedOnceForEveryStack) {
  laboratory_.probe_with(registry_.load("tiny", "test"));
  const ModelRef plain{"tiny/standard"};
  const ModelRef smoothed{"tiny/standard", {{"smoothing", {{"sigma", 0.1}}}}};
  EXPECT_EQ(&laboratory_.model(plain), &laboratory_.model(plain));
  EXPECT_EQ(&laboratory_.model(smoothed), &laboratory_.model(smoothed));
  EXPECT_NE(&laboratory_.model(plain), &laboratory_.model(smoothed));
  EXPECT_FALSE(laboratory_.model(plain).stochastic());
  EXPECT_TRUE(laboratory_.model(smoothed).stochastic());
}

TEST_F(SourcesOfASuite, ACellRunsThroughThem) {
  const suite::Suite suite = read(
      "sources = [\"tiny/at\", { model = \"tiny/standard\", stack = [{ use = \"smoothing\" }] }], "
      "draws = 2, goal = \"targeted\"");
  const data::Dataset data = registry_.load("tiny", "test");
  laboratory_.probe_with(data);
  const evaluation::CellJob job{
      suite.scoring, suite.defenses[0], suite.attacks[0], suite.threats[0], 0, data, {0, 1, 2, 3}};
  const results::CellRecord record = evaluate(job, laboratory_).record;
  EXPECT_EQ(record.status, results::Status::kOk) << record.reason;
  EXPECT_GT(record.ledger.source_backwards, 0);
  EXPECT_EQ(record.ledger.forwards, 0);
}

}  // namespace
}  // namespace gauntlet
