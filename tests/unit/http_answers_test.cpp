// SPDX-License-Identifier: Apache-2.0
// Answers that refuse, and answers that lie about their place: exact bytes or an error.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/http_streams.hpp"

namespace seekable::test {
namespace {

constexpr std::size_t size = 200'000;
const std::error_code none;

Bytes content() { return random_bytes(size, 8); }

/// What comes of a stream whose first answer breaks off, and whose every later one is by `script`.
Outcome after_a_break(const HttpScript& script, Honest honest = Honest(content())) {
  auto next = std::make_shared<std::atomic<int>>(0);
  HttpOptions options = quick();
  options.retries = 2;
  return outcome_of(always_by(honest,
                              [=](const HttpRequest& request, const Honest& truth) {
                                if (next->fetch_add(1) == 0) {
                                  return truth(request).breaks_after(10'000);
                                }
                                return script(request, truth);
                              }),
                    content(), options);
}

TEST(HttpAnswers, AreErrorsWhereThereIsNoSuchFile) {
  for (const char* status : {"404 Not Found", "410 Gone"}) {
    const HttpPeer peer(always_by(Honest(content()), says(status)));
    const Outcome outcome = outcome_of(open(peer), content());
    EXPECT_EQ(outcome.code, std::errc::no_such_file_or_directory) << status;
    EXPECT_EQ(outcome.offset, 0U);
    EXPECT_NE(outcome.text.find(status), std::string::npos) << outcome.text;
    EXPECT_NE(outcome.text.find(peer.url()), std::string::npos) << outcome.text;
    EXPECT_EQ(gets_of(peer).size(), 1U) << "another try would not mend it";
  }
}

TEST(HttpAnswers, AreErrorsWhereItIsNotAllowed) {
  for (const char* status :
       {"401 Unauthorized", "403 Forbidden", "407 Proxy Authentication Required"}) {
    const HttpPeer peer(always_by(Honest(content()), says(status)));
    EXPECT_EQ(outcome_of(open(peer), content()).code, std::errc::permission_denied) << status;
    EXPECT_EQ(gets_of(peer).size(), 1U);
  }
}

TEST(HttpAnswers, AreErrorsWhereTheServerFailsAgainAndAgain) {
  for (const char* status :
       {"500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable",
        "504 Gateway Timeout", "429 Too Many Requests"}) {
    const HttpPeer peer(always_by(Honest(content()), says(status)));
    const Outcome outcome = outcome_of(open(peer), content());
    EXPECT_EQ(outcome.code, Errc::source_failed) << status;
    EXPECT_NE(outcome.text.find(status), std::string::npos) << outcome.text;
    EXPECT_EQ(gets_of(peer).size(), 1 + quick().retries);
  }
}

TEST(HttpAnswers, AreAskedForAgainWhereTheServerFailsForAWhile) {
  const HttpScript fails = says("503 Service Unavailable");
  const HttpPeer peer(first_by(Honest(content()), {fails, fails, says("429 Too Many Requests")}));
  EXPECT_EQ(outcome_of(open(peer), content()).code, none);
  EXPECT_EQ(gets_of(peer).size(), 4U);
}

TEST(HttpAnswers, OfAServerThatRefusesEveryRangeAreTakenWhole) {
  const auto refuses = [](const HttpRequest& request, const Honest& honest) {
    return request.header("Range") ? HttpAnswer::of("406 Not Acceptable") : honest(request);
  };
  const HttpPeer peer(always_by(Honest(content()), refuses));
  EXPECT_EQ(outcome_of(open(peer), content()).code, none);
  const StreamBuffer jumps = open(peer);
  EXPECT_EQ(jumps.read(150'000, 100), part(content(), 150'000, 100));
  EXPECT_EQ(outcome_of(jumps, content()).code, none);
}

TEST(HttpAnswers, OfAServerThatRefusesEverythingAreAnError) {
  const HttpPeer peer(always_by(Honest(content()), says("406 Not Acceptable")));
  EXPECT_EQ(outcome_of(open(peer), content()).code, Errc::source_failed);
  EXPECT_LE(gets_of(peer).size(), 2U);
}

TEST(HttpAnswers, ThatAConditionFailedMeanAChange) {
  const Outcome outcome = after_a_break(says("412 Precondition Failed"));
  EXPECT_EQ(outcome.code, Errc::source_changed);
  EXPECT_EQ(outcome.offset, 10'000U);
}

TEST(HttpAnswers, ThatTheRestIsGoneAreNoEnd) {
  for (const char* total : {"bytes */200000", "bytes */10000", "bytes */5000", "bytes */*", ""}) {
    std::vector<HttpHeader> headers;
    if (*total != '\0') headers.push_back({"Content-Range", total});
    const Outcome outcome = after_a_break(says("416 Range Not Satisfiable", headers));
    EXPECT_TRUE(outcome.code == Errc::source_changed || outcome.code == Errc::source_failed ||
                outcome.code == Errc::truncated)
        << total << ": " << outcome.text;
    EXPECT_EQ(outcome.offset, 10'000U);
  }
}

TEST(HttpAnswers, ThatBeginElsewhereAreRefused) {
  const auto from = [](std::uint64_t begin) {
    return [=](const HttpRequest& request, const Honest& honest) {
      HttpRequest moved = request;
      std::erase_if(moved.headers, [](const auto& header) { return header.name == "Range"; });
      moved.headers.push_back({"Range", "bytes=" + std::to_string(begin) + "-"});
      return honest(moved);
    };
  };
  for (const std::uint64_t begin : {0U, 9'999U, 10'001U, 150'000U}) {
    const Outcome outcome = after_a_break(from(begin));
    EXPECT_TRUE(outcome.code) << begin;
    EXPECT_EQ(outcome.offset, 10'000U) << begin;
  }
}

TEST(HttpAnswers, WithAnotherTotalMeanAChange) {
  const Outcome outcome = after_a_break(with_header("Content-Range", "bytes 10000-199999/200001"));
  EXPECT_EQ(outcome.code, Errc::source_changed);
  EXPECT_EQ(outcome.offset, 10'000U);
}

TEST(HttpAnswers, WithAnUnknownTotalGoOn) {
  EXPECT_EQ(after_a_break(with_header("Content-Range", "bytes 10000-199999/*")).code, none);
}

TEST(HttpAnswers, WithoutAPlaceAreRefused) {
  const auto placeless = [](const HttpRequest& request, const Honest& honest) {
    return honest(request).remove("Content-Range");
  };
  EXPECT_TRUE(after_a_break(placeless).code);
  for (const char* place : {"", "bytes", "garbage", "bytes 10000-/200000", "bytes */200000",
                            "items 10000-199999/200000", "bytes 199999-10000/200000",
                            "bytes 10000-199999/199999", "bytes 10000-18446744073709551616/*"}) {
    const Outcome outcome = after_a_break(with_header("Content-Range", place));
    EXPECT_TRUE(outcome.code) << place;
    EXPECT_EQ(outcome.offset, 10'000U) << place;
  }
}

TEST(HttpAnswers, InSeveralPartsAreRefused) {
  const auto parts = [](const HttpRequest&, const Honest& honest) {
    HttpAnswer answer = HttpAnswer::of(
        "206 Partial Content",
        "--x\r\nContent-Range: bytes 10000-199999/200000\r\n\r\nwrong bytes\r\n--x--\r\n");
    answer.set("ETag", honest.etag);
    return answer.set("Content-Type", "multipart/byteranges; boundary=x");
  };
  const Outcome outcome = after_a_break(parts);
  EXPECT_TRUE(outcome.code);
  EXPECT_EQ(outcome.offset, 10'000U);
}

TEST(HttpAnswers, WhoseLengthDoesNotFitTheirPlaceAreRefused) {
  for (const char* length : {"100", "190001"}) {
    const Outcome outcome = after_a_break([=](const HttpRequest& request, const Honest& honest) {
      HttpAnswer answer = honest(request);
      answer.then = HttpAnswer::Then::close;
      return answer.set("Content-Length", length);
    });
    EXPECT_TRUE(outcome.code) << length;
  }
}

TEST(HttpAnswers, ThatGiveLessThanAskedForAreGoneOnWith) {
  const auto miserly = [](const HttpRequest& request, const Honest& honest) {
    HttpRequest less = request;
    const auto begin = request.range().value_or(HttpRange{}).first;
    std::erase_if(less.headers, [](const auto& header) { return header.name == "Range"; });
    less.headers.push_back(
        {"Range", "bytes=" + std::to_string(begin) + "-" + std::to_string(begin + 29'999)});
    return honest(less);
  };
  EXPECT_EQ(after_a_break(miserly).code, none);
}

TEST(HttpAnswers, OfTheWholeAreReadUpToThePlace) {
  const auto whole = [](const HttpRequest&, const Honest& honest) {
    return honest(HttpRequest{.method = "GET", .target = {}, .version = {}, .headers = {}});
  };
  EXPECT_EQ(after_a_break(whole).code, none);
}

TEST(HttpAnswers, ThatAreNoHttpAreErrors) {
  for (const char* raw : {"", "\r\n\r\n", "what?\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 99 No\r\n\r\n",
                          "HTTP/1.1 20O OK\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n"}) {
    HttpOptions options = quick();
    options.retries = 1;
    const Outcome outcome =
        outcome_of(always_by(Honest(content()), gives(HttpAnswer::bytes(raw))), content(), options);
    EXPECT_TRUE(outcome.code) << raw;
  }
}

TEST(HttpAnswers, OfNothingAreNotTheStream) {
  EXPECT_TRUE(after_a_break(says("204 No Content")).code);
}

TEST(HttpAnswers, MayHaveOthersBeforeThem) {
  const std::string interim = "HTTP/1.1 103 Early Hints\r\nETag: \"other\"\r\n\r\n";
  const auto hinted = [=](const HttpRequest& request, const Honest& honest) {
    const HttpAnswer answer = honest(request);
    return HttpAnswer::bytes(interim + answer.head() + to_string(part(content(), 0, size)));
  };
  EXPECT_EQ(outcome_of(first_by(Honest(content()), {hinted}), content()).code, none);
}

}  // namespace
}  // namespace seekable::test
