// SPDX-License-Identifier: Apache-2.0
#include "source/canceller.hpp"

#include <array>
#include <cerrno>
#include <system_error>

#include "seekable/error.hpp"
#include "system/calls.hpp"

namespace seekable::inline v1::detail {

Canceller::~Canceller() {
  const int event = event_.load(std::memory_order_relaxed);
  if (event >= 0) sys::close(event);
}

void Canceller::cancel() noexcept {
  cancelled_.store(true, std::memory_order_seq_cst);
  const int event = event_.load(std::memory_order_seq_cst);
  if (event >= 0) sys::set_event(event);
}

int Canceller::event() {
  int event = event_.load(std::memory_order_relaxed);
  if (event < 0) {
    event = sys::eventfd();
    if (event < 0) {
      throw std::system_error(errno, std::system_category(), "make an eventfd to wait with");
    }
    event_.store(event, std::memory_order_seq_cst);
  }
  return event;
}

Canceller::Wake Canceller::wait_readable(int fd, int timeout_ms) {
  std::array<pollfd, 2> files{{{.fd = event(), .events = POLLIN, .revents = 0},
                               {.fd = fd, .events = POLLIN, .revents = 0}}};
  if (is_cancelled()) return Wake::cancelled;  // Only now, with the eventfd made.
  const int ready = sys::poll(files.data(), files.size(), timeout_ms);
  if (ready < 0) throw std::system_error(errno, std::system_category(), "wait with poll");
  if (is_cancelled()) return Wake::cancelled;
  return ready > 0 ? Wake::ready : Wake::timed_out;
}

void throw_cancelled(const std::string& what, std::uint64_t offset) {
  throw Error(Errc::cancelled, what, offset);
}

}  // namespace seekable::inline v1::detail
