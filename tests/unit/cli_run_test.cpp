// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/run.hpp"

namespace seekable::cli {
namespace {

using Words = std::vector<std::string>;

TEST(RunPlaceholder, IsFoundWhereverItStands) {
  EXPECT_TRUE(has_placeholder({"unzip", "-l", "{}"}));
  EXPECT_TRUE(has_placeholder({"x", "--file={}"}));
  EXPECT_TRUE(has_placeholder({"{}"}));
  EXPECT_FALSE(has_placeholder({"sha256sum", "{", "}", "{ }", ""}));
}

TEST(RunPlaceholder, IsReplacedEachTime) {
  EXPECT_EQ(with_path({"a{}b{}", "{}", "", "{{}}", "c"}, "/p"),
            (Words{"a/pb/p", "/p", "", "{/p}", "c"}));
}

TEST(RunPlaceholder, IsNotReplacedInThePathItself) {
  EXPECT_EQ(with_path({"{}{}"}, "{}"), (Words{"{}{}"}));
}

}  // namespace
}  // namespace seekable::cli
