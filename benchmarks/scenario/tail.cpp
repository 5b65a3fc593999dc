// SPDX-License-Identifier: Apache-2.0
// The 99th percentile of a 4 KiB read of kept bytes, while the fill runs and while it does not.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <random>
#include <thread>
#include <vector>

#include "seekable/seekable.hpp"
#include "support/job.hpp"
#include "support/pattern.hpp"
#include "support/pour.hpp"

namespace seekable::bench {
namespace {

constexpr std::uint64_t kept = std::uint64_t{64} << 20;

/// Reads at random among the first bytes, which are kept. `size` more come meanwhile, or none.
double percentile(std::uint64_t size, bool fills) {
  const Pourer pourer(kept + size);
  Options options;
  options.memory_limit = std::uint64_t{5} << 20;
  options.fill = Fill::ahead;
  options.read_ahead = 0;
  const StreamBuffer buffer(from_fd(pourer.fd()), options);
  std::byte page[page_size];
  check(buffer.read_at(kept - page_size, page) == page_size, "the first bytes are kept");
  std::vector<double> seconds;
  std::atomic<bool> over{false};
  std::jthread filler;
  if (fills) {
    filler = std::jthread([&] {
      buffer.wait_for_size();
      over = true;
    });
  }
  std::mt19937_64 random(42);
  while (fills ? !over.load() : seconds.size() < 200'000) {
    const std::uint64_t offset = random() % (kept / page_size) * page_size;
    seconds.push_back(seconds_of([&] { buffer.read_at(offset, page); }));
    if (seconds.size() % 1024 == 0) check_pattern(offset, page);
  }
  const auto at = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() * 99 / 100);
  std::nth_element(seconds.begin(), at, seconds.end());
  return *at;
}

const Register r1("tail", "filling", [](std::uint64_t size) { return percentile(size, true); });
const Register r2("tail", "at_rest", [](std::uint64_t size) { return percentile(size, false); });

}  // namespace
}  // namespace seekable::bench
