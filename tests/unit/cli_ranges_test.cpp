// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cli/ranges.hpp"

namespace seekable::cli {
namespace {

using Ranges = std::vector<RangeSpec>;

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

TEST(Ranges, AreReadAsHttpWritesThem) {
  const std::vector<std::pair<std::string, Ranges>> table = {
      {"0-99", {{.first = 0, .last = 99}}},
      {"0-0", {{.first = 0, .last = 0}}},
      {"500-", {{.first = 500}}},
      {"-16", {{.suffix = 16}}},
      {"5-5,-1,3-", {{.first = 5, .last = 5}, {.suffix = 1}, {.first = 3}}},
      {"9-10,0-1", {{.first = 9, .last = 10}, {.first = 0, .last = 1}}},
      {"18446744073709551615-", {{.first = most}}},
      {"0-18446744073709551615", {{.first = 0, .last = most}}},
      {"-18446744073709551615", {{.suffix = most}}},
  };
  for (const auto& [text, ranges] : table) EXPECT_EQ(parse_ranges(text), ranges) << text;
}

TEST(Ranges, RefuseEverythingElseInOneLine) {
  for (const std::string text : {"",
                                 "-",
                                 "--",
                                 "--5",
                                 "5",
                                 "5-4",
                                 "a-b",
                                 "1-b",
                                 "a-2",
                                 "1-2-3",
                                 "1--2",
                                 "bytes=0-1",
                                 " 0-1",
                                 "0-1 ",
                                 "0 -1",
                                 "0- 1",
                                 "-0",
                                 "+1-2",
                                 "0x1-2",
                                 "1,2",
                                 "0-1,",
                                 ",0-1",
                                 "0-1,,2-3",
                                 "18446744073709551616-",
                                 "0-18446744073709551616",
                                 "-18446744073709551616",
                                 "1.5-2"}) {
    try {
      parse_ranges(text);
      ADD_FAILURE() << text << " was read";
    } catch (const std::invalid_argument& error) {
      const std::string line = error.what();
      EXPECT_NE(line.find("bad range"), std::string::npos) << line;
      EXPECT_EQ(line.find('\n'), std::string::npos) << line;
    }
  }
}

TEST(Ranges, AreWrittenAsTheyAreRead) {
  for (const std::string text : {"0-99", "500-", "-16", "0-0", "18446744073709551615-"}) {
    EXPECT_EQ(range_text(parse_ranges(text).front()), text);
  }
}

}  // namespace
}  // namespace seekable::cli
