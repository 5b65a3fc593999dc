// SPDX-License-Identifier: Apache-2.0
// Where a server sends on to, and what is told to whom.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "support/http_streams.hpp"

namespace seekable::test {
namespace {

constexpr std::size_t size = 100'000;
const std::error_code none;
const std::string secret_header = "X-Token: open-sesame";
const std::string base64_of_user = "Basic YWxpOmJhYmE=";  // ali:baba

Bytes content() { return random_bytes(size, 11); }

/// Redirects from these paths, and serves whatever else is asked for.
HttpPeer::Answerer with_redirects(const std::map<std::string, std::string>& redirects,
                                  const std::string& status = "302 Found") {
  return [=, honest = Honest(content())](const HttpRequest& request) {
    const auto to = redirects.find(request.target);
    return to == redirects.end() ? honest(request) : HttpAnswer::redirect(to->second, status);
  };
}

StreamBuffer open_at(const HttpPeer& peer, const std::string& path, HttpOptions http = quick()) {
  return StreamBuffer(from_url(peer.url(path), std::move(http)));
}

TEST(HttpRedirect, IsFollowedHoweverItIsWritten) {
  HttpPeer peer(Honest{content()});
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"/b", "/b"},
      {"b", "/a/b"},
      {"../b", "/b"},
      {"?x=1", "/a/start?x=1"},
      {peer.url("/whole"), "/whole"},
      {"//127.0.0.1:" + std::to_string(peer.port()) + "/c", "/c"},
      {"/d#part", "/d"}};
  for (const auto& [location, target] : cases) {
    peer.answer_with(with_redirects({{"/a/start", location}}));
    EXPECT_EQ(outcome_of(open_at(peer, "/a/start"), content()).code, none) << location;
    EXPECT_EQ(peer.log().back().target, target);
  }
}

TEST(HttpRedirect, IsFollowedWhateverItsStatus) {
  for (const char* status : {"301 Moved Permanently", "302 Found", "303 See Other",
                             "307 Temporary Redirect", "308 Permanent Redirect"}) {
    const HttpPeer peer(with_redirects({{"/a", "/b"}}, status));
    EXPECT_EQ(outcome_of(open_at(peer, "/a"), content()).code, none) << status;
  }
}

TEST(HttpRedirect, IsNotFollowedForEver) {
  const HttpPeer peer(with_redirects({{"/a", "/b"}, {"/b", "/a"}}));
  HttpOptions options = quick();
  options.max_redirects = 4;
  const Outcome outcome = outcome_of(open_at(peer, "/a", options), content());
  EXPECT_TRUE(outcome.code);
  EXPECT_EQ(gets_of(peer).size(), 5U);
}

TEST(HttpRedirect, IsFollowedAsOftenAsIsAllowed) {
  const HttpPeer peer(with_redirects({{"/a", "/b"}, {"/b", "/c"}, {"/c", "/d"}}));
  HttpOptions options = quick();
  options.max_redirects = 3;
  EXPECT_EQ(outcome_of(open_at(peer, "/a", options), content()).code, none);
  options.max_redirects = 2;
  EXPECT_TRUE(outcome_of(open_at(peer, "/a", options), content()).code);
  options.max_redirects = 0;
  EXPECT_TRUE(outcome_of(open_at(peer, "/c", options), content()).code);
  EXPECT_EQ(outcome_of(open_at(peer, "/d", options), content()).code, none);
}

TEST(HttpRedirect, ToWhatIsNoUrlOfTheWebIsAnError) {
  for (const char* location : {"file:///etc/passwd", "ftp://127.0.0.1/x", "http://", "", "a:b:c"}) {
    const HttpPeer peer(always_by(Honest(content()), gives(HttpAnswer::redirect(location))));
    EXPECT_TRUE(outcome_of(open(peer), content()).code) << location;
    EXPECT_LE(gets_of(peer).size(), 11U);
  }
}

TEST(HttpRedirect, IsFollowedForTheSizeToo) {
  const HttpPeer peer(with_redirects({{"/a", "/b"}}));
  EXPECT_EQ(from_url(peer.url("/a"), quick())->find_size(), size);
}

