// SPDX-License-Identifier: Apache-2.0
// Whoever receives for others is not ended by a write to a connection that was closed.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>

#include "http/broken_pipe.hpp"

namespace seekable::test {
namespace {

using detail::http::WithoutBrokenPipe;

bool is_blocked() {
  ::sigset_t mask;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return ::sigismember(&mask, SIGPIPE) == 1;
}

bool is_pending() {
  ::sigset_t pending;
  ::sigpending(&pending);
  return ::sigismember(&pending, SIGPIPE) == 1;
}

void write_to_a_broken_pipe() {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ::close(ends[0]);
  EXPECT_EQ(::write(ends[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  ::close(ends[1]);
}

TEST(HttpBrokenPipe, SendsNoSignal) {
  {
    const WithoutBrokenPipe without_broken_pipe;
    write_to_a_broken_pipe();
    EXPECT_TRUE(is_pending());
  }
  EXPECT_FALSE(is_pending());
  EXPECT_FALSE(is_blocked());
}

TEST(HttpBrokenPipe, LeavesASignalThatWasThereBefore) {
  ::sigset_t pipe;
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  write_to_a_broken_pipe();
  {
    const WithoutBrokenPipe without_broken_pipe;
  }
  EXPECT_TRUE(is_pending());
  EXPECT_TRUE(is_blocked());

  const ::timespec now{};
  EXPECT_EQ(::sigtimedwait(&pipe, nullptr, &now), SIGPIPE);
  ::pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr);
}

}  // namespace
}  // namespace seekable::test
