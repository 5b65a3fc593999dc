// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstddef>
#include <span>
#include <stdexcept>

#include "seekable/error.hpp"
#include "seekable/sources.hpp"
#include "support/feeds.hpp"

namespace seekable::test {
namespace {

TEST(FunctionSource, RefusesAnEmptyFunction) {
  EXPECT_THROW(from_function(nullptr), std::invalid_argument);
}

TEST(FunctionSource, PassesTheSpanOnAndTheBytesBack) {
  std::size_t asked = 0;
  const auto source = from_function([&](std::span<std::byte> out) {
    asked = out.size();
    out[0] = std::byte{'x'};
    return std::size_t{1};
  });
  EXPECT_EQ(to_string(read_once(*source, 17)), "x");
  EXPECT_EQ(asked, 17U);
}

TEST(FunctionSource, FailsWhereTheFunctionClaimsMoreThanItWasAskedFor) {
  const auto source = from_function([](std::span<std::byte> out) { return out.size() + 5; });
  EXPECT_EQ(code_of([&] { read_once(*source, 4); }), Errc::source_failed);
  EXPECT_NE(text_of([&] { read_once(*source, 4); }).find("it returned 9 for a span of 4 bytes"),
            std::string::npos);
}

TEST(FunctionSource, PassesOnWhatTheFunctionThrows) {
  const auto source =
      from_function([](std::span<std::byte>) -> std::size_t { throw std::range_error("odd"); });
  EXPECT_THROW(read_once(*source, 4), std::range_error);
}

TEST(FunctionSource, IsNotCalledAfterItsEndNorAfterCancel) {
  int calls = 0;
  const auto read = [&](std::span<std::byte>) {
    ++calls;
    return std::size_t{0};
  };
  const auto ended = from_function(read);
  read_once(*ended, 1);
  read_once(*ended, 1);
  EXPECT_EQ(calls, 1);
  const auto cancelled = from_function(read);
  cancelled->cancel();
  EXPECT_EQ(code_of([&] { read_once(*cancelled, 1); }), Errc::cancelled);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace seekable::test
