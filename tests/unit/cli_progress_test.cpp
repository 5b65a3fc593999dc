// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "cli/progress.hpp"

namespace seekable::cli {
namespace {

using std::chrono::milliseconds;

TEST(ProgressLine, TellsBytesRateAndTimeWhereTheSizeIsNotKnown) {
  const std::string line = progress_line(10 << 20, std::nullopt, milliseconds(2'000), 80);
  EXPECT_NE(line.find("10.0 MiB"), std::string::npos) << line;
  EXPECT_NE(line.find("5.0 MiB/s"), std::string::npos) << line;
  EXPECT_NE(line.find("0:02"), std::string::npos) << line;
}

TEST(ProgressLine, TellsPercentAndTimeLeftWhereItIs) {
  const std::string line = progress_line(10 << 20, 40 << 20, milliseconds(2'000), 80);
  EXPECT_NE(line.find("25%"), std::string::npos) << line;
  EXPECT_NE(line.find("[======>"), std::string::npos) << line;
  EXPECT_NE(line.find("0:06 left"), std::string::npos) << line;
}

TEST(ProgressLine, CountsForTheRateWhatCameNow) {
  const std::string line = progress_line(30 << 20, 40 << 20, milliseconds(2'000), 80, 20 << 20);
  EXPECT_NE(line.find("5.0 MiB/s"), std::string::npos) << line;
  EXPECT_NE(line.find("75%"), std::string::npos) << line;
  EXPECT_NE(line.find("0:02 left"), std::string::npos) << line;
}

TEST(ProgressLine, BearsWhatASourceMayClaim) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  EXPECT_NE(progress_line(50, 10, milliseconds(1'000), 80).find("100%"), std::string::npos);
  EXPECT_FALSE(progress_line(0, 0, milliseconds(0), 80).empty());
  EXPECT_FALSE(progress_line(0, most, milliseconds(0), 200).empty());
  EXPECT_FALSE(progress_line(most, most, milliseconds(0), 200).empty());
  EXPECT_FALSE(progress_line(1, most, milliseconds(1'000'000), 200).empty());
}

TEST(ProgressLine, FitsTheTerminal) {
  EXPECT_EQ(progress_line(10 << 20, 40 << 20, milliseconds(2'000), 12).size(), 12U);
}

}  // namespace
}  // namespace seekable::cli
