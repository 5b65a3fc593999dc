// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/part_map.hpp"
#include "cli/range_set.hpp"

namespace seekable::cli {
namespace {

using Ranges = std::vector<ByteRange>;

TEST(RangeSet, JoinsWhatTouchesOrOverlaps) {
  RangeSet set;
  for (const ByteRange range : Ranges{{10, 20}, {30, 40}, {20, 25}, {5, 5}, {28, 35}, {50, 60}}) {
    set.add(range);
  }
  EXPECT_EQ(set.ranges(), (Ranges{{10, 25}, {28, 40}, {50, 60}}));
  EXPECT_EQ(set.front(), 0U);
  set.add({0, 45});
  EXPECT_EQ(set.ranges(), (Ranges{{0, 45}, {50, 60}}));
  EXPECT_EQ(set.front(), 45U);
  EXPECT_EQ(set.end(), 60U);
  EXPECT_EQ(set.total(), 55U);
}

TEST(RangeSet, TellsWhatIsMissing) {
  RangeSet set;
  EXPECT_EQ(set.missing(10), (Ranges{{0, 10}}));
  EXPECT_EQ(set.missing(0), Ranges{});
  set.add({10, 20});
  set.add({30, 40});
  EXPECT_EQ(set.missing(100), (Ranges{{0, 10}, {20, 30}, {40, 100}}));
  EXPECT_EQ(set.missing(40), (Ranges{{0, 10}, {20, 30}}));
  EXPECT_EQ(set.missing(15), (Ranges{{0, 10}}));
}

PartMap example() {
  PartMap map;
  map.url = "http://h/x?\"";
  map.validator = "\"tag\"";
  map.size = 100;
  map.kept.add({0, 10});
  map.kept.add({20, 100});
  return map;
}

TEST(PartMap, IsReadBackAsItWasWritten) {
  const auto map = parse_part_map(part_map_text(example()));
  ASSERT_TRUE(map);
  EXPECT_EQ(map->url, example().url);
  EXPECT_EQ(map->validator, example().validator);
  EXPECT_EQ(map->size, 100U);
  EXPECT_EQ(map->kept.ranges(), example().kept.ranges());
  PartMap unknown = example();
  unknown.size.reset();
  EXPECT_FALSE(parse_part_map(part_map_text(unknown))->size);
}

TEST(PartMap, IsNotTakenFromWhatMakesNoSense) {
  const std::string good = part_map_text(example());
  const auto with = [&good](const std::string& from, const std::string& to) {
    std::string text = good;
    return text.replace(text.find(from), from.size(), to);
  };
  for (const std::string& bad :
       {std::string(), std::string("null"), std::string("[1]"), good.substr(0, good.size() / 2),
        with("seekable get 1", "seekable get 2"), with("\"size\":100", "\"size\":99"),
        with("\"size\":100", "\"size\":-100"), with("\"size\":100", "\"size\":1e2"),
        with("\"size\":100", "\"size\":[]"), with("[0,10]", "[10,0]"), with("[0,10]", "[0,30]"),
        with("[0,10]", "[0]"), with("[0,10]", "0"), with("[0,10]", "[-1,10]"),
        with("[0,10]", "[0,99999999999999999999]"), with("\"kept\"", "\"left\""),
        with(R"("\"tag\"")", R"("")"), with(R"("\"tag\"")", "7")}) {
    EXPECT_FALSE(parse_part_map(bad)) << bad;
  }
}

}  // namespace
}  // namespace seekable::cli
