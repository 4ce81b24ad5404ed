// Plugins that look inside of a network, stand in for its activations, or build it of operations of
// their own, in a suite.
#include "library/plugin_architecture.h"
#include "models/architectures/build_network.h"
#include "tests/end_to_end/misbehaving_plugins/small_suite.h"

namespace gauntlet::testing {
namespace {

class InnerValuesInASuite : public SmallSuite {
 protected:
  // A row whose network a plugin builds, with weights as it is initialised.
  std::string attention_row() {
    models::NetworkSpec spec;
    spec.architecture = "attention_net", spec.input = {1, 6, 6}, spec.classes = 4;
    spec.options["width"] = 4;
    const auto network =
        models::build_network(with_architecture(spec, library::LibraryCatalogue(plugins_)), 5);
    std::map<std::string, Tensor> state;
    for (const models::NamedTensor& t : network->tensors()) state[t.name] = t.tensor;
    EXPECT_TRUE(state.count("select.probe")) << "saved as it is trained";
    models::write_safetensors(folder_ / "attention.safetensors", state);
    return R"(
[[defense]]
name = "attention"
model = { architecture = "attention_net", width = 4, weights = "attention.safetensors", input = [1, 6, 6], classes = 4 }
)";
  }
};

const std::string kAttacks =
    "pgd = { use = \"pgd\", steps = 3, step_size = 0.02 }\n"
    "inner = { use = \"feature_distance\", steps = 3 }\n"
    "nowhere = { use = \"feature_distance\", feature = \"attended\" }\n";

TEST_F(InnerValuesInASuite, AreAttackedDefendedAndBuilt) {
  const auto cells = run_suite_of(
      "inner", kAttacks,
      row("plain") + row("winners", "{ use = \"winners\", gamma = 0.5 }") +
          row("watched", "", "{ use = \"far_features\", threshold = 1000 }") + attention_row());
  for (const char* name : {"plain", "winners", "watched", "attention"})
    for (const char* attack : {"pgd", "inner"}) {
      const results::CellRecord& cell = cells.at(std::string(name) + " / " + attack);
      EXPECT_EQ(cell.status, results::Status::kOk)
          << name << " / " << attack << ": " << cell.reason;
      EXPECT_GT(cell.ledger.backwards, 0) << name;
    }
  EXPECT_EQ(cells.at("attention / nowhere").status, results::Status::kOk)
      << cells.at("attention / nowhere").reason;
  const results::CellRecord& skipped = cells.at("plain / nowhere");
  EXPECT_EQ(skipped.status, results::Status::kSkipped);
  EXPECT_NE(skipped.reason.find("the network has no feature 'attended'"), std::string::npos)
      << skipped.reason;
  // What stands in for the activations is another network.
  EXPECT_NE(cells.at("plain / pgd").x_adv_sha256, cells.at("winners / pgd").x_adv_sha256);
}

TEST_F(InnerValuesInASuite, ThatTheNetworkHasNotAreRefusedBeforeAnyWork) {
  try {
    run_suite_of(
        "wrong", kAttacks,
        row("watched", "", "{ use = \"far_features\", threshold = 1, feature = \"hiden\" }"));
    ADD_FAILURE() << "nothing was thrown";
  } catch (const BadInput& error) {
    EXPECT_NE(std::string(error.what()).find("no feature 'hiden'"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace gauntlet::testing
