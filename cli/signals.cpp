// SPDX-License-Identifier: Apache-2.0
#include "cli/signals.hpp"

#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "cli/report.hpp"

namespace seekable::cli {

namespace {

void add_unless_ignored(sigset_t& set, int signal) {
  struct sigaction action{};
  ::sigaction(signal, nullptr, &action);
  if (action.sa_handler != SIG_IGN) sigaddset(&set, signal);
}

}  // namespace

void Signals::begin() {
  // Whoever started us may ignore SIGCHLD; then nobody could wait for a child.
  std::signal(SIGCHLD, SIG_DFL);
  sigset_t events;
  sigemptyset(&events);
  for (const int signal : {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGCHLD}) {
    add_unless_ignored(events, signal);
  }
  sigset_t blocked = events;
  sigaddset(&blocked, SIGPIPE);
  sigaddset(&blocked, SIGXFSZ);
  fd_.reset(::signalfd(-1, &events, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd_) throw std::system_error(errno, std::system_category(), "watch for signals");
  ::pthread_sigmask(SIG_BLOCK, &blocked, &original_mask_);
}

Signals::~Signals() {
  if (!fd_) return;
  // What arrived and was not asked for does not strike now: the work is done.
  while (next()) {
  }
  sigset_t failed_writes;
  sigemptyset(&failed_writes);
  for (const int signal : {SIGPIPE, SIGXFSZ}) sigaddset(&failed_writes, signal);
  constexpr timespec at_once{};
  while (::sigtimedwait(&failed_writes, nullptr, &at_once) > 0) {
  }
  ::pthread_sigmask(SIG_SETMASK, &original_mask_, nullptr);
}

std::optional<ArrivedSignal> Signals::next() noexcept {
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof info) != sizeof info) return std::nullopt;
  return ArrivedSignal{static_cast<int>(info.ssi_signo), info.ssi_code == SI_KERNEL};
}

void die_of(int signal) noexcept {
  if (signal == SIGQUIT) ::prctl(PR_SET_DUMPABLE, 0);  // Nothing is wrong with us: no core.
  std::signal(signal, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  ::raise(signal);
  ::_exit(exit_signal_base + signal);
}

}  // namespace seekable::cli
