// SPDX-License-Identifier: Apache-2.0
// How much memory a stream takes, whatever its length; in bytes. The bytes come from memory, since
// only their number matters here.
#include <cstddef>
#include <memory>
#include <random>
#include <span>

#include "seekable/seekable.hpp"
#include "support/job.hpp"
#include "support/memory_use.hpp"
#include "support/pattern.hpp"
#include "support/pattern_source.hpp"

namespace seekable::bench {
namespace {

constexpr std::uint64_t block_bytes = 64 * 1024;
constexpr std::uint64_t memory_bytes = 5 * 1024 * 1024;

/// Reads here and there, which must not cost memory either.
void check_some(const StreamBuffer& buffer, std::uint64_t size) {
  std::byte page[page_size];
  std::mt19937_64 random(42);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t offset = random() % (size / page_size) * page_size;
    check(buffer.read_at(offset, page) == page_size, "a whole page is read");
    check_pattern(offset, page);
  }
}

/// What memory grows by from one point of a stream to another.
class Growth {
 public:
  explicit Growth(std::uint64_t from) : from_(from) {}

  /// More of the stream has come.
  void add(std::size_t bytes) {
    if (given_ < from_ && given_ + bytes >= from_) before_ = MemoryUse::now();
    given_ += bytes;
  }

  double for_each_block() const {
    const std::uint64_t blocks = (given_ - from_) / block_bytes;
    return MemoryUse::now().growth_since(before_) / static_cast<double>(blocks);
  }

 private:
  const std::uint64_t from_;
  std::uint64_t given_ = 0;
  MemoryUse before_;
};

/// The most that was resident while a stream was filled and read. Notes what each further block
/// costs once the stream is long and all of them are spilled: from a sixteenth of it to its end.
double resident(std::uint64_t size, Fill fill) {
  Options options;
  options.fill = fill;
  options.memory_limit = memory_bytes;
  PatternSource pattern(size);
  Growth growth(size / 16);
  const auto give = [&](std::span<std::byte> out) {
    const std::size_t got = pattern.read_some(out);
    growth.add(got);
    return got;
  };
  forget_peak_resident();
  const StreamBuffer buffer(from_function(give), options);
  check(buffer.wait_for_size() == size, "all came");
  if (size / 16 > memory_bytes) note("bytes_for_each_block", growth.for_each_block());
  check_some(buffer, size);
  return static_cast<double>(peak_resident());
}

const Register r1("resident", "on_demand",
                  [](std::uint64_t size) { return resident(size, Fill::on_demand); });
const Register r2("resident", "ahead",
                  [](std::uint64_t size) { return resident(size, Fill::ahead); });

}  // namespace
}  // namespace seekable::bench
