// SPDX-License-Identifier: Apache-2.0
// Reads and views of spilled bytes in the page cache, beside a bare pread and a raw mapping of the
// same file.
#include <sys/mman.h>
#include <unistd.h>

#include "micro/kept.hpp"
#include "support/places.hpp"

namespace seekable::bench {
namespace {

constexpr std::size_t read_size = 4096;
constexpr std::uint64_t size = std::uint64_t{1} << 30;

const StreamBuffer& stream() {
  static const StreamBuffer buffer = kept_stream(size, std::uint64_t{5} << 20);
  return buffer;
}

/// A copy of the stream, so that `stream` stays as it was spilled.
int file() {
  static const FileDescriptor fd = kept_stream(size, 0).to_file();
  return fd.get();
}

/// A cache line of the same part.
std::uint64_t next_line(Places& places) { return size / 2 + places.next() * 64; }

/// Past what is in memory.
std::uint64_t next_offset(Places& places) { return size / 2 + places.next() * read_size; }

/// Brings all of a file into the page cache: the system may have taken cold pages away meanwhile.
void warm(int fd) {
  const auto out = std::make_unique<Destination>();
  for (std::uint64_t at = 0; at < size; at += sizeof out->bytes) {
    check(::pread(fd, out->bytes, sizeof out->bytes, static_cast<off_t>(at)) > 0, "read");
  }
}

void warm(const StreamBuffer& buffer) {
  const auto out = std::make_unique<Destination>();
  for (std::uint64_t at = 0; at < size; at += sizeof out->bytes) buffer.read_at(at, out->bytes);
}

void ours_spilled(benchmark::State& state) {
  const StreamBuffer& buffer = stream();
  const auto out = std::make_unique<Destination>();
  const auto into = std::span(out->bytes).first(read_size);
  warm(buffer);
  Places places(size / 2 / read_size, 1);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t offset = next_offset(places);
    check(buffer.read_at(offset, into) == read_size, "read");
    check_pattern(offset, into);
  }
  for (auto _ : state) benchmark::DoNotOptimize(buffer.read_at(next_offset(places), into));
}

void baseline_spilled(benchmark::State& state) {
  const auto out = std::make_unique<Destination>();
  warm(file());
  Places places(size / 2 / read_size, 1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        ::pread(file(), out->bytes, read_size, static_cast<off_t>(next_offset(places))));
  }
}

void ours_view(benchmark::State& state) {
  const StreamBuffer& buffer = stream();
  warm(buffer);
  Places places(size / 2 / read_size, 1);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t offset = next_offset(places);
    check_pattern(offset, buffer.view(offset, read_size).bytes());
  }
  Places lines(size / 2 / 64, 1);
  for (auto _ : state) {
    const View view = buffer.view(next_line(lines), read_size);
    lines.mix_in(view.bytes()[0]);
  }
}

void baseline_view(benchmark::State& state) {
  static const auto* const mapped =
      static_cast<const std::byte*>(::mmap(nullptr, size, PROT_READ, MAP_SHARED, file(), 0));
  warm(file());
  Places lines(size / 2 / 64, 1);
  for (auto _ : state) lines.mix_in(mapped[next_line(lines)]);
  benchmark::DoNotOptimize(lines.next());
}

BENCHMARK(ours_spilled)->UseRealTime();
BENCHMARK(baseline_spilled)->UseRealTime();
BENCHMARK(ours_view)->UseRealTime();
BENCHMARK(baseline_view)->UseRealTime();

}  // namespace
}  // namespace seekable::bench
