// SPDX-License-Identifier: Apache-2.0
#include "support/http_streams.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <utility>

namespace seekable::test {

HttpPeer::Answerer first_by(const Honest& honest, std::vector<HttpScript> scripts) {
  auto next = std::make_shared<std::atomic<std::size_t>>(0);
  return [=, scripts = std::move(scripts)](const HttpRequest& request) {
    if (request.is_head()) return honest(request);
    const std::size_t number = next->fetch_add(1);
    return number < scripts.size() ? scripts[number](request, honest) : honest(request);
  };
}

HttpPeer::Answerer always_by(const Honest& honest, HttpScript script) {
  return [=, script = std::move(script)](const HttpRequest& request) {
    return request.is_head() ? honest(request) : script(request, honest);
  };
}

HttpScript honestly() {
  return [](const HttpRequest& request, const Honest& honest) { return honest(request); };
}

HttpScript breaks_off(std::uint64_t after, HttpAnswer::Then how) {
  return [=](const HttpRequest& request, const Honest& honest) {
    return honest(request).breaks_after(after, how);
  };
}

HttpScript says(std::string status, std::vector<HttpHeader> headers) {
  HttpAnswer answer = HttpAnswer::of(std::move(status), "so it is");
  for (HttpHeader& header : headers) answer.set(header.name, std::move(header.value));
  return gives(answer);
}

HttpScript gives(HttpAnswer answer) {
  return [answer = std::move(answer)](const HttpRequest&, const Honest&) { return answer; };
}

HttpScript with_header(std::string name, std::string value) {
  return [=](const HttpRequest& request, const Honest& honest) {
    return honest(request).set(name, value);
  };
}

HttpOptions quick() {
  HttpOptions options;
  options.retry_delay = std::chrono::milliseconds(1);
  return options;
}

HttpOptions without_retries() {
  HttpOptions options = quick();
  options.retries = 0;
  return options;
}

StreamBuffer open(const HttpPeer& peer, HttpOptions http, Options options) {
  return StreamBuffer(from_url(peer.url(), std::move(http)), std::move(options));
}

Outcome outcome_of(const StreamBuffer& buffer, const Bytes& content) {
  Outcome outcome;
  Bytes all;
  try {
    all = buffer.read(0, content.size() + 1);
    EXPECT_EQ(buffer.read(all.size(), 1), Bytes());
    EXPECT_TRUE(all == content) << "wrong bytes, or an early end at " << all.size();
    EXPECT_TRUE(buffer.exhausted());
    return outcome;
  } catch (const Error& error) {
    outcome = {error.code(), error.offset(), error.what()};
  }
  EXPECT_TRUE(all == part(content, 0, all.size())) << "wrong bytes before the failure";
  EXPECT_EQ(buffer.available(0), outcome.offset) << outcome.text;
  if (outcome.offset > 0) {
    EXPECT_TRUE(buffer.read(0, outcome.offset) == part(content, 0, outcome.offset));
  }
  return outcome;
}

Outcome outcome_of(HttpPeer::Answerer answerer, const Bytes& content, HttpOptions http) {
  const HttpPeer peer(std::move(answerer));
  return outcome_of(open(peer, std::move(http)), content);
}

std::vector<HttpRequest> gets_of(const HttpPeer& peer) {
  auto requests = peer.log();
  std::erase_if(requests, [](const HttpRequest& request) { return request.is_head(); });
  return requests;
}

const Bytes& far_content() {
  static const Bytes content = random_bytes(std::size_t{32} << 20U, 1);
  return content;
}

}  // namespace seekable::test
