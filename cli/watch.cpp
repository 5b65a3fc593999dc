// SPDX-License-Identifier: Apache-2.0
#include "cli/watch.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <system_error>
#include <thread>

#include "cli/durations.hpp"
#include "cli/report.hpp"
#include "seekable/file_descriptor.hpp"

namespace seekable::cli {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds redraw_every{200};
constexpr milliseconds stop_grace{2'000};

/// Work on a thread of its own, with a descriptor that tells its end.
class Work {
 public:
  explicit Work(const std::function<void(std::stop_token)>& work)
      : done_(::eventfd(0, EFD_CLOEXEC)) {
    if (!done_) throw std::system_error(errno, std::system_category(), "make an eventfd");
    thread_ = std::jthread([this, &work](const std::stop_token& stop) {
      try {
        work(stop);
      } catch (...) {
        thrown_ = std::current_exception();
      }
      const std::uint64_t one = 1;
      [[maybe_unused]] const ssize_t written = ::write(done_.get(), &one, sizeof one);
    });
  }

  /// Waits for the end, or for `other_fd` to be readable, or for `timeout`. Returns true at the
  /// end.
  bool wait(int other_fd, std::optional<milliseconds> timeout) const {
    std::array<pollfd, 2> events{pollfd{done_.get(), POLLIN, 0}, pollfd{other_fd, POLLIN, 0}};
    ::poll(events.data(), events.size(), timeout ? static_cast<int>(timeout->count()) : -1);
    return events[0].revents != 0;
  }

  void request_stop() { thread_.request_stop(); }

  /// Joins, and throws what the work threw.
  void join() {
    thread_.join();
    if (thrown_) std::rethrow_exception(thrown_);
  }

  void join_quietly() { thread_.join(); }

 private:
  FileDescriptor done_;
  std::exception_ptr thrown_;
  std::jthread thread_;
};

/// The signal that has arrived and asks us to end, if one has.
std::optional<int> asked_to_end(Signals& signals) {
  while (const auto signal = signals.next()) {
    if (signal->number != SIGCHLD) return signal->number;
  }
  return std::nullopt;
}

[[noreturn]] void interrupt(const Watched& watched, Work& work, int signal) {
  work.request_stop();
  watched.subject.cancel();
  if (!work.wait(-1, stop_grace)) die_of(signal);
  work.join_quietly();
  throw Interrupted{signal};
}

[[noreturn]] void give_up(const Watched& watched, Work& work) {
  watched.subject.cancel();
  work.request_stop();
  work.join_quietly();
  throw Failed(stall_text(*watched.timeout));
}

}  // namespace

bool Patience::is_over(std::uint64_t bytes) {
  const auto now = Clock::now();
  if (bytes != last_bytes_) {
    last_bytes_ = bytes;
    last_change_ = now;
  }
  return limit_ && now - last_change_ >= *limit_;
}

std::optional<milliseconds> Patience::ask_every() const {
  if (!limit_) return std::nullopt;
  return std::clamp(*limit_ / 10, milliseconds(1), milliseconds(1'000));
}

std::string stall_text(milliseconds timeout) {
  return fmt::format("the source gave no byte for {}; see to it, or raise --timeout",
                     exact_duration(timeout));
}

void watch(const Watched& watched, const std::function<void(std::stop_token)>& work) {
  Work running(work);
  Patience patience(watched.timeout);
  std::optional<milliseconds> tick = patience.ask_every();
  if (watched.progress.shown()) tick = std::min(tick.value_or(redraw_every), redraw_every);
  while (!running.wait(watched.signals.fd(), tick)) {
    if (const auto signal = asked_to_end(watched.signals)) {
      interrupt(watched, running, *signal);
    }
    watched.progress.update(watched.subject.done(), watched.subject.size());
    // After the end the work is the disk's, not the source's.
    if (patience.is_over(watched.subject.came()) && !watched.subject.complete()) {
      give_up(watched, running);
    }
  }
  running.join();
  watched.progress.finish(watched.subject.done(), watched.subject.size());
}

}  // namespace seekable::cli
