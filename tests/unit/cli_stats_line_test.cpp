// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "cli/stats_line.hpp"

namespace seekable::cli {
namespace {

TEST(StatsLine, IsOneLineOfJsonWithTheMembersOfStats) {
  StatsSnapshot snapshot;
  snapshot.stats.hits = 1;
  snapshot.stats.spool_bytes = 9;
  EXPECT_EQ(stats_line(snapshot),
            R"({"size":null,"failure":null,"hits":1,"waits":0,"source_reads":0,"bytes_on_wire":0,)"
            R"("reopened":0,"spills":0,"spilled_bytes":0,"memory_bytes":0,"spool_bytes":9})");
}

TEST(StatsLine, TellsOfAUrlWhatItHasCost) {
  StatsSnapshot snapshot;
  snapshot.stats.bytes_on_wire = 3;
  snapshot.stats.reopened = 4;
  snapshot.stats.read_through = 6;
  snapshot.web = WebTraffic{1, 2};
  snapshot.kept = 5;
  EXPECT_NE(stats_line(snapshot).find(R"("http":{"requests":1,"bytes_on_wire":2,"bytes_read":3,)"
                                      R"("reopened":4,"read_through":6,"kept":5}})"),
            std::string::npos)
      << stats_line(snapshot);
}

TEST(StatsLine, TellsSizeAndFailureWhateverTheMessageHolds) {
  StatsSnapshot snapshot;
  snapshot.size = 18446744073709551615ULL;
  snapshot.failure = Failure{make_error_code(Errc::truncated), "broke \"off\"\n\xff", 42, nullptr};
  const std::string line = stats_line(snapshot);
  EXPECT_NE(line.find(R"("size":18446744073709551615)"), std::string::npos) << line;
  EXPECT_NE(line.find(R"("category":"seekable")"), std::string::npos) << line;
  EXPECT_NE(line.find(R"("offset":42)"), std::string::npos) << line;
  EXPECT_NE(line.find(R"(broke \"off\"\n)"), std::string::npos) << line;
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace seekable::cli
