// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <csignal>
#include <ctime>

namespace seekable::inline v1::detail::http {

/// While it lives, libcurl may be called in a thread of the program. Threads that libcurl starts,
/// to resolve a name, inherit the mask and take none of the program's signals. A SIGPIPE from a
/// write to a closed connection is held back and then discarded: TLS libraries write without
/// MSG_NOSIGNAL.
class WithoutSignals {
 public:
  WithoutSignals() noexcept {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    ::sigset_t blocked;
    ::sigfillset(&blocked);
    // What a thread does to itself is for its own handler.
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) {
      ::sigdelset(&blocked, own);
    }
    ::pthread_sigmask(SIG_SETMASK, &blocked, &before_);
    // Where this thread did not block it, none was pending: it would have been delivered.
    if (::sigismember(&before_, SIGPIPE) != 1) return;
    ::sigset_t pending;
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
  }
  WithoutSignals(const WithoutSignals&) = delete;
  WithoutSignals& operator=(const WithoutSignals&) = delete;
  ~WithoutSignals() {
    const bool was_sent = !was_pending_ && take_back();
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    if (was_sent) ::kill(::getpid(), SIGPIPE);
  }

 private:
  /// Discards a pending SIGPIPE. Returns true if another process has sent it by kill: it is sent
  /// again. (Linux tells of that of a write what it tells of one that this process sends itself.)
  bool take_back() const noexcept {
    ::siginfo_t told{};
    const ::timespec now{};
    return ::sigtimedwait(&pipe_, &told, &now) == SIGPIPE && told.si_code == SI_USER &&
           told.si_pid != ::getpid();
  }

  ::sigset_t pipe_;
  ::sigset_t before_;
  bool was_pending_ = false;
};

}  // namespace seekable::inline v1::detail::http
