// SPDX-License-Identifier: Apache-2.0
// `size` threads that read kept pages of one buffer at random: what one read costs a core, in
// seconds. Beside it as many threads that copy the same pages.
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "seekable/seekable.hpp"
#include "support/job.hpp"
#include "support/pattern.hpp"
#include "support/pattern_source.hpp"
#include "support/places.hpp"

namespace seekable::bench {
namespace {

constexpr std::uint64_t pages = 64;  // They stay in the cache, so what is not a copy shows.
constexpr std::uint64_t all_reads = 1 << 23;

/// Opens when as many have arrived as it was made for. `std::latch` would have a thousand threads
/// that wait give way to each other a dozen times before they sleep, while the clock runs.
class Gate {
 public:
  explicit Gate(std::uint64_t missing) : missing_(missing) {}

  void arrive() {
    if (missing_.fetch_sub(1) != 1) return;
    open_.store(1);
    ::syscall(SYS_futex, &open_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
  }

  void wait() {
    while (open_.load() == 0) {
      ::syscall(SYS_futex, &open_, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
    }
  }

 private:
  std::atomic<std::uint64_t> missing_;
  std::atomic<std::uint32_t> open_{0};
};

/// Has `count` threads call `read(page, out)`, and measures neither their start nor their end.
template <typename Read>
double seconds_of_read(std::uint64_t count, Read read) {
  const std::uint64_t reads = all_reads / count;
  Gate ready(count);
  Gate begin(1);
  Gate done(count);
  Gate leave(1);
  const auto body = [&](std::uint64_t number) {
    alignas(page_size) std::byte out[page_size];
    Places places(pages, number);
    for (int i = 0; i < 10; ++i) {
      const std::uint64_t page = places.next();
      read(page, std::span(out));
      check_pattern(page * page_size, out);
    }
    ready.arrive();
    begin.wait();
    for (std::uint64_t i = 0; i < reads; ++i) {
      read(places.next(), std::span(out));
      keep(out[0]);
    }
    done.arrive();
    leave.wait();
  };
  std::vector<std::jthread> threads;
  threads.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) threads.emplace_back(body, i + 1);
  ready.wait();
  const double seconds = seconds_of([&] {
    begin.arrive();
    done.wait();
  });
  leave.arrive();
  const auto cores = std::min<std::uint64_t>(count, std::thread::hardware_concurrency());
  return seconds * static_cast<double>(cores) / static_cast<double>(reads * count);
}

StreamBuffer kept() {
  StreamBuffer buffer(std::make_unique<PatternSource>(pages * page_size));
  check(buffer.wait_for_size() == pages * page_size, "all came");
  return buffer;
}

double ours(std::uint64_t count) {
  const StreamBuffer buffer = kept();
  return seconds_of_read(count, [&](std::uint64_t page, std::span<std::byte, page_size> out) {
    buffer.read_at(page * page_size, out);
  });
}

double copies(std::uint64_t count) {
  const StreamBuffer buffer = kept();
  // The first page lies in two pieces, of which a single memcpy knows nothing.
  std::vector<std::byte> first(page_size);
  check(buffer.read_at(0, first) == page_size, "a whole page is read");
  std::vector<View> views;
  for (std::uint64_t page = 0; page < pages; ++page) {
    views.push_back(buffer.view(page * page_size, page_size));
    check(page == 0 || views.back().size() == page_size, "a view of a whole page");
  }
  return seconds_of_read(count, [&](std::uint64_t page, std::span<std::byte, page_size> out) {
    std::memcpy(out.data(), page == 0 ? first.data() : views[page].data(), page_size);
  });
}

const Register r1("readers", "ours", ours);
const Register r2("readers", "memcpy", copies);

}  // namespace
}  // namespace seekable::bench
