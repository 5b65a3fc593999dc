// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "fault/child.hpp"
#include "fault/faults.hpp"
#include "fault/scenario.hpp"
#include "support/drips.hpp"
#include "system/process_fence.hpp"

namespace seekable::test {
namespace {

/// Every few calls fail, at random, until it ends.
class RandomFaults final : public detail::sys::Faults {
 public:
  explicit RandomFaults(std::uint64_t seed) : seed_(seed) { detail::sys::install_faults(this); }
  RandomFaults(const RandomFaults&) = delete;
  RandomFaults& operator=(const RandomFaults&) = delete;
  ~RandomFaults() override { detail::sys::install_faults(nullptr); }

  std::optional<Fault> before(Call call) override {
    if (ended_ || (call != Call::pwrite && call != Call::open)) return std::nullopt;
    std::mt19937_64 random(seed_ + asked_++);
    switch (random() % 5) {
      case 0: return Fault{.error = ENOSPC, .at_most = 0};
      case 1: return Fault{.error = EIO, .at_most = 0};
      case 2: return Fault{.error = 0, .at_most = random() % 30000 + 1};
      default: return std::nullopt;
    }
  }
  void end() { ended_ = true; }

 private:
  const std::uint64_t seed_;
  std::atomic<std::uint64_t> asked_{0};
  std::atomic<bool> ended_{false};
};

class FaultThreads : public testing::TestWithParam<StreamKind> {};

/// What is kept only grows. Returns false where it does not.
bool only_grows(std::map<std::uint64_t, std::uint64_t>& before, const StreamBuffer& buffer) {
  for (std::uint64_t block = 0; block * 65536 < Stream::size; ++block) {
    const std::uint64_t begin = block * 65536;
    const std::uint64_t kept = std::min<std::uint64_t>(buffer.available(begin), 65536);
    if (kept < before[block]) return false;
    before[block] = kept;
  }
  return true;
}

TEST_P(FaultThreads, LoseNothingAndAllGoOn) {
  std::mt19937_64 seeds(test_seed());
  for (int round = 0; round < 15; ++round) {
    Stream stream(GetParam());
    RandomFaults faults(seeds());
    std::atomic<bool> over{false};
    std::jthread watch([&] {
      std::map<std::uint64_t, std::uint64_t> before;
      while (!over) {
        if (!only_grows(before, stream.buffer())) {
          ADD_FAILURE() << "kept bytes were gone for a moment";
          return;
        }
      }
    });
    std::vector<std::jthread> readers;
    for (int thread = 0; thread < 3; ++thread) {
      readers.emplace_back([&, seed = seeds()] {
        std::mt19937_64 random(seed);
        for (int i = 0; i < 60; ++i) {
          const std::uint64_t offset = random() % Stream::size;
          std::optional<Seen> error;
          stream.read(offset, 1 + random() % 20000, error);
          if (error) {
            EXPECT_EQ(error->code, Errc::disk_full) << error->text;
          }
        }
      });
    }
    readers.clear();
    over = true;
    watch.join();
    stream.expect_kept_bytes();
    faults.end();
    stream.read_to_end(0, 30000, [](const Seen& seen, std::uint64_t) {
      ADD_FAILURE() << seen.text;
      return false;
    });
    EXPECT_LE(stream.buffer().stats().spool_bytes, Stream::size + 2 * 65536);
    stream.end();
    if (HasFailure()) return;
  }
}

std::vector<StreamKind> kinds() {
  std::vector<StreamKind> all;
  for (const StreamKind& kind : stream_kinds()) {
    // Two connections may need a sealed block each; the third is for the first block.
    if (!kind.window && !(kind.encrypted && kind.restartable)) all.push_back(kind);
  }
  all.push_back({.name = "restartable_written_through", .memory = 20 * 1024, .restartable = true});
  all.push_back({.name = "restartable_two_directories",
                 .memory = 20 * 1024,
                 .restartable = true,
                 .directories = 2});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Every, FaultThreads, testing::ValuesIn(kinds()), kind_name);

// A sandbox may forbid the fence of who comes to wait (process_fence.hpp) after the start.
TEST(FailingFence, LeavesNoWaiterForDripsAsleep) {
  EXPECT_TRUE(passes_in_a_child([] {
    const NthCall faults({Call::membarrier}, 5, {.error = ENOMEM}, NthCall::Lasts::on);
    // How often somebody comes to wait depends on the threads: so long that the call has failed.
    bool fired = false;
    do {
      fired = faults.fired();
      EXPECT_EQ(bytes_that_followers_of_drips_get_wrong(20'000, 4 * block), 0U);
    } while (!fired);
    EXPECT_FALSE(detail::ProcessFence::is_there());
  }));
}

}  // namespace
}  // namespace seekable::test
