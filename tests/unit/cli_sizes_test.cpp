// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cli/sizes.hpp"

namespace seekable::cli {
namespace {

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

TEST(Sizes, ReadsNumbersWithAndWithoutUnits) {
  const std::vector<std::pair<std::string, std::uint64_t>> table = {
      {"0", 0},
      {"1", 1},
      {"007", 7},
      {"512", 512},
      {"512B", 512},
      {"64KiB", 65'536},
      {"64KB", 64'000},
      {"5MiB", 5'242'880},
      {"2GB", 2'000'000'000},
      {"2GiB", 2'147'483'648},
      {"1TB", 1'000'000'000'000},
      {"3TiB", 3ULL << 40},
      {"1PB", 1'000'000'000'000'000},
      {"1PiB", 1ULL << 50},
      {"18EB", 18'000'000'000'000'000'000ULL},
      {"15EiB", 15ULL << 60},
      {"5mib", 5'242'880},
      {"5Kb", 5'000},
      {"18446744073709551615", most},
      {"18446744073709551615B", most},
      {"18014398509481983KiB", 18014398509481983ULL << 10},
  };
  for (const auto& [text, bytes] : table) EXPECT_EQ(parse_size(text), bytes) << text;
}

TEST(Sizes, RefusesEverythingElseInOneLineThatShowsTheText) {
  for (const std::string text : {"",
                                 " ",
                                 "KiB",
                                 "-1",
                                 "+1",
                                 " 1",
                                 "1 ",
                                 "1 KiB",
                                 "1.5GiB",
                                 "1,5GB",
                                 "5M",
                                 "5k",
                                 "0x10",
                                 "1e6",
                                 "5MiBs",
                                 "5iB",
                                 "5MBB",
                                 "18446744073709551616",
                                 "18446744073709551615KB",
                                 "16EiB",
                                 "19EB",
                                 "18014398509481984KiB",
                                 "99999999999999999999999",
                                 "0 ",
                                 "one"}) {
    try {
      ADD_FAILURE() << text << " was read as " << parse_size(text);
    } catch (const std::invalid_argument& error) {
      const std::string line = error.what();
      EXPECT_NE(line.find("'" + text + "'"), std::string::npos) << line;
      EXPECT_EQ(line.find('\n'), std::string::npos) << line;
    }
  }
}

TEST(Sizes, WritesWhatItReadsBack) {
  EXPECT_EQ(exact_size(0), "0");
  EXPECT_EQ(exact_size(1), "1");
  EXPECT_EQ(exact_size(1000), "1KB");
  EXPECT_EQ(exact_size(1024), "1KiB");
  EXPECT_EQ(exact_size(5 * 1024 * 1024), "5MiB");
  EXPECT_EQ(exact_size(2'000'000'000), "2GB");
  EXPECT_EQ(exact_size(2'000'000'001), "2000000001");
  for (const std::uint64_t bytes : {std::uint64_t{0}, std::uint64_t{999}, std::uint64_t{1} << 63,
                                    most, most - 1, std::uint64_t{65'537}}) {
    EXPECT_EQ(parse_size(exact_size(bytes)), bytes);
  }
}

TEST(Sizes, RoundsForPeople) {
  EXPECT_EQ(rounded_size(0), "0 bytes");
  EXPECT_EQ(rounded_size(1), "1 byte");
  EXPECT_EQ(rounded_size(1023), "1023 bytes");
  EXPECT_EQ(rounded_size(1024), "1.0 KiB");
  EXPECT_EQ(rounded_size(1536), "1.5 KiB");
  EXPECT_EQ(rounded_size(5 * 1024 * 1024), "5.0 MiB");
  EXPECT_EQ(rounded_size(most), "16.0 EiB");
}

}  // namespace
}  // namespace seekable::cli
