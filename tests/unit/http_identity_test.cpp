// SPDX-License-Identifier: Apache-2.0
// What proves that bytes of two answers belong together, and what becomes of those that do not.

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>

#include "support/http_streams.hpp"

namespace seekable::test {
namespace {

constexpr std::size_t size = 200'000;
constexpr std::uint64_t broken = 50'000;
const std::error_code none;

Bytes content() { return random_bytes(size, 9); }

/// Other bytes, everywhere.
Bytes other_content() {
  Bytes other = content();
  for (std::byte& byte : other) byte ^= std::byte{0xff};
  return other;
}

std::string date(int seconds) {
  return http_date(std::chrono::system_clock::from_time_t(1'000'000'000 + seconds));
}

/// `before` for the first GET, which breaks off, and `after` for all others.
HttpPeer::Answerer turns_into(const Honest& before, const Honest& after) {
  return first_by(after, {[=](const HttpRequest& request, const Honest&) {
                    return before(request).breaks_after(broken);
                  }});
}

/// What the second request of a stream from such a server has in `If-Range`.
std::optional<std::string> condition_sent_to(const Honest& honest) {
  const HttpPeer peer(turns_into(honest, honest));
  EXPECT_EQ(outcome_of(open(peer), content()).code, none);
  const auto gets = gets_of(peer);
  EXPECT_EQ(gets.size(), 2U);
  EXPECT_EQ(gets.front().header("If-Range"), std::nullopt);
  EXPECT_TRUE(gets.back().range());
  return gets.back().header("If-Range");
}

Honest marked(Bytes bytes, std::string etag, std::string modified = {}, std::string now = {}) {
  Honest honest(std::move(bytes));
  honest.etag = std::move(etag);
  honest.last_modified = std::move(modified);
  honest.date = std::move(now);
  return honest;
}

TEST(HttpIdentity, IsAskedForByAStrongTag) {
  EXPECT_EQ(condition_sent_to(marked(content(), "\"one\"")), "\"one\"");
  EXPECT_EQ(condition_sent_to(marked(content(), "\"one\"", date(0), date(1000))), "\"one\"");
}

TEST(HttpIdentity, IsAskedForByADateThatIsOldEnough) {
  EXPECT_EQ(condition_sent_to(marked(content(), "", date(0), date(60))), date(0));
  EXPECT_EQ(condition_sent_to(marked(content(), "", date(0), date(59))), std::nullopt);
  EXPECT_EQ(condition_sent_to(marked(content(), "", date(0), date(-1000))), std::nullopt);
  EXPECT_EQ(condition_sent_to(marked(content(), "", date(0))), std::nullopt);
}

TEST(HttpIdentity, IsNeverAskedForByAWeakTag) {
  EXPECT_EQ(condition_sent_to(marked(content(), "W/\"one\"")), std::nullopt);
  EXPECT_EQ(condition_sent_to(marked(content(), "W/\"one\"", date(0), date(59))), std::nullopt);
  // With a weak tag beside it the date may be used, or not.
  const auto condition = condition_sent_to(marked(content(), "W/\"one\"", date(0), date(1000)));
  EXPECT_EQ(condition.value_or(date(0)), date(0));
}

TEST(HttpIdentity, IsNeverAskedForByWhatIsNoTag) {
  EXPECT_EQ(condition_sent_to(marked(content(), "one")), std::nullopt);
  EXPECT_EQ(condition_sent_to(marked(content(), "\"o\"n\"e\"")), std::nullopt);
}

/// The stream breaks off, and goes on from another one.
Outcome of_change(const Honest& before, const Honest& after) {
  return outcome_of(turns_into(before, after), content());
}

void expect_change(const Honest& before, const Honest& after) {
  const Outcome outcome = of_change(before, after);
  EXPECT_EQ(outcome.code, Errc::source_changed) << outcome.text;
  EXPECT_EQ(outcome.offset, broken);
}

TEST(HttpIdentity, ChangesWithTheStrongTag) {
  expect_change(marked(content(), "\"one\""), marked(other_content(), "\"two\""));
  Honest without_ranges = marked(other_content(), "\"two\"");
  without_ranges.ranges = false;
  expect_change(marked(content(), "\"one\""), without_ranges);
}

TEST(HttpIdentity, ChangesWithTheWeakTag) {
  expect_change(marked(content(), "W/\"one\""), marked(content(), "W/\"two\""));
}

TEST(HttpIdentity, ChangesWhereAStrongTagBecomesWeakOrGoes) {
  for (const char* etag : {"W/\"two\"", ""}) {
    expect_change(marked(content(), "\"one\""), marked(other_content(), etag));
  }
}

// Some servers look at no condition: then the part itself shows that it is of another whole.
TEST(HttpIdentity, ChangesWhereAPartHasAnotherTagThanTheConditionSaid) {
  const Honest before = marked(content(), "\"one\"");
  for (const char* etag : {"\"two\"", "W/\"two\""}) {
    const Honest after = marked(other_content(), etag);
    const auto careless = [=](const HttpRequest& request, const Honest& honest) {
      HttpRequest plain = request;
      std::erase_if(plain.headers, [](const auto& each) { return each.name == "If-Range"; });
      return honest(plain);
    };
    HttpPeer::Answerer answerer = first_by(
        after,
        {[=](const auto& request, const Honest&) { return before(request).breaks_after(broken); },
         careless, careless, careless, careless, careless, careless});
    EXPECT_EQ(outcome_of(answerer, content()).code, Errc::source_changed) << etag;
  }
}

TEST(HttpIdentity, ChangesWithTheDate) {
  expect_change(marked(content(), "", date(0), date(1000)),
                marked(other_content(), "", date(500), date(1000)));
  expect_change(marked(content(), "", date(0), date(10)),
                marked(other_content(), "", date(1), date(10)));
}

TEST(HttpIdentity, ChangesWithTheSize) {
  Bytes longer = content();
  longer.push_back(std::byte{1});
  expect_change(marked(content(), ""), marked(longer, ""));
  Bytes shorter = content();
  shorter.resize(size - 1);
  expect_change(marked(content(), ""), marked(shorter, ""));
  shorter.resize(100);
  expect_change(marked(content(), ""), marked(shorter, ""));
}

TEST(HttpIdentity, ChangesWithTheCodingOfTheContent) {
  Honest coded = marked(other_content(), "\"one\"");
  coded.content_coding = "gzip";
  expect_change(marked(content(), "\"one\""), coded);
}

TEST(HttpIdentity, OfACodingNobodyAskedForIsThatOfTheCodedBytes) {
  Honest coded(content());
  coded.content_coding = "gzip";
  EXPECT_EQ(of_change(coded, coded).code, none);
}

TEST(HttpIdentity, HoldsWhereTheWholeComesInPlaceOfAPart) {
  for (const char* etag : {"\"one\"", "W/\"one\"", ""}) {
    const Honest before = marked(content(), etag);
    Honest after = before;
    after.ranges = false;
    EXPECT_EQ(of_change(before, after).code, none) << etag;
  }
}

TEST(HttpIdentity, WithoutAValidatorIsProvenByBytesThatAreComparedAgain) {
  for (const char* etag : {"", "W/\"one\""}) {
    const Honest honest = marked(content(), etag);
    const HttpPeer peer(turns_into(honest, honest));
    EXPECT_EQ(outcome_of(open(peer), content()).code, none);
    const auto again = gets_of(peer).back().range();
    ASSERT_TRUE(again);
    EXPECT_LT(again->first, broken);
    EXPECT_LE(peer.body_bytes(), size + 64 * 1024);
    expect_change(honest, marked(other_content(), etag));
  }
}

TEST(HttpIdentity, WithoutAValidatorOrRangesIsProvenByBytesThatAreComparedAgain) {
  Honest before = marked(content(), "");
  Honest after = marked(other_content(), "");
  before.ranges = false;
  after.ranges = false;
  EXPECT_EQ(of_change(before, before).code, none);
  expect_change(before, after);
}

TEST(HttpIdentity, OfASecondConnectionIsThatOfTheFirst) {
  const Bytes& far = far_content();
  const Honest before = marked(far, "\"one\"");
  Honest after = marked(far, "\"two\"");
  const HttpPeer peer(first_by(
      after, {[=](const HttpRequest& request, const Honest&) { return before(request); }}));
  const StreamBuffer buffer = open(peer);
  EXPECT_EQ(buffer.read(0, 1000), part(far, 0, 1000));
  EXPECT_EQ(code_of([&] { buffer.read(30'000'000, 1000); }), Errc::source_changed);
  EXPECT_EQ(buffer.failure()->code, Errc::source_changed);
  EXPECT_EQ(buffer.read(0, 1000), part(far, 0, 1000));
}

TEST(HttpIdentity, IsKeptByAConnectionForAnother) {
  const HttpPeer peer(Honest{content()});
  const auto first = dynamic_cast<RestartableSource&>(*from_url(peer.url(), quick())).another();
  read_once(*first, 10);
  const auto second = first->another();
  second->reopen(100'000, std::nullopt);
  EXPECT_EQ(read_once(*second, 10), part(content(), 100'000, 10));
  EXPECT_EQ(gets_of(peer).back().header("If-Range"), "\"one\"");
}

TEST(HttpIdentity, MayBeExpectedOfTheStream) {
  const auto outcome = [](const std::string& validator, std::optional<std::uint64_t> expected) {
    HttpOptions options = quick();
    options.expected_validator = validator;
    options.expected_size = expected;
    return outcome_of(marked(content(), "\"one\"", date(0), date(1000)), content(), options).code;
  };
  EXPECT_EQ(outcome("\"one\"", std::nullopt), none);
  EXPECT_EQ(outcome("\"one\"", size), none);
  EXPECT_EQ(outcome("", size), none);
  EXPECT_EQ(outcome(date(0), size), none);
  EXPECT_EQ(outcome("\"two\"", size), Errc::source_changed);
  EXPECT_EQ(outcome("\"two\"", std::nullopt), Errc::source_changed);
  EXPECT_EQ(outcome("\"one\"", size + 1), Errc::source_changed);
  EXPECT_EQ(outcome("", size - 1), Errc::source_changed);
  EXPECT_EQ(outcome(date(1), std::nullopt), Errc::source_changed);
}

TEST(HttpIdentity, ThatIsExpectedHoldsForAReadFromTheMiddle) {
  HttpOptions options = quick();
  options.expected_validator = "\"one\"";
  options.expected_size = size;
  const HttpPeer same(marked(content(), "\"one\""));
  EXPECT_EQ(open(same, options).read(100'000, 10), part(content(), 100'000, 10));
  EXPECT_EQ(gets_of(same).front().header("If-Range"), "\"one\"");
  const HttpPeer other(marked(other_content(), "\"two\""));
  const StreamBuffer buffer = open(other, options);
  EXPECT_EQ(code_of([&] { buffer.read(100'000, 10); }), Errc::source_changed);
}

TEST(HttpIdentity, IsWhatAnEarlierStreamSaidItWas) {
  for (const Honest& honest :
       {marked(content(), "\"one\""), marked(content(), "", date(0), date(1000))}) {
    const HttpPeer peer(honest);
    const auto source = from_url(peer.url(), quick());
    read_once(*source, 10);
    HttpOptions options = quick();
    options.expected_validator = source->info().validator;
    EXPECT_FALSE(options.expected_validator.empty());
    EXPECT_EQ(outcome_of(open(peer, options), content()).code, none);
  }
}

}  // namespace
}  // namespace seekable::test
