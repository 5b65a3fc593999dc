// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cli/durations.hpp"

namespace seekable::cli {
namespace {

TEST(Durations, ReadsWholeNumbersWithAUnit) {
  const std::vector<std::pair<std::string, std::int64_t>> table = {
      {"1ms", 1},      {"500ms", 500},   {"10s", 10'000},         {"2m", 120'000},
      {"1h", 3600000}, {"0010s", 10000}, {"87840h", 316224000000}};
  for (const auto& [text, milliseconds] : table) {
    EXPECT_EQ(parse_duration(text).count(), milliseconds) << text;
  }
}

TEST(Durations, RefusesEverythingElseInOneLineThatShowsTheText) {
  for (const std::string text :
       {"", "10", "s", "10 s", " 10s", "-1s", "+1s", "1.5s", "10S", "10sec", "0s", "0ms", "87841h",
        "18446744073709551615h", "18446744073709551616ms", "99999999999999999999s"}) {
    try {
      ADD_FAILURE() << text << " was read as " << parse_duration(text).count();
    } catch (const std::invalid_argument& error) {
      const std::string line = error.what();
      EXPECT_NE(line.find("'" + text + "'"), std::string::npos) << line;
      EXPECT_EQ(line.find('\n'), std::string::npos) << line;
    }
  }
}

TEST(Durations, WritesWhatItReadsBack) {
  for (const std::string text : {"1ms", "1500ms", "10s", "90s", "2m", "3h"}) {
    EXPECT_EQ(exact_duration(parse_duration(text)), text);
  }
  EXPECT_EQ(exact_duration(parse_duration("60s")), "1m");
}

}  // namespace
}  // namespace seekable::cli
