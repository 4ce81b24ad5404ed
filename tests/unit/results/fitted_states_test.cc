// What wrappers were fitted to comes back bit for bit, or not at all.
#include "results/fitted_states.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temporary_folder.h"

namespace gauntlet::results {
namespace {

class KeptFits : public ::testing::Test {
 protected:
  std::filesystem::path file() const {
    return folder_ / ("fitted-" + identity_.substr(0, 32) + ".safetensors");
  }
  std::optional<FittedState> found(const std::string& identity) const {
    return states_.find(identity, at::kCPU);
  }

  testing::TemporaryFolder folder_;
  std::vector<std::string> remarks_;
  const FittedStates states_{folder_,
                             [this](const std::string& text) { remarks_.push_back(text); }};
  const std::string identity_ = std::string(63, 'a') + "1", twin_ = std::string(63, 'a') + "2";
};

TEST_F(KeptFits, ComeBackBitForBit) {
  const FittedState state = {{"number", torch::tensor(0.1)},
                             {"double", torch::tensor({0.1, 1e-310}, torch::kDouble)},
                             {"counts", torch::tensor({int64_t{1} << 40, int64_t{-3}})},
                             {"few", torch::tensor({7, 8}, torch::kInt)},
                             {"bytes", torch::tensor({0, 255}, torch::kByte)},
                             {"mask", torch::tensor({true, false, true})},
                             {"none", torch::empty({0, 3})},
                             {"identity", torch::ones({2, 2})}};
  EXPECT_FALSE(found(identity_)) << "nothing yet";
  states_.keep(identity_, state);
  const auto again = found(identity_);
  ASSERT_TRUE(again);
  ASSERT_EQ(again->size(), state.size());
  for (const auto& [name, tensor] : state) {
    ASSERT_TRUE(again->contains(name)) << name;
    EXPECT_EQ(again->at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(again->at(name), tensor)) << name;
  }
  EXPECT_TRUE(remarks_.empty());
}

TEST_F(KeptFits, OfAnotherIdentityAreNotTaken) {
  states_.keep(identity_, {{"a", torch::ones({3})}});
  EXPECT_FALSE(found(twin_)) << "whose file has the same name";
  ASSERT_EQ(remarks_.size(), 1u);
  EXPECT_EQ(remarks_[0],
            file().string() + " is not as a run wrote it; its wrapper is fitted again");
}

TEST_F(KeptFits, ChangedOrForeignFilesAreNotTaken) {
  states_.keep(identity_, {{"a", torch::ones({3})}});
  {
    std::fstream out(file(), std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(-1, std::ios::end);
    out.put('x');
  }
  EXPECT_FALSE(found(identity_)) << "a byte of it";
  std::ofstream(file()) << "something else";
  EXPECT_FALSE(found(identity_));
  EXPECT_EQ(remarks_.size(), 2u);
  states_.keep(identity_, {{"a", torch::ones({3})}});
  EXPECT_TRUE(found(identity_)) << "it is replaced";
}

TEST_F(KeptFits, WhatWouldComeBackOtherwiseIsNotKept) {
  states_.keep(identity_, {{"half", torch::ones({3}, torch::kHalf)}});
  states_.keep(identity_, {{"view", torch::ones({2, 3}).t()}});
  states_.keep(identity_, {{"graph", torch::ones({2}).requires_grad_(true)}});
  EXPECT_FALSE(std::filesystem::exists(file()));
  EXPECT_TRUE(remarks_.empty());
}

TEST_F(KeptFits, AFolderThatCannotBeWrittenIsARemark) {
  std::ofstream(folder_ / "file") << "no folder";
  const FittedStates nowhere(folder_ / "file",
                             [this](const std::string& text) { remarks_.push_back(text); });
  nowhere.keep(identity_, {{"a", torch::ones({3})}});
  ASSERT_EQ(remarks_.size(), 1u);
  EXPECT_NE(remarks_[0].find("cannot be written, so the next run fits again"), std::string::npos);
}

}  // namespace
}  // namespace gauntlet::results
