// What is thrown becomes one sentence that records and pages can hold.
#include "base/failure.h"

#include <c10/util/Exception.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <nlohmann/json.hpp>

namespace gauntlet {
namespace {

template <class Thrown>
std::string told(const Thrown& thrown) {
  try {
    throw thrown;
  } catch (...) {
    return current_failure();
  }
}

TEST(Failure, LibTorchsFramesAreCut) {
  try {
    torch::zeros({2}).view({3});
    FAIL();
  } catch (const c10::Error& error) {
    EXPECT_EQ(current_failure(), "shape '[3]' is invalid for input of size 2");
    // As it comes where somebody made another exception of it.
    EXPECT_EQ(told(std::runtime_error(error.what())), "shape '[3]' is invalid for input of size 2");
  }
}

TEST(Failure, IsOfBoundedLength) {
  const std::string text = told(std::runtime_error(std::string(8 << 20, 'x')));
  EXPECT_LT(text.size(), 700u);
  EXPECT_TRUE(text.ends_with("x… (8388608 bytes)")) << text;
}

TEST(Failure, IsUtf8WhateverItWas) {
  EXPECT_EQ(told(std::runtime_error("bad \xff\xfe, cut \xe2\x82")), "bad ??, cut ??");
  EXPECT_EQ(told(std::runtime_error("5 € für 𝑥")), "5 € für 𝑥");
  for (const char* wrong : {"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe0\x80\x80"})
    EXPECT_EQ(told(std::runtime_error(wrong)).find_first_not_of('?'), std::string::npos);
  std::string cut(599, 'x');
  EXPECT_NO_THROW(nlohmann::json(told(std::runtime_error(cut + "€€€€"))).dump());
}

TEST(Failure, WhatIsNoExceptionIsToldToo) {
  EXPECT_EQ(told(5), "the plugin threw something that is no std::exception");
}

}  // namespace
}  // namespace gauntlet
