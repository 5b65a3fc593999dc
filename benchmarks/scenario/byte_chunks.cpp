// SPDX-License-Identifier: Apache-2.0
// A source that gives one byte at a time, which is the worst there is.
#include <cstddef>
#include <span>
#include <vector>

#include "seekable/seekable.hpp"
#include "support/job.hpp"
#include "support/pattern.hpp"

namespace seekable::bench {
namespace {

/// Gives one byte a call.
class ByteSource final : public Source {
 public:
  explicit ByteSource(std::uint64_t size) : content_(size) { fill_pattern(0, content_); }
  std::size_t read_some(std::span<std::byte> out) override {
    if (at_ == content_.size()) return 0;
    out[0] = content_[at_++];
    return 1;
  }

 private:
  std::vector<std::byte> content_;
  std::size_t at_ = 0;
};

/// `already`: bytes that are pulled before the clock starts, so that memory is used up.
double ours(std::uint64_t size, std::uint64_t already, std::uint64_t memory) {
  Options options;
  options.memory_limit = memory;
  const StreamBuffer buffer(std::make_unique<ByteSource>(already + size), options);
  std::byte byte{};
  if (already > 0) buffer.read_at(already - 1, {&byte, 1});
  const double seconds = seconds_of([&] { buffer.wait_for_size(); });
  check_pattern(0, buffer.read(0, already + size));
  return seconds;
}

double vector(std::uint64_t size) {
  const std::unique_ptr<Source> owned = std::make_unique<ByteSource>(size);
  // A source as others make them: the compiler does not know its type.
  Source* source = owned.get();
  asm volatile("" : "+r"(source));
  std::vector<std::byte> kept;
  const double seconds = seconds_of([&] {
    std::byte byte{};
    while (source->read_some({&byte, 1}) == 1) kept.push_back(byte);
  });
  check_pattern(0, kept);
  return seconds;
}

constexpr std::uint64_t spilled_memory = 256 * 1024;

const Register r1("bytes_in_memory", "ours",
                  [](std::uint64_t size) { return ours(size, 0, 5 * 1024 * 1024); });
const Register r2("bytes_in_memory", "vector", vector);
const Register r3("bytes_spilled", "ours", [](std::uint64_t size) {
  return ours(size, 2 * spilled_memory, spilled_memory);
});
const Register r4("bytes_spilled", "vector", vector);

}  // namespace
}  // namespace seekable::bench
