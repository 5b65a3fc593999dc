// SPDX-License-Identifier: Apache-2.0
// From the moment a byte is there until a thread that sleeps for it runs. Both threads share a
// processor. `size` is the number of bytes; the cost is the median, in seconds.
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "seekable/seekable.hpp"
#include "support/job.hpp"
#include "support/pattern.hpp"

namespace seekable::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Stamp = std::atomic<Clock::rep>;

Clock::rep now() { return Clock::now().time_since_epoch().count(); }

/// Keeps both threads on one processor: waking another one that is idle costs a virtual machine
/// tens of microseconds, or nothing where it is not idle yet, which would hide all else.
void stay_on_one_processor() {
  cpu_set_t processors;
  CPU_ZERO(&processors);
  CPU_SET(::sched_getcpu(), &processors);
  check(::sched_setaffinity(0, sizeof processors, &processors) == 0, "stay on one processor");
}

/// Long enough for the other thread to have gone to sleep.
void let_it_sleep() { std::this_thread::sleep_for(std::chrono::microseconds(200)); }

/// `send(i)` makes byte `i` be there, `receive(i)` returns when it is.
double median_latency(std::uint64_t count, const std::function<void(std::uint64_t)>& send,
                      const std::function<void(std::uint64_t)>& receive) {
  Stamp sent{0};
  // (std::counting_semaphore yields before it sleeps: the receiver would run in between.)
  sem_t received;
  check(::sem_init(&received, 0, 0) == 0, "make a semaphore");
  std::vector<double> seconds;
  seconds.reserve(count);
  stay_on_one_processor();  // The receiver inherits it.
  std::jthread receiver([&] {
    for (std::uint64_t i = 0; i < count; ++i) {
      receive(i);
      const auto arrived = now();
      seconds.push_back(1e-9 * static_cast<double>(arrived - sent.load()));
      ::sem_post(&received);
    }
  });
  for (std::uint64_t i = 0; i < count; ++i) {
    let_it_sleep();
    sent.store(now());
    send(i);
    while (::sem_wait(&received) != 0) continue;
  }
  receiver.join();
  ::sem_destroy(&received);
  std::nth_element(seconds.begin(), seconds.begin() + static_cast<std::ptrdiff_t>(count / 2),
                   seconds.end());
  return seconds[count / 2];
}

double publish(std::uint64_t count) {
  auto [writer, buffer] = make_pipe();
  const std::byte byte{7};
  std::byte got{};
  return median_latency(
      count, [&](std::uint64_t) { writer.write({&byte, 1}); },
      [&](std::uint64_t i) {
        check(buffer.read_at(i, {&got, 1}) == 1 && got == byte, "the byte came");
      });
}

double futex(std::uint64_t count) {
  std::atomic<std::uint32_t> word{0};
  return median_latency(
      count,
      [&](std::uint64_t) {
        word.fetch_add(1);
        ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
      },
      [&](std::uint64_t i) {
        while (word.load() <= i) {
          ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, static_cast<std::uint32_t>(i), nullptr,
                    nullptr, 0);
        }
      });
}

/// Returns what `receive` of one byte from the pipe costs; `Receive` takes the pipe's end.
template <typename Receive>
double through_pipe(std::uint64_t count, Receive receive) {
  int ends[2];
  check(::pipe(ends) == 0, "make a pipe");
  const FileDescriptor in(ends[0]);
  const FileDescriptor out(ends[1]);
  const std::byte byte{7};
  const auto send = [&](std::uint64_t) { check(::write(out.get(), &byte, 1) == 1, "written"); };
  return median_latency(
      count, send, [&](std::uint64_t i) { check(receive(in.get(), i) == byte, "the byte came"); });
}

double pipe_ours(std::uint64_t count) {
  std::unique_ptr<StreamBuffer> buffer;
  return through_pipe(count, [&](int fd, std::uint64_t i) {
    if (!buffer) buffer = std::make_unique<StreamBuffer>(from_fd(fd));
    std::byte got{};
    check(buffer->read_at(i, {&got, 1}) == 1, "one byte");
    return got;
  });
}

double pipe_read(std::uint64_t count) {
  return through_pipe(count, [](int fd, std::uint64_t) {
    std::byte got{};
    check(::read(fd, &got, 1) == 1, "one byte");
    return got;
  });
}

/// The least for a wait that can be called off: for the pipe or for an event, then a read.
double pipe_poll_and_read(std::uint64_t count) {
  const FileDescriptor event(::eventfd(0, EFD_CLOEXEC));
  return through_pipe(count, [&](int fd, std::uint64_t) {
    pollfd wanted[2] = {{fd, POLLIN, 0}, {event.get(), POLLIN, 0}};
    check(::poll(wanted, 2, -1) == 1, "something came");
    std::byte got{};
    check(::read(fd, &got, 1) == 1, "one byte");
    return got;
  });
}

const Register r1("wake_reader", "ours", publish);
const Register r2("wake_reader", "futex", futex);
const Register r3("byte_in_pipe", "ours", pipe_ours);
const Register r4("byte_in_pipe", "read", pipe_read);
const Register r5("byte_in_pipe", "poll_and_read", pipe_poll_and_read);

}  // namespace
}  // namespace seekable::bench
