// SPDX-License-Identifier: Apache-2.0
// Reads of bytes in memory, beside a bare memcpy of the same blocks. Each benchmark and its
// baseline have the same name but for the first word.
#include <cstring>

#include "micro/kept.hpp"
#include "support/job.hpp"
#include "support/places.hpp"

namespace seekable::bench {
namespace {

constexpr std::size_t read_size = 4096;
constexpr std::uint64_t hot_size = 256 * 1024;
constexpr std::uint64_t large_size = std::uint64_t{1} << 30;

StreamBuffer& stream(std::uint64_t size) {
  static StreamBuffer hot = kept_stream(hot_size, 2 * hot_size);
  if (size == hot_size) return hot;
  static StreamBuffer large = kept_stream(large_size, large_size + (1 << 20));
  return large;
}

/// The blocks of the stream themselves, for the baseline: the same bytes in the same memory. (But
/// for the first read's: they lie in two pieces, of which a single memcpy knows nothing.)
class Blocks {
 public:
  explicit Blocks(std::uint64_t size) {
    const StreamBuffer& buffer = stream(size);
    buffer.read_at(0, first_->bytes);
    for (std::uint64_t at = 0; at < size; at += step) {
      views_.push_back(buffer.view(at, step));
      check(at == 0 || views_.back().size() >= read_size, "a view of a whole read");
    }
  }
  const std::byte* at(std::uint64_t place) const {
    return place == 0 ? first_->bytes : views_[place].data();
  }
  static const Blocks& of(std::uint64_t size) {
    static const Blocks hot(hot_size);
    if (size == hot_size) return hot;
    static const Blocks large(large_size);
    return large;
  }

 private:
  static constexpr std::size_t step = read_size;
  std::unique_ptr<Destination> first_ = std::make_unique<Destination>();
  std::vector<View> views_;
};

void ours_read_at(benchmark::State& state, std::uint64_t size) {
  const StreamBuffer& buffer = stream(size);
  const auto out = std::make_unique<Destination>();
  Places places(size / read_size, static_cast<std::uint64_t>(state.thread_index()) + 1);
  const auto into = std::span(out->bytes).first(read_size);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t offset = places.next() * read_size;
    check(buffer.read_at(offset, into) == read_size, "read");
    check_pattern(offset, into);
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(buffer.read_at(places.next() * read_size, into));
    benchmark::ClobberMemory();
  }
}

void baseline_read_at(benchmark::State& state, std::uint64_t size) {
  const Blocks& blocks = Blocks::of(size);
  const auto out = std::make_unique<Destination>();
  Places places(size / read_size, static_cast<std::uint64_t>(state.thread_index()) + 1);
  for (auto _ : state) {
    std::memcpy(out->bytes, blocks.at(places.next()), read_size);
    benchmark::ClobberMemory();
  }
}

BENCHMARK_CAPTURE(ours_read_at, hot, hot_size)->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK_CAPTURE(baseline_read_at, hot, hot_size)->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK_CAPTURE(ours_read_at, random_1gib, large_size)->Threads(1)->UseRealTime();
BENCHMARK_CAPTURE(baseline_read_at, random_1gib, large_size)->Threads(1)->UseRealTime();

constexpr std::uint64_t aligned_size = std::uint64_t{16} << 20;

template <std::uint64_t Memory>
const StreamBuffer& aligned_stream() {
  static const StreamBuffer made = kept_stream(aligned_size, Memory);
  return made;
}

/// How far the destination lies past the source, modulo a page, decides how fast memcpy is on some
/// processors. In turns with the same at 0, in bursts so short that both see the same machine: the
/// counter `at_0` says what that takes, in nanoseconds.
void ours_aligned(benchmark::State& state, std::size_t size, const StreamBuffer& (*stream)()) {
  const auto skew = static_cast<std::size_t>(state.range(0));
  const StreamBuffer& buffer = stream();
  const auto out = std::make_unique<Destination>();
  const auto into = std::span(out->bytes).subspan(skew, size);
  // Blocks 128 to 135: none of them is kept in pieces, and all lie in the cache.
  const std::uint64_t first = aligned_size / 2;
  Places places(8, 1);
  check(buffer.read_at(first, into) == size, "read");
  check_pattern(first, into);
  constexpr int reads = 16;
  const auto burst = [&](std::span<std::byte> to) {
    return seconds_of([&] {
      for (int i = 0; i < reads; ++i) {
        benchmark::DoNotOptimize(buffer.read_at(first + places.next() * period, to));
        benchmark::ClobberMemory();
      }
    });
  };
  double at_0 = 0;
  for (auto _ : state) {
    state.SetIterationTime(burst(into) / reads);
    at_0 += burst(std::span(out->bytes).first(size)) / reads;
  }
  state.counters["at_0"] = at_0 * 1e9 / static_cast<double>(state.iterations());
}

constexpr auto all_in_memory = aligned_stream<2 * aligned_size>;
constexpr auto nearly_all_spilled = aligned_stream<aligned_size / 16>;

BENCHMARK_CAPTURE(ours_aligned, memory_4k, 4096, all_in_memory)->DenseRange(0, 63)->UseManualTime();
BENCHMARK_CAPTURE(ours_aligned, memory_64k, 65536, all_in_memory)
    ->DenseRange(0, 63)
    ->UseManualTime();
BENCHMARK_CAPTURE(ours_aligned, spilled_4k, 4096, nearly_all_spilled)
    ->DenseRange(0, 63)
    ->UseManualTime();
BENCHMARK_CAPTURE(ours_aligned, spilled_64k, 65536, nearly_all_spilled)
    ->DenseRange(0, 63)
    ->UseManualTime();

}  // namespace
}  // namespace seekable::bench

BENCHMARK_MAIN();
