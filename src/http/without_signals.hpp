// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <csignal>
#include <ctime>

namespace seekable::inline v1::detail::http {

/// While it lives, libcurl can be called in a thread of the program. Threads that libcurl starts,
/// to resolve a name, take none of the program's signals; and a write to a connection that is
/// closed sends no SIGPIPE, which would end a program that has not asked for it: the TLS library
/// knows no other way.
class WithoutSignals {
 public:
  WithoutSignals() noexcept {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    ::sigset_t pending;
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
    ::sigset_t blocked;
    ::sigfillset(&blocked);
    // What a thread does to itself is for its own handler.
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) {
      ::sigdelset(&blocked, own);
    }
    ::pthread_sigmask(SIG_SETMASK, &blocked, &before_);
  }
  WithoutSignals(const WithoutSignals&) = delete;
  WithoutSignals& operator=(const WithoutSignals&) = delete;
  ~WithoutSignals() {
    const bool was_sent = !was_pending_ && take_back();
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    if (was_sent) ::kill(::getpid(), SIGPIPE);
  }

 private:
  /// Takes a SIGPIPE back. Returns true if another process has sent it.
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
