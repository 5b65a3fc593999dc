// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>
#include <ctime>

namespace seekable::inline v1::detail::http {

/// While it lives, a write of this thread to a connection that is closed sends no SIGPIPE, which
/// would end a program that has not asked for it: the TLS library knows no other way.
class WithoutBrokenPipe {
 public:
  WithoutBrokenPipe() noexcept {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    ::sigset_t pending;
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  WithoutBrokenPipe(const WithoutBrokenPipe&) = delete;
  WithoutBrokenPipe& operator=(const WithoutBrokenPipe&) = delete;
  ~WithoutBrokenPipe() {
    if (!was_pending_) {
      const ::timespec now{};
      while (::sigtimedwait(&pipe_, nullptr, &now) > 0) {
      }
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  ::sigset_t pipe_;
  ::sigset_t before_;
  bool was_pending_ = false;
};

}  // namespace seekable::inline v1::detail::http
