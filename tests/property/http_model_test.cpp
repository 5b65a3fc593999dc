// SPDX-License-Identifier: Apache-2.0
// Buffers of streams from a server that breaks off, tears down, stalls and refuses at random, under
// random operations from several threads, against a plain array of bytes.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "support/http_streams.hpp"
#include "support/model.hpp"
#include "support/sources.hpp"
#include "support/watchdog.hpp"

namespace seekable::test {
namespace {

using std::chrono::milliseconds;

/// A server of one stream, and its moods.
struct Server {
  Honest honest{Bytes()};
  std::optional<std::uint64_t> fail_at;  ///< it never gives that byte; else it is moody
  /// It has another version, of as many bytes, from the so manieth request on of who is sure to
  /// have seen the first one.
  std::optional<std::size_t> changes_at;
  std::size_t sure = 0;
  Honest other{Bytes()};
  std::mutex mutex;
  RandomChoices luck{0};

  bool has_changed(const HttpRequest& request) {
    if (!changes_at) return false;
    const std::lock_guard lock(mutex);
    if (request.header("If-Range") == honest.etag) ++sure;
    return sure >= *changes_at;
  }

  HttpAnswer answer(const HttpRequest& request) {
    HttpAnswer answer = has_changed(request) ? other(request) : honest(request);
    if (request.is_head() || answer.part.end == 0) return answer;
    if (fail_at) {
      const std::uint64_t begin = answer.part.begin;
      if (*fail_at >= answer.part.end) return answer;
      return answer.breaks_after(*fail_at > begin ? *fail_at - begin : 0);
    }
    const std::lock_guard lock(mutex);
    const std::uint64_t after = luck.below(answer.part.end + 1);
    answer.piece = 1 + static_cast<std::size_t>(luck.below(64 * 1024));
    switch (luck.below(8)) {
      case 0: return answer.breaks_after(after);
      case 1: return answer.breaks_after(after, HttpAnswer::Then::reset);
      case 2: return answer.breaks_after(after, HttpAnswer::Then::hang);
      case 3: return HttpAnswer::of("503 Service Unavailable");
      default: return answer;
    }
  }
};

/// The stream has all its bytes, or fails anywhere; but it never has a byte of the other version.
void make_it_change(Choices& choices, Setup& setup, Server& server) {
  Bytes others = setup.content;
  for (std::byte& byte : others) byte = ~byte;
  server.other = server.honest;
  server.other.content = std::make_shared<Bytes>(std::move(others));
  server.other.etag = "\"two\"";
  server.changes_at = 1 + choices.below(5);
  setup.may_change = true;
}

Setup make_http_setup(Choices& choices, Server& server) {
  Setup setup = make_setup(choices, false);
  const std::uint64_t size = setup.content.size();
  Honest& honest = server.honest;
  honest.content = std::make_shared<Bytes>(setup.content);
  honest.ranges = choices.chance(75);
  honest.length = choices.chance(75);
  honest.head = choices.chance(75);
  honest.etag = choices.one_of<std::string>({"\"one\"", "W/\"one\"", ""});
  setup.restartable = true;
  setup.chunks.clear();
  setup.declared = honest.length ? std::optional(size) : std::nullopt;
  setup.found = honest.ranges ? std::optional(size) : setup.declared;
  if (setup.fail_at && *setup.fail_at >= size) setup.fail_at.reset();
  setup.fail_code = make_error_code(Errc::truncated).default_error_condition();
  server.fail_at = setup.fail_at;
  // Only a strong ETag, or a date that is old enough, tells one version from another.
  const bool is_told = honest.etag.starts_with('"');
  if (is_told && !setup.fail_at && choices.chance(25)) make_it_change(choices, setup, server);
  return setup;
}

HttpOptions make_http_options(Choices& choices, const Setup& setup) {
  HttpOptions options;
  options.retry_delay = milliseconds(1);
  options.max_retry_delay = milliseconds(2);
  options.connections = 1 + static_cast<unsigned>(choices.below(4));
  if (setup.fail_at) {
    options.retries = 1;
  } else {
    options.retries = 1000;
    options.connect_timeout = milliseconds(100);
    options.first_byte_timeout = milliseconds(20);
    options.stall_timeout = milliseconds(5);
  }
  return options;
}

void play_from(std::uint64_t seed, Watchdog& watchdog) {
  RandomChoices choices(seed);
  Server server;
  Setup setup = make_http_setup(choices, server);
  watchdog.next("SEEKABLE_SEED=" + std::to_string(seed) + ": " + setup.describe());
  server.luck = RandomChoices(choices.below(~std::uint64_t{0}));
  const HttpOptions options = make_http_options(choices, setup);
  const HttpPeer peer([&](const HttpRequest& request) { return server.answer(request); });
  Arena arena(std::move(setup), from_url(peer.url(), options));
  play_round(arena, choices, seed);
}

TEST(HttpModel, GivesTheBytesOfAPlainArrayOrAnErrorThatFits) {
  const std::uint64_t rounds = model_rounds(400);
  RandomChoices seeds(test_seed());
  Watchdog watchdog("the model test over HTTP");
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const std::uint64_t seed = round == 0 ? test_seed() : seeds.below(~std::uint64_t{0});
    try {
      play_from(seed, watchdog);
    } catch (const std::exception& error) {
      FAIL() << error.what()
             << "; this round alone: SEEKABLE_MODEL_ROUNDS=1 SEEKABLE_SEED=" << seed;
    }
  }
}

}  // namespace
}  // namespace seekable::test
