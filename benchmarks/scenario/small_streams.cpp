// SPDX-License-Identifier: Apache-2.0
// Whole lives of short streams: made, filled, read back, dropped. The source costs a copy.
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "seekable/seekable.hpp"
#include "support/job.hpp"
#include "support/pattern.hpp"

namespace seekable::bench {
namespace {

struct alignas(page_size) Page {
  std::byte bytes[page_size];
};

/// Page-aligned memory, as a program that cares for speed has it.
class Memory {
 public:
  explicit Memory(std::size_t size)
      : pages_(new Page[(size + page_size - 1) / page_size]()), size_(size) {}
  std::span<std::byte> bytes() const { return {pages_[0].bytes, size_}; }

 private:
  std::unique_ptr<Page[]> pages_;
  std::size_t size_;
};

/// Gives bytes that are there already.
class MemorySource final : public Source {
 public:
  explicit MemorySource(std::span<const std::byte> bytes) : left_(bytes) {}
  std::size_t read_some(std::span<std::byte> out) override {
    const std::size_t size = std::min(out.size(), left_.size());
    std::memcpy(out.data(), left_.data(), size);
    left_ = left_.subspan(size);
    return size;
  }

 private:
  std::span<const std::byte> left_;
};

/// So many lives that one run takes a good part of a second.
std::size_t lives(std::uint64_t size) {
  return std::max<std::size_t>(10,
                               static_cast<std::size_t>(std::uint64_t{1} << 30) / (size + 2000));
}

/// Seconds of one life, after one that is checked.
template <typename Live>
double seconds_of_life(std::uint64_t size, const Memory& out, Live live) {
  live();
  check_pattern(0, out.bytes());
  const std::size_t count = lives(size);
  const double seconds = seconds_of([&] {
    for (std::size_t i = 0; i < count; ++i) live();
  });
  return seconds / static_cast<double>(count);
}

double ours(std::uint64_t size) {
  const Memory content(size);
  const Memory out(size);
  fill_pattern(0, content.bytes());
  const auto live = [&] {
    const StreamBuffer buffer(std::make_unique<MemorySource>(content.bytes()));
    keep(buffer.wait_for_size());
    keep(buffer.read_at(0, out.bytes()));
  };
  return seconds_of_life(size, out, live);
}

/// As many copies as a life has that is all copies: in and out.
double two_copies(std::uint64_t size) {
  const Memory content(size);
  const Memory kept(size);
  const Memory out(size);
  fill_pattern(0, content.bytes());
  const auto live = [&] {
    std::memcpy(kept.bytes().data(), content.bytes().data(), size);
    keep(kept.bytes()[0]);
    std::memcpy(out.bytes().data(), kept.bytes().data(), size);
    keep(out.bytes()[0]);
  };
  return seconds_of_life(size, out, live);
}

/// The same virtual source copied into a vector from the heap, read back, freed.
double vector(std::uint64_t size) {
  const Memory content(size);
  const Memory out(size);
  fill_pattern(0, content.bytes());
  const auto live = [&] {
    const std::unique_ptr<Source> source = std::make_unique<MemorySource>(content.bytes());
    std::vector<std::byte> kept(size);
    keep(source->read_some(kept));
    std::memcpy(out.bytes().data(), kept.data(), size);
    keep(out.bytes()[0]);
  };
  return seconds_of_life(size, out, live);
}

const Register r1("lives", "ours", ours);
const Register r2("lives", "two_copies", two_copies);
const Register r3("lives", "vector", vector);

}  // namespace
}  // namespace seekable::bench
