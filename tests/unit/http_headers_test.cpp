// SPDX-License-Identifier: Apache-2.0
// The fields that decide what bytes belong where are read exactly, or not at all.
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/headers.hpp"

namespace seekable::test {
namespace {

using namespace detail::http;

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

TEST(HttpHeaders, ReadALength) {
  const std::vector<std::pair<std::string_view, std::uint64_t>> good = {
      {"0", 0},
      {"1", 1},
      {"007", 7},
      {"4611686018427387904", std::uint64_t{1} << 62U},
      {"18446744073709551615", most}};
  for (const auto& [text, number] : good) EXPECT_EQ(parse_length(text), number) << text;
}

TEST(HttpHeaders, RefuseWhatIsNoLength) {
  using namespace std::string_view_literals;
  for (const auto text :
       {""sv, " "sv, "-1"sv, "+1"sv, "1.0"sv, "1e3"sv, "0x10"sv, "1 2"sv, "1,1"sv, "1\0"sv, "ten"sv,
        "18446744073709551616"sv, "99999999999999999999999"sv}) {
    EXPECT_EQ(parse_length(text), std::nullopt) << text;
  }
}

TEST(HttpHeaders, ReadAContentRange) {
  struct Case {
    std::string_view text;
    ByteRange range;
    std::optional<std::uint64_t> total;
  };
  for (const Case& each :
       {Case{"bytes 0-99/1000", {0, 100}, 1000}, Case{"bytes 999-999/1000", {999, 1000}, 1000},
        Case{"bytes 5-9/*", {5, 10}, std::nullopt}, Case{"BYTES 0-0/1", {0, 1}, 1},
        Case{"bytes 0-18446744073709551613/18446744073709551615", {0, most - 1}, most}}) {
    const auto found = parse_content_range(each.text);
    ASSERT_TRUE(found) << each.text;
    EXPECT_EQ(found->range, each.range) << each.text;
    EXPECT_EQ(found->total, each.total) << each.text;
  }
}

TEST(HttpHeaders, ReadTheContentRangeOfNothing) {
  const auto found = parse_content_range("bytes */1000");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->range, std::nullopt);
  EXPECT_EQ(found->total, 1000U);
}

TEST(HttpHeaders, RefuseWhatIsNoContentRange) {
  for (const std::string_view text : {"",
                                      "bytes",
                                      "bytes ",
                                      "bytes 0-99",
                                      "bytes 0-/1000",
                                      "bytes -99/1000",
                                      "bytes 99-0/1000",
                                      "bytes 0-1000/1000",
                                      "bytes 0-99/",
                                      "bytes */*",
                                      "bytes 0-99/1000/1000",
                                      "items 0-99/1000",
                                      "bytes=0-99/1000",
                                      "bytes 0-99,200-299/1000",
                                      "bytes 0 - 99/1000",
                                      "bytes 0-99/-1",
                                      "bytes 0-18446744073709551615/*",
                                      "bytes 0-99/18446744073709551616",
                                      "0-99/1000",
                                      "bytes 0-9 9/1000",
                                      "bytes *-*/1000",
                                      "bytes 0-99/1000 "}) {
    EXPECT_FALSE(parse_content_range(text)) << text;
  }
}

TEST(HttpHeaders, ReadAnEntityTag) {
  struct Case {
    std::string_view text;
    std::string_view tag;
    bool weak;
  };
  for (const Case& each :
       {Case{"\"abc\"", "\"abc\"", false}, Case{"\"\"", "\"\"", false},
        Case{"W/\"abc\"", "\"abc\"", true}, Case{"\"!#\x80\xff~\"", "\"!#\x80\xff~\"", false}}) {
    const auto found = parse_entity_tag(each.text);
    ASSERT_TRUE(found) << each.text;
    EXPECT_EQ(found->text, each.tag);
    EXPECT_EQ(found->weak, each.weak);
  }
}

TEST(HttpHeaders, RefuseWhatIsNoEntityTag) {
  for (const std::string_view text : {"", "\"", "abc", "\"abc", "abc\"", "w/\"abc\"", "W/abc", "W/",
                                      "W/\"", "\"a\"b\"", "\"a b\"", "\"a\x7f\"", "'abc'"}) {
    EXPECT_FALSE(parse_entity_tag(text)) << text;
  }
}

TEST(HttpHeaders, ReadADateInAllItsForms) {
  for (const std::string_view text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(parse_http_date(text), 784'111'777) << text;
  }
  EXPECT_EQ(parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
  EXPECT_EQ(parse_http_date("Tue, 19 Jan 2038 03:14:08 GMT"), 2'147'483'648);
  EXPECT_EQ(parse_http_date("Fri, 31 Dec 9999 23:59:59 GMT"), 253'402'300'799);
}

TEST(HttpHeaders, RefuseWhatIsNoDate) {
  for (const std::string_view text :
       {"", "0", "-1", "784111777", "yesterday", "08:49:37", "Sun, 06 Nov 1994", "06 Nov",
        "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 1994 08:61:37 GMT",
        "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
        "no date at all, but as long as one"}) {
    EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
  }
}

TEST(HttpHeaders, ReadWhenToComeAgain) {
  constexpr std::int64_t now = 784'111'770;
  EXPECT_EQ(parse_retry_after("0", now), 0);
  EXPECT_EQ(parse_retry_after("120", now), 120);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), 7);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:00 GMT", now), 0);
  for (const std::string_view text : {"", "-1", "1.5", "soon", "1 s"}) {
    EXPECT_EQ(parse_retry_after(text, now), std::nullopt) << text;
  }
  const auto for_ever = parse_retry_after("18446744073709551615", now);
  ASSERT_TRUE(for_ever);
  EXPECT_GT(*for_ever, 86'400);
}

TEST(HttpHeaders, ReadALineOfThem) {
  const auto field = parse_field("Content-Type:  text/plain \r\n");
  ASSERT_TRUE(field);
  EXPECT_EQ(field->name, "Content-Type");
  EXPECT_EQ(field->value, "text/plain");
  EXPECT_EQ(parse_field("Empty:\r\n")->value, "");
  for (const std::string_view text : {"", "no colon", ": no name", " : ", "Name : value"}) {
    EXPECT_FALSE(parse_field(text)) << text;
  }
}

TEST(HttpHeaders, ReadAStatus) {
  EXPECT_EQ(parse_status("HTTP/1.1 206 Partial Content\r\n"), 206);
  EXPECT_EQ(parse_status("HTTP/2 200 \r\n"), 200);
  EXPECT_EQ(parse_status("HTTP/1.0 404"), 404);
  for (const std::string_view text :
       {"", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 20", "HTTP/1.1 abc", "200 OK", "HTTP/1.1 -20"}) {
    EXPECT_EQ(parse_status(text), std::nullopt) << text;
  }
}

TEST(HttpHeaders, CompareNamesWithoutCase) {
  EXPECT_TRUE(same_name("ETag", "etag"));
  EXPECT_FALSE(same_name("ETag", "etags"));
  EXPECT_FALSE(same_name("ETag", "et@g"));
}

}  // namespace
}  // namespace seekable::test
