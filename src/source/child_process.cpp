// SPDX-License-Identifier: Apache-2.0
#include "source/child_process.hpp"

#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "system/calls.hpp"
#include "system/descendants.hpp"

namespace seekable::inline v1::detail {

namespace {

/// How long a child may take to obey SIGTERM when its source is destroyed.
constexpr std::chrono::milliseconds patience{200};

/// What posix_spawn is told: standard output goes to `output`, signals are as in a fresh program.
class SpawnPlan {
 public:
  explicit SpawnPlan(int output) {
    check(::posix_spawn_file_actions_init(&actions_));
    check(::posix_spawnattr_init(&attributes_));
    sigset_t signals;
    ::sigemptyset(&signals);
    check(::posix_spawnattr_setsigmask(&attributes_, &signals));
    ::sigaddset(&signals, SIGPIPE);
    check(::posix_spawnattr_setsigdefault(&attributes_, &signals));
    check(::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
    check(::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO));
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  pid_t spawn(const std::vector<std::string>& argv) const {
    std::vector<char*> arguments;
    arguments.reserve(argv.size() + 1);
    for (const auto& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    pid_t pid = -1;
    check(sys::spawn(&pid, arguments[0], &actions_, &attributes_, arguments.data()));
    return pid;
  }

 private:
  static void check(int error) {
    if (error != 0) throw std::system_error(error, std::system_category());
  }

  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

ChildProcess::Exit exit_of(const siginfo_t& info) {
  return {.killed = info.si_code != CLD_EXITED, .status = info.si_status};
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& argv, FileDescriptor& output) {
  int ends[2] = {-1, -1};
  if (sys::pipe(ends) != 0) throw std::system_error(errno, std::system_category());
  FileDescriptor reading(ends[0]);
  const FileDescriptor writing(ends[1]);
  pid_ = SpawnPlan(writing.get()).spawn(argv);
  pidfd_.reset(sys::pidfd_open(pid_));
  output = std::move(reading);
}

void ChildProcess::signal(int number) noexcept {
  const MutexLock lock(mutex_);
  if (gone_ || fork_.is_child()) return;
  // A shell that is gone cannot say what it has started; one that is still there would say on its
  // standard error how that has ended.
  const Descendants started(pid_);
  if (pidfd_) {
    sys::pidfd_send_signal(pidfd_.get(), number);
  } else {
    sys::kill(pid_, number);
  }
  started.signal(number);
}

/// Returns: nothing if it still runs.
std::optional<ChildProcess::Exit> ChildProcess::reap(int options) {
  const MutexLock lock(mutex_);
  if (exit_) return exit_;
  siginfo_t info{};
  const int result = gone_ ? -1
                     : pidfd_
                         ? sys::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, options)
                         : sys::waitid(P_PID, static_cast<id_t>(pid_), &info, options);
  if (result != 0) {
    const int error = gone_ ? ECHILD : errno;
    gone_ = gone_ || error == ECHILD;
    throw std::system_error(error, std::system_category());
  }
  if (info.si_pid == 0) return std::nullopt;
  gone_ = true;  // Under the lock: from now on its number may be a stranger's.
  exit_ = exit_of(info);
  return exit_;
}

std::optional<ChildProcess::Exit> ChildProcess::wait(Canceller& canceller) {
  for (int pause_ms = 1;; pause_ms = std::min(2 * pause_ms, 50)) {
    if (canceller.is_cancelled()) return std::nullopt;
    if (const auto exit = reap(WEXITED | WNOHANG)) return exit;
    const auto wake =
        pidfd_ ? canceller.wait_readable(pidfd_.get()) : canceller.wait_readable(-1, pause_ms);
    if (wake == Canceller::Wake::cancelled) return std::nullopt;
  }
}

/// Waits without its lock, so that a late `signal` need not wait.
bool ChildProcess::ends_within(Milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (;;) {
    if (reap(WEXITED | WNOHANG)) return true;
    const auto left = std::chrono::ceil<Milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd file{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
    sys::poll(&file, 1, static_cast<int>(pidfd_ ? left.count() : 1));
  }
}

ChildProcess::~ChildProcess() {
  if (fork_.is_child()) return;
  try {
    if (reap(WEXITED | WNOHANG)) return;
    signal(SIGTERM);
    if (ends_within(patience)) return;
    signal(SIGKILL);
    reap(WEXITED);
  } catch (const std::system_error&) {
    // Somebody else has reaped it: there is nothing left to end.
  }
}

}  // namespace seekable::inline v1::detail
