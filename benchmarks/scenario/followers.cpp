// SPDX-License-Identifier: Apache-2.0
// One producer at full rate, and readers that follow it to the end.
#include <cstddef>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "seekable/seekable.hpp"
#include "support/job.hpp"
#include "support/pattern.hpp"
#include "support/pour.hpp"

namespace seekable::bench {
namespace {

constexpr std::size_t step = 64 * 1024;

struct alignas(page_size) Step {
  std::byte bytes[step];
};

/// Reads to the end, and checks a page now and then.
std::uint64_t follow(Reader reader) {
  const auto buffer = std::make_unique<Step>();
  std::uint64_t done = 0;
  for (int i = 0;; ++i) {
    const std::size_t got = reader.read(buffer->bytes);
    if (got == 0) return done;
    if (i % 64 == 0) check_pattern(done, std::span(buffer->bytes).first(std::min(got, page_size)));
    done += got;
  }
}

double ours(std::uint64_t size, unsigned readers) {
  const Pourer pourer(size);
  return seconds_of([&] {
    Options options;
    options.fill = Fill::ahead;
    const StreamBuffer buffer(from_fd(pourer.fd()), options);
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < readers; ++i) {
      threads.emplace_back([&] { check(follow(buffer.reader()) == size, "all was read"); });
    }
  });
}

const Register r1("followers_1", "ours", [](std::uint64_t size) { return ours(size, 1); });
const Register r2("followers_4", "ours", [](std::uint64_t size) { return ours(size, 4); });

}  // namespace
}  // namespace seekable::bench
