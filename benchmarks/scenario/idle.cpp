// SPDX-License-Identifier: Apache-2.0
// What a buffer costs that does nothing: memory beyond the bytes that it keeps, in bytes for each
// of `size` buffers. Their sources count too.
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "seekable/seekable.hpp"
#include "support/job.hpp"
#include "support/memory_use.hpp"
#include "support/pattern.hpp"
#include "support/pattern_source.hpp"

namespace seekable::bench {
namespace {

constexpr std::size_t read_bytes = 1024;
constexpr std::uint64_t stream_bytes = 1024 * 1024;

/// A buffer of which 1 KiB has been read, with more to come. A source that gives `most` bytes at a
/// time decides how many the buffer then keeps.
StreamBuffer idle_buffer(std::uint64_t most) {
  StreamBuffer buffer(std::make_unique<PatternSource>(stream_bytes, most));
  std::byte out[read_bytes];
  check(buffer.read_at(0, out) == read_bytes, "read");
  check_pattern(0, out);
  return buffer;
}

double beyond_bytes(std::uint64_t count, std::uint64_t most) {
  // What a process pays once, however many buffers it has, is paid by this one.
  const StreamBuffer first = idle_buffer(most);
  const MemoryUse before = MemoryUse::now();
  std::vector<StreamBuffer> buffers;
  buffers.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) buffers.push_back(idle_buffer(most));
  const double grown = MemoryUse::now().growth_since(before);
  std::uint64_t kept = 0;
  for (const StreamBuffer& buffer : buffers) kept += buffer.available(0);
  return (grown - static_cast<double>(kept)) / static_cast<double>(count);
}

const Register r1("idle", "all_that_is_asked",
                  [](std::uint64_t count) { return beyond_bytes(count, stream_bytes); });
const Register r2("idle", "no_more_than_read",
                  [](std::uint64_t count) { return beyond_bytes(count, read_bytes); });

}  // namespace
}  // namespace seekable::bench
