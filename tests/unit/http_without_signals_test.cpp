// SPDX-License-Identifier: Apache-2.0
// While libcurl is called: a SIGPIPE of our own is taken back, one from elsewhere is kept, and the
// mask is put back.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>

#include "http/without_signals.hpp"

namespace seekable::test {
namespace {

using detail::http::WithoutSignals;

bool is_blocked(int signal = SIGPIPE) {
  ::sigset_t mask;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return ::sigismember(&mask, signal) == 1;
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

TEST(HttpWithoutSignals, TakesASigpipeBack) {
  {
    const WithoutSignals without_signals;
    write_to_a_broken_pipe();
    EXPECT_TRUE(is_pending());
  }
  EXPECT_FALSE(is_pending());
  EXPECT_FALSE(is_blocked());
}

TEST(HttpWithoutSignals, BlocksSignalsForTheTime) {
  {
    const WithoutSignals without_signals;
    EXPECT_TRUE(is_blocked(SIGUSR1));
    EXPECT_FALSE(is_blocked(SIGSEGV));
  }
  EXPECT_FALSE(is_blocked(SIGUSR1));
}

volatile std::sig_atomic_t g_pipes = 0;

TEST(HttpWithoutSignals, KeepsWhatAnotherProcessHasSent) {
  const auto before = ::signal(SIGPIPE, [](int) { g_pipes = g_pipes + 1; });
  {
    const WithoutSignals without_signals;
    const pid_t child = ::fork();
    if (child == 0) {
      ::kill(::getppid(), SIGPIPE);
      ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    EXPECT_EQ(g_pipes, 0);
  }
  EXPECT_EQ(g_pipes, 1);
  ::signal(SIGPIPE, before);
}

TEST(HttpWithoutSignals, LeavesASignalThatWasThereBefore) {
  ::sigset_t pipe;
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  write_to_a_broken_pipe();
  {
    const WithoutSignals without_signals;
  }
  EXPECT_TRUE(is_pending());
  EXPECT_TRUE(is_blocked());

  const ::timespec now{};
  EXPECT_EQ(::sigtimedwait(&pipe, nullptr, &now), SIGPIPE);
  ::pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr);
}

}  // namespace
}  // namespace seekable::test