// What is signed for a while is no good later: then the URL itself is asked again.
TEST(HttpRedirect, IsAskedForAgainWhereItsTargetIsGone) {
  const Honest honest(content());
  const HttpPeer peer([=](const HttpRequest& request) {
    if (request.target == "/a") {
      return HttpAnswer::redirect(request.number == 0 ? "/early" : "/late");
    }
    if (request.target == "/late") return honest(request);
    return request.number == 1 ? honest(request).breaks_after(10'000)
                               : HttpAnswer::of("403 Forbidden");
  });
  EXPECT_EQ(outcome_of(open_at(peer, "/a"), content()).code, none);
}

HttpOptions with_secrets() {
  HttpOptions options = quick();
  options.headers = {secret_header};
  options.user = "ali";
  options.password = "baba";
  return options;
}

/// Wants a name and a password.
HttpPeer::Answerer guarded(HttpPeer::Answerer inside) {
  return [=, inside = std::move(inside)](const HttpRequest& request) {
    if (request.header("Authorization") == base64_of_user) return inside(request);
    return HttpAnswer::of("401 Unauthorized", "who are you?")
        .set("WWW-Authenticate", "Basic realm=\"cave\"");
  };
}

TEST(HttpSecrets, AreSentToTheOriginOfTheUrl) {
  const HttpPeer peer(guarded(with_redirects({{"/a", "/b"}})));
  EXPECT_EQ(outcome_of(open_at(peer, "/a", with_secrets()), content()).code, none);
  const auto log = peer.log();
  ASSERT_GE(log.size(), 2U);
  for (const HttpRequest& request : log) EXPECT_EQ(request.header("X-Token"), "open-sesame");
  EXPECT_EQ(log.back().target, "/b");
  EXPECT_EQ(log.back().header("Authorization"), base64_of_user);
}

TEST(HttpSecrets, MayStandInTheUrl) {
  const HttpPeer peer(guarded(Honest{content()}));
  const std::string host = "127.0.0.1:" + std::to_string(peer.port());
  const StreamBuffer buffer(from_url("http://ali:b%61ba@" + host + "/data", quick()));
  EXPECT_EQ(outcome_of(buffer, content()).code, none);
}

TEST(HttpSecrets, AreNotSentToAnotherOrigin) {
  const HttpPeer other(first_by(Honest(content()), {breaks_off(10'000)}));
  const HttpPeer peer(guarded(with_redirects({{"/a", other.url("/b")}})));
  const std::string host = "127.0.0.1:" + std::to_string(peer.port());
  HttpOptions in_url = quick();
  in_url.headers = {secret_header};
  for (int round = 0; round < 2; ++round) {
    const StreamBuffer buffer(round == 0 ? from_url(peer.url("/a"), with_secrets())
                                         : from_url("http://ali:baba@" + host + "/a", in_url));
    EXPECT_EQ(outcome_of(buffer, content()).code, none);
  }
  for (const HttpRequest& request : other.log()) {
    EXPECT_EQ(request.header("X-Token"), std::nullopt);
    EXPECT_EQ(request.header("Authorization"), std::nullopt);
    EXPECT_EQ(request.header("Cookie"), std::nullopt);
    EXPECT_EQ(request.header("Referer"), std::nullopt);
  }
}

TEST(HttpSecrets, AreSentAgainToTheOriginWhereARedirectLeadsBackToIt) {
  HttpPeer other(Honest{content()});
  HttpPeer peer(guarded(with_redirects({{"/a", other.url("/away")}})));
  other.answer_with(
      [home = peer.url("/home")](const HttpRequest&) { return HttpAnswer::redirect(home); });
  EXPECT_EQ(outcome_of(open_at(peer, "/a", with_secrets()), content()).code, none);
  EXPECT_EQ(peer.log().back().header("X-Token"), "open-sesame");
}

TEST(HttpSecrets, AreNotInWhatIsSaidOfAFailure) {
  const HttpPeer peer(always_by(Honest(content()), says("403 Forbidden")));
  const std::string host = "127.0.0.1:" + std::to_string(peer.port());
  HttpOptions options = quick();
  options.headers = {secret_header};
  const auto source = from_url("http://ali:baba@" + host + "/data", options);
  const std::string text = text_of([&] { read_once(*source, 1); });
  EXPECT_NE(text.find(peer.url()), std::string::npos) << text;
  for (const std::string& told : {text, source->info().name}) {
    EXPECT_EQ(told.find("ali"), std::string::npos) << told;
    EXPECT_EQ(told.find("baba"), std::string::npos) << told;
    EXPECT_EQ(told.find("sesame"), std::string::npos) << told;
  }
}

// The name had the query, and `decoded` told it with each failure.
TEST(HttpSecrets, OfAQueryAreNotInTheName) {
  const auto source = from_url("http://127.0.0.1/data?key=sesame");
  EXPECT_EQ(source->info().name, "http://127.0.0.1/data?...");
}

TEST(HttpSecrets, AreNotInWhatIsSaidOfAUrlThatIsNone) {
  try {
    from_url("http://ali:baba@[nonsense/data");
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_EQ(std::string(error.what()).find("baba"), std::string::npos) << error.what();
  }
}

TEST(HttpSecrets, OfAProxyAreInNoMessage) {
  for (const char* proxy : {"foo://me:swordfish@127.0.0.1:1", "http://me:swordfish@127.0.0.1:99999",
                            "http://me:swordfish@", "me:swordfish@:",
                            "http://swordfish:%01@127.0.0.1:1", "http://%00@127.0.0.1:1"}) {
    HttpOptions options = without_retries();
    options.proxy = proxy;
    try {
      from_url("http://127.0.0.1/", options);
      ADD_FAILURE() << proxy << " is taken";
    } catch (const std::invalid_argument& error) {
      EXPECT_EQ(std::string(error.what()).find("swordfish"), std::string::npos) << error.what();
    }
  }
}

/// An environment variable, until the scope ends.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() {
    if (before_) {
      ::setenv(name_, before_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

// It stood in what libcurl says of a proxy that it does not understand.
TEST(HttpSecrets, OfAProxyInTheEnvironmentAreInNoMessage) {
  const Environment all("no_proxy", "");
  for (const std::string& proxy : {std::string("foo://me:swordfish@127.0.0.1:1"),
                                   std::string("http://me:swordfish@127.0.0.1:99999"),
                                   std::string("http://me:swordfish@127.0.0.1:1"),
                                   "foo://me:swordfish" + std::string(300, 'h') + "@127.0.0.1:1"}) {
    const Environment set("http_proxy", proxy);
    const StreamBuffer buffer(from_url("http://127.0.0.1:9/", without_retries()));
    const std::string text = text_of([&] { buffer.read(0, 1); });
    EXPECT_FALSE(text.empty());
    EXPECT_EQ(text.find("swordfish"), std::string::npos) << text;
  }
}

TEST(HttpSecrets, AreNotSentToAProxy) {
  const Environment all("no_proxy", "");
  const HttpPeer proxy([](const HttpRequest&) { return HttpAnswer::of("403 Forbidden"); });
  HttpOptions options = with_secrets();
  options.retries = 0;
  options.proxy = "http://127.0.0.1:" + std::to_string(proxy.port());
  const StreamBuffer buffer(from_url("https://host.invalid/", options));
  EXPECT_TRUE(code_of([&] { buffer.read(0, 1); }));
  ASSERT_GE(proxy.requests(), 1U);
  for (const HttpRequest& request : proxy.log()) {
    EXPECT_EQ(request.method, "CONNECT");
    EXPECT_EQ(request.header("X-Token"), std::nullopt);
    EXPECT_EQ(request.header("Authorization"), std::nullopt);
  }
}

TEST(HttpSecrets, OfNetrcGoToTheHostThatTheyAreFor) {
  const auto home = std::filesystem::path(::testing::TempDir()) / "seekable-netrc";
  std::filesystem::create_directory(home);
  std::ofstream(home / ".netrc") << "machine 127.0.0.1 login ali password baba\n";
  const Environment set("HOME", home);
  const HttpPeer other(Honest{content()});
  const std::string elsewhere = "http://localhost:" + std::to_string(other.port()) + "/data";
  const HttpPeer peer(guarded(with_redirects({{"/a", elsewhere}})));
  HttpOptions options = quick();
  options.netrc = true;
  EXPECT_EQ(outcome_of(open_at(peer, "/b", options), content()).code, none);
  EXPECT_EQ(peer.log().back().header("Authorization"), base64_of_user);
  EXPECT_EQ(outcome_of(open_at(peer, "/a", options), content()).code, none);
  ASSERT_GE(other.requests(), 1U);
  for (const HttpRequest& request : other.log()) {
    EXPECT_EQ(request.header("Authorization"), std::nullopt);
  }
  std::filesystem::remove_all(home);
}

TEST(HttpSecrets, MayBeAskedForByDigest) {
  const Honest honest(content());
  const HttpPeer peer([=](const HttpRequest& request) {
    const std::string given = request.header("Authorization").value_or("");
    if (given.starts_with("Digest ") && given.find("username=\"ali\"") != std::string::npos) {
      return honest(request);
    }
    return HttpAnswer::of("401 Unauthorized")
        .set("WWW-Authenticate", "Digest realm=\"cave\", nonce=\"1\", qop=\"auth\"");
  });
  HttpOptions options = quick();
  options.user = "ali";
  options.password = "baba";
  EXPECT_EQ(outcome_of(open(peer, options), content()).code, none);
  for (const HttpRequest& request : peer.log()) {
    EXPECT_EQ(request.header("Authorization").value_or("").find("baba"), std::string::npos);
  }
}

TEST(HttpSecrets, ThatAreWrongAreDenied) {
  HttpOptions options = quick();
  options.user = "ali";
  options.password = "wrong";
  const HttpPeer peer(guarded(Honest{content()}));
  EXPECT_EQ(outcome_of(open(peer, options), content()).code, std::errc::permission_denied);
  EXPECT_EQ(outcome_of(open(peer), content()).code, std::errc::permission_denied);
}

}  // namespace
}  // namespace seekable::test
