// SPDX-License-Identifier: Apache-2.0
// when_available: called exactly once, from wherever it is decided.
#include "seekable/subscription.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "support/buffers.hpp"

namespace seekable::test {
namespace {

/// What a callback was told; it can be waited for.
class Told {
 public:
  std::function<void(std::error_code)> callback() {
    return [this](std::error_code code) {
      code_ = code;
      thread_ = std::this_thread::get_id();
      ++calls_;
      static const std::atomic<bool> never{false};
      gate_->open();
      gate_->enter(never);
    };
  }
  void wait() { gate_->wait_entered(); }
  int calls() const { return calls_.load(); }
  std::error_code code() const { return code_; }
  std::thread::id thread() const { return thread_; }

 private:
  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  std::atomic<int> calls_{0};
  std::error_code code_;
  std::thread::id thread_;
};

TEST(WhenAvailable, CallsInsideTheCallWhereItIsDecided) {
  Scripted stream({.content = letters(), .fail_at = 20});
  stream.buffer.read(0, 26);
  Told kept;
  const auto first = stream.buffer.when_available({3, 9}, kept.callback());
  EXPECT_EQ(kept.calls(), 1);
  EXPECT_EQ(kept.code(), std::error_code());
  EXPECT_EQ(kept.thread(), std::this_thread::get_id());
  code_of([&] { stream.buffer.read(20, 1); });
  Told failed;
  const auto second = stream.buffer.when_available({3, 21}, failed.callback());
  EXPECT_EQ(failed.calls(), 1);
  EXPECT_EQ(failed.code(), std::errc::io_error);
  Told below;
  const auto third = stream.buffer.when_available({3, 20}, below.callback());
  EXPECT_EQ(below.code(), std::error_code());
  stream.buffer.release_before(10);
  Told released;
  const auto fourth = stream.buffer.when_available({9, 12}, released.callback());
  EXPECT_EQ(released.code(), Errc::released);
  Told nothing;
  const auto fifth = stream.buffer.when_available({5, 5}, nothing.callback());
  EXPECT_EQ(nothing.code(), std::error_code());
}

TEST(WhenAvailable, CallsOnceWhenTheBytesCome) {
  auto [writer, buffer] = make_pipe();
  Told told;
  const auto subscription = buffer.when_available({2, 10}, told.callback());
  const auto text = letters();
  writer.write(std::span(text).first(9));
  EXPECT_EQ(told.calls(), 0);
  writer.write(std::span(text).subspan(9, 1));
  EXPECT_EQ(told.calls(), 1);
  EXPECT_EQ(told.thread(), std::this_thread::get_id());
  writer.write(std::span(text).subspan(10));
  writer.end();
  buffer.cancel();
  EXPECT_EQ(told.calls(), 1);
}

TEST(WhenAvailable, TakesTheEndInsideTheRangeForSuccess) {
  auto [writer, buffer] = make_pipe();
  Told inside;
  Told past;
  const auto first = buffer.when_available({2, 100}, inside.callback());
  const auto second = buffer.when_available({50, 100}, past.callback());
  writer.write(letters());
  writer.end();
  EXPECT_EQ(inside.calls(), 1);
  EXPECT_EQ(inside.code(), std::error_code());
  EXPECT_EQ(past.calls(), 1);
  EXPECT_EQ(past.code(), std::error_code());
}

TEST(WhenAvailable, TellsTheFailure) {
  auto [writer, buffer] = make_pipe();
  Told told;
  const auto subscription = buffer.when_available({0, 10}, told.callback());
  writer.fail(make_error_code(std::errc::connection_reset));
  EXPECT_EQ(told.calls(), 1);
  EXPECT_EQ(told.code(), std::errc::connection_reset);
}

TEST(WhenAvailable, TellsThatItsFirstByteWasReleased) {
  auto [writer, buffer] = make_pipe();
  Told told;
  const auto subscription = buffer.when_available({5, 10}, told.callback());
  buffer.release_before(5);
  EXPECT_EQ(told.calls(), 0);
  buffer.release_before(6);
  EXPECT_EQ(told.calls(), 1);
  EXPECT_EQ(told.code(), Errc::released);
}

TEST(WhenAvailable, TellsThatTheBufferWasCancelledOrIsGone) {
  Told cancelled;
  Told gone;
  Subscription outlives;
  {
    auto [writer, buffer] = make_pipe();
    const auto subscription = buffer.when_available({0, 10}, cancelled.callback());
    buffer.cancel();
    EXPECT_EQ(cancelled.calls(), 1);
    EXPECT_EQ(cancelled.code(), Errc::cancelled);
  }
  {
    auto [writer, buffer] = make_pipe();
    const Reader reader = buffer.reader();
    outlives = buffer.when_available({0, 10}, gone.callback());
    const StreamBuffer last = std::move(buffer);
    EXPECT_EQ(gone.calls(), 0);
  }
  EXPECT_EQ(gone.calls(), 1);
  EXPECT_EQ(gone.code(), Errc::cancelled);
}

TEST(WhenAvailable, TellsDiskFullWhereNoStoreHasRoom) {
  Scripted stream({.content = random_bytes(4 * block, 1)}, options_in_memory(block));
  Told told;
  const auto subscription = stream.buffer.when_available({0, 4 * block}, told.callback());
  told.wait();
  EXPECT_EQ(told.code(), Errc::disk_full);
}

TEST(WhenAvailable, HasAThreadPullWhatIsMissing) {
  for (const bool restartable : {false, true}) {
    const auto content = random_bytes(5 * block, 2);
    Script script{.content = content, .chunks = {5000}};
    std::optional<StreamBuffer> buffer;
    if (restartable) {
      buffer.emplace(std::make_unique<ScriptedRestartable>(script));
    } else {
      buffer.emplace(std::make_unique<ScriptedSource>(script));
    }
    Told told;
    const auto subscription = buffer->when_available({block - 5, 3 * block + 5}, told.callback());
    told.wait();
    EXPECT_EQ(told.code(), std::error_code());
    EXPECT_GE(buffer->available(block - 5), 2 * block + 10);
    EXPECT_NE(told.thread(), std::this_thread::get_id());
  }
}

TEST(WhenAvailable, MayReadMissingBytesInItsCallback) {
  Scripted stream({.content = letters(), .chunks = {2}});
  const auto gate = std::make_shared<Gate>();
  std::string read;
  const auto subscription = stream.buffer.when_available({0, 4}, [&](std::error_code) {
    read = to_string(stream.buffer.read(0, 26));
    static const std::atomic<bool> never{false};
    gate->open();
    gate->enter(never);
  });
  gate->wait_entered();
  EXPECT_EQ(read, "abcdefghijklmnopqrstuvwxyz");
}

TEST(WhenAvailable, MaySubscribeAndDropSubscriptionsInItsCallback) {
  auto [writer, buffer] = make_pipe();
  Subscription itself;
  Told other;
  Told next;
  Subscription dropped;
  Subscription later;
  itself = buffer.when_available({0, 5}, [&, &kept = buffer](std::error_code) {
    dropped = {};
    itself = {};
    later = kept.when_available({0, 10}, next.callback());
  });
  dropped = buffer.when_available({0, 6}, other.callback());
  writer.write(std::span<const std::byte>(letters()).first(12));
  EXPECT_EQ(other.calls(), 0);
  EXPECT_EQ(next.calls(), 1);
}

TEST(WhenAvailable, MayCancelTheBufferInItsCallback) {
  const auto both_wait = std::make_shared<Gate>();
  Scripted stream({.content = letters(), .chunks = {1}, .gates = {{3, both_wait}}});
  Told second;
  const auto pending = stream.buffer.when_available({0, 20}, second.callback());
  const auto subscription =
      stream.buffer.when_available({0, 5}, [&](std::error_code) { stream.buffer.cancel(); });
  both_wait->open();
  second.wait();
  EXPECT_EQ(second.code(), Errc::cancelled);
  EXPECT_EQ(stream.buffer.read(0, 100).size(), stream.buffer.available(0));
}

TEST(WhenAvailable, MayDestroyTheLastReaderOnTheThreadThatFills) {
  for (int round = 0; round < 50; ++round) {
    auto log = std::make_shared<SourceLog>();
    const auto gate = std::make_shared<Gate>();
    const auto destroyed = std::make_shared<Gate>();
    auto buffer = std::make_unique<StreamBuffer>(std::make_unique<ScriptedSource>(
        Script{.content = letters(), .chunks = {3}, .gates = {{3, gate}}}, log));
    StreamBuffer& kept = *buffer;
    const auto last = std::make_shared<std::unique_ptr<StreamBuffer>>();
    Subscription subscription = kept.when_available({0, 5}, [=](std::error_code) {
      last->reset();  // The buffer, and the subscription's own engine, end here.
      static const std::atomic<bool> never{false};
      destroyed->open();
      destroyed->enter(never);
    });
    *last = std::move(buffer);
    gate->open();
    destroyed->wait_entered();
    subscription.cancel();
  }
}

TEST(WhenAvailable, IsNotCalledAfterItsSubscriptionIsDropped) {
  auto [writer, buffer] = make_pipe();
  Told told;
  {
    const auto subscription = buffer.when_available({0, 5}, told.callback());
  }
  writer.write(letters());
  writer.end();
  EXPECT_EQ(told.calls(), 0);
}

TEST(Subscription, WaitsForACallbackThatRunsOnAnotherThreadBeforeItIsGone) {
  Scripted stream({.content = letters()});
  const auto running = std::make_shared<Gate>();
  static const std::atomic<bool> never{false};
  std::atomic<bool> over{false};
  Subscription subscription = stream.buffer.when_available({0, 5}, [&](std::error_code) {
    running->enter(never);
    over = true;
  });
  running->wait_entered();
  std::jthread opens([&] {
    for (int i = 0; i < 100; ++i) std::this_thread::yield();
    running->open();
  });
  subscription = {};
  EXPECT_TRUE(over);
}

TEST(Subscription, RacesWithItsCallbackAndNeverSeesTwo) {
  const auto text = letters();
  for (int round = 0; round < 300; ++round) {
    auto [writer, buffer] = make_pipe();
    std::atomic<int> calls{0};
    std::atomic<bool> dropped{false};
    Subscription subscription = buffer.when_available({0, 5}, [&](std::error_code) {
      EXPECT_FALSE(dropped);
      ++calls;
    });
    std::jthread writes([&, &sink = writer] { sink.write(text); });
    subscription.cancel();
    dropped = true;
    writes.join();
    EXPECT_LE(calls, 1);
  }
}

TEST(WhenAvailable, RefusesWhatMakesNoSense) {
  Scripted stream({.content = letters()});
  EXPECT_THROW((void)stream.buffer.when_available({5, 4}, [](auto) {}), std::invalid_argument);
  EXPECT_THROW((void)stream.buffer.when_available({4, 5}, {}), std::invalid_argument);
}

}  // namespace
}  // namespace seekable::test
