// SPDX-License-Identifier: Apache-2.0
#include "cli/child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include "cli/report.hpp"
#include "seekable/file_descriptor.hpp"

namespace seekable::cli {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds grace{5};
// The same signal sent to the process and to its group, as timeout(1) does, is one request.
constexpr std::chrono::milliseconds one_request{250};
constexpr Clock::time_point never = Clock::time_point::max();

/// As `poll` takes it: -1 where there is no deadline.
int milliseconds_until(Clock::time_point deadline) {
  if (deadline == never) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  // execvp takes pointers to what it does not change.
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

/// All that stands between fork and exec. Returns only with trouble.
ChildTrouble become_command(const ChildPlan& plan, char* const* argv, pid_t parent) noexcept {
  using enum ChildTrouble::Step;
  if (plan.name != nullptr) {
    const ChildTrouble result = enter_private_name(*plan.name);
    if (result.step != none) return result;
  }
  if (plan.standard_input >= 0 && ::dup2(plan.standard_input, STDIN_FILENO) < 0) {
    return {redirect, errno};
  }
  if (plan.inherited >= 0 && ::fcntl(plan.inherited, F_SETFD, 0) != 0) return {redirect, errno};
  // Only now: until here nothing may end this process between a link and its removal.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(exit_failure);
  ::pthread_sigmask(SIG_SETMASK, &plan.mask, nullptr);
  ::execvp(argv[0], argv);
  return {execute, errno};
}

bool is_executable_file(const std::string& path) {
  struct ::stat status{};
  if (::stat(path.c_str(), &status) != 0) return false;
  if (S_ISDIR(status.st_mode)) {
    errno = EISDIR;
    return false;
  }
  return ::access(path.c_str(), X_OK) == 0;
}

std::string_view search_path() {
  const char* const path = std::getenv("PATH");
  return path == nullptr ? "/bin:/usr/bin" : path;
}

}  // namespace

std::variant<pid_t, ChildTrouble> start_child(const ChildPlan& plan) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::system_category(), "make a pipe");
  }
  const FileDescriptor result(ends[0]);
  FileDescriptor report(ends[1]);
  const std::vector<char*> argv = pointers(plan.arguments);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::system_category(), "start a process");
  if (child == 0) {
    const ChildTrouble trouble = become_command(plan, argv.data(), parent);
    [[maybe_unused]] const ssize_t written = ::write(report.get(), &trouble, sizeof trouble);
    ::_exit(exit_failure);
  }
  report.reset();
  ChildTrouble trouble;
  ssize_t got = 0;
  do {
    got = ::read(result.get(), &trouble, sizeof trouble);
  } while (got < 0 && errno == EINTR);
  // The pipe is closed by the program that was started: nothing in it is success.
  if (got != sizeof trouble) return child;
  ::waitpid(child, nullptr, 0);
  return trouble;
}

ChildEnd wait_for_child(pid_t child, Signals& signals) {
  ChildEnd end;
  Clock::time_point passed_on_at{};
  Clock::time_point deadline = never;
  for (bool ended = false; !ended;) {
    // What arrives before it ends, or with its end, is looked at below.
    ended = ::waitpid(child, &end.status, WNOHANG) == child;
    pollfd arrived{signals.fd(), POLLIN, 0};
    if (!ended && ::poll(&arrived, 1, milliseconds_until(deadline)) == 0) {
      ::kill(child, SIGKILL);
      deadline = never;
    }
    while (const auto signal = signals.next()) {
      if (signal->number == SIGCHLD) continue;
      if (signal->from_keyboard) {
        end.keyboard = true;
      } else if (end.passed_on == 0) {
        end.passed_on = signal->number;
        passed_on_at = Clock::now();
        deadline = passed_on_at + grace;
        if (!ended) ::kill(child, signal->number);
      } else if (!ended && Clock::now() - passed_on_at >= one_request) {
        ::kill(child, SIGKILL);
      }
    }
  }
  return end;
}

void check_command(const std::string& command) {
  const auto refuse = [&command](int error) {
    const bool missing = error == ENOENT || error == ENOTDIR;
    const std::string why = std::system_category().message(error);
    throw Failed(fmt::format("cannot run '{}': {}; {}", command, why,
                             missing ? "check its name and $PATH" : "check its permissions"),
                 missing ? exit_not_found : exit_not_executable);
  };
  if (command.find('/') != std::string::npos) {
    if (!is_executable_file(command)) refuse(errno);
    return;
  }
  int error = ENOENT;
  std::string_view left = search_path();
  for (;;) {
    const std::size_t colon = left.find(':');
    const std::string directory(left.substr(0, colon));
    const std::string path = (directory.empty() ? "." : directory) + "/" + command;
    if (is_executable_file(path)) return;
    // What lies there but cannot be run is told, unless another directory has it. A directory that
    // may not be looked into says nothing.
    if (errno == EACCES && ::access(path.c_str(), F_OK) == 0) error = EACCES;
    if (colon == std::string_view::npos) break;
    left.remove_prefix(colon + 1);
  }
  refuse(error);
}

}  // namespace seekable::cli
