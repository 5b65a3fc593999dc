// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "seekable/seekable.hpp"
#include "support/buffers.hpp"

namespace seekable::test {

/// One byte a call, and the next one only a few bytes after all readers have had the last: so they
/// wait for nearly every byte while the fill goes from one to the next as fast as it can.
class FollowedDrips final : public Source {
 public:
  static constexpr std::size_t readers = 3;
  using Progress = std::array<std::atomic<std::size_t>, readers>;

  FollowedDrips(std::span<const std::byte> content, const Progress& progress)
      : content_(content), progress_(progress) {}

  std::size_t read_some(std::span<std::byte> out) override {
    if (at_ == content_.size()) return 0;
    const std::size_t lead = at_ % 4;
    for (const auto& read : progress_) {
      while (read.load(std::memory_order_acquire) + lead < at_) std::this_thread::yield();
    }
    out.front() = content_[at_++];
    return 1;
  }

 private:
  const std::span<const std::byte> content_;
  const Progress& progress_;
  std::size_t at_ = 0;
};

/// Has readers follow `size` drips. Returns how many bytes they got wrong.
inline std::size_t bytes_that_followers_of_drips_get_wrong(std::size_t size, std::uint64_t memory) {
  const auto content = random_bytes(size, test_seed());
  FollowedDrips::Progress progress{};
  Options options;
  options.fill = Fill::ahead;
  options.memory_limit = memory;
  const StreamBuffer buffer(std::make_unique<FollowedDrips>(content, progress), options);
  std::atomic<std::size_t> wrong{0};
  std::vector<std::jthread> threads;
  for (auto& read : progress) {
    threads.emplace_back([&] {
      for (std::size_t at = 0; at < size; ++at) {
        std::byte byte{};
        if (buffer.read_at(at, {&byte, 1}) != 1 || byte != content[at]) ++wrong;
        read.store(at + 1, std::memory_order_release);
      }
    });
  }
  threads.clear();
  return wrong;
}

}  // namespace seekable::test
