// SPDX-License-Identifier: Apache-2.0
#include "core/output.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <stop_token>
#include <system_error>

#include "core/filler.hpp"
#include "seekable/error.hpp"
#include "seekable/file_descriptor.hpp"
#include "system/calls.hpp"

namespace seekable::inline v1::detail {

namespace {

/// As `poll` takes it; more than it can take is asked for again.
int milliseconds_left(const Wait* wait) {
  using std::chrono::steady_clock;
  if (wait == nullptr || wait->deadline == steady_clock::time_point::max()) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(wait->deadline - steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT_MAX));
}

/// Becomes readable when `wait` is asked to stop; none where that cannot be.
FileDescriptor stop_event(const Wait* wait, std::uint64_t offset) {
  FileDescriptor event;
  if (wait == nullptr || !wait->stop_token.stop_possible()) return event;
  event.reset(sys::eventfd());
  if (!event) throw Error({errno, std::system_category()}, "make an eventfd to wait with", offset);
  return event;
}

}  // namespace

void Output::wait(std::uint64_t offset) const {
  const FileDescriptor stopped = stop_event(wait_, offset);
  const auto set = [&] {
    if (stopped) sys::set_event(stopped.get());
  };
  const std::stop_callback stop(wait_ == nullptr ? std::stop_token() : wait_->stop_token, set);
  for (;;) {
    Filler::check_wait(wait_, offset);
    std::array<pollfd, 2> files{{{.fd = fd_, .events = POLLOUT, .revents = 0},
                                 {.fd = stopped.get(), .events = POLLIN, .revents = 0}}};
    const int ready = sys::poll(files.data(), files.size(), milliseconds_left(wait_));
    // What else is wrong with the descriptor the next write tells.
    if (ready < 0 || files[0].revents != 0) return;
  }
}

std::size_t Output::write(std::span<const std::byte> bytes, std::uint64_t offset) const {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t written = sys::write(fd_, bytes.data() + done, bytes.size() - done);
    if (written > 0) {
      done += static_cast<std::size_t>(written);
    } else if (written == 0) {
      errno = EIO;
      return done;
    } else if (errno == EAGAIN) {
      wait(offset + done);
    } else {
      return done;
    }
  }
  return done;
}

}  // namespace seekable::inline v1::detail
