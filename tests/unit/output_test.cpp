// SPDX-License-Identifier: Apache-2.0
#include "core/output.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <span>
#include <stop_token>
#include <thread>

#include "seekable/seekable.hpp"
#include "support/feeds.hpp"
#include "support/sources.hpp"

namespace seekable::test {
namespace {

using detail::Output;

Ends full_pipe_that_does_not_block() {
  Ends ends = make_pipe_ends();
  EXPECT_EQ(::fcntl(ends.write.get(), F_SETFL, O_NONBLOCK), 0);
  const Bytes page(4096);
  while (::write(ends.write.get(), page.data(), page.size()) > 0) {
  }
  EXPECT_EQ(errno, EAGAIN);
  return ends;
}

TEST(Output, WaitsForADescriptorThatDoesNotBlock) {
  const Ends ends = make_pipe_ends();
  ASSERT_EQ(::fcntl(ends.write.get(), F_SETFL, O_NONBLOCK), 0);
  const Bytes text = pattern_bytes(0, 500'000);
  Bytes got(text.size());
  std::jthread reader([&] {
    for (std::size_t at = 0; at < got.size();) {
      const ssize_t n = ::read(ends.read.get(), got.data() + at, got.size() - at);
      if (n <= 0) return;
      at += static_cast<std::size_t>(n);
    }
  });
  EXPECT_EQ(Output(ends.write.get(), nullptr).write(text, 0), text.size());
  reader.join();
  EXPECT_EQ(got, text);
}

TEST(Output, TellsHowFarItCame) {
  std::signal(SIGPIPE, SIG_IGN);
  Ends ends = make_pipe_ends();
  ends.read.reset();
  const auto text = letters();
  EXPECT_EQ(Output(ends.write.get(), nullptr).write(text, 0), 0U);
  EXPECT_EQ(errno, EPIPE);
  const FileDescriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(Output(full.get(), nullptr).write(text, 0), 0U);
  EXPECT_EQ(errno, ENOSPC);
}

TEST(Output, GivesUpAtADeadlineAndTellsWhere) {
  const Ends ends = full_pipe_that_does_not_block();
  Wait wait;
  wait.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
  try {
    Output(ends.write.get(), &wait).write(letters(), 1000);
    FAIL() << "it returned";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::timed_out);
    EXPECT_EQ(error.offset(), 1000U);
  }
}

TEST(Output, GivesUpWhenToldTo) {
  const Ends ends = full_pipe_that_does_not_block();
  std::stop_source stop;
  Wait wait;
  wait.stop_token = stop.get_token();
  const std::jthread stops([&] { stop.request_stop(); });
  EXPECT_EQ(code_of([&] { Output(ends.write.get(), &wait).write(letters(), 0); }), Errc::cancelled);
}

// The `Wait` of a copy was that of the source alone.
TEST(Output, OfACopyEndsWithTheWaitOfTheCall) {
  const Ends ends = full_pipe_that_does_not_block();
  const StreamBuffer buffer(from_bytes(letters()));
  buffer.wait_for_size();
  Wait wait;
  wait.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
  EXPECT_EQ(code_of([&] { buffer.copy_to(ends.write.get(), {0, 26}, wait); }), Errc::timed_out);
}

}  // namespace
}  // namespace seekable::test
