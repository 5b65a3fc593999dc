// SPDX-License-Identifier: Apache-2.0
// Who wants the whole stream is told at once when a window drops its first bytes.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "support/buffers.hpp"
#include "support/watchdog.hpp"

namespace seekable::test {
namespace {

/// Gives the first block at once, ten bytes of the third, and everything else behind its gates.
class Stalling final : public RestartableSource {
 public:
  struct Gates {
    Gate second;
    Gate third;
  };
  explicit Stalling(std::shared_ptr<Gates> gates) : gates_(std::move(gates)) {}

  std::size_t read_some(std::span<std::byte> out) override {
    const bool in_third = offset_ >= 2 * block;
    const bool is_new = std::exchange(is_new_, false);
    if (offset_ >= block && !(in_third && is_new)) {
      Gate& gate = in_third ? gates_->third : gates_->second;
      if (!gate.enter(cancelled_)) throw Error(Errc::cancelled, "give bytes", offset_);
    }
    const std::size_t most = in_third ? 10 : block - offset_ % block;
    const std::size_t size = std::min(out.size(), most);
    std::fill_n(out.begin(), size, std::byte{7});
    offset_ += size;
    return size;
  }
  std::optional<std::uint64_t> size() const override { return 100 * block; }
  void cancel() noexcept override {
    cancelled_ = true;
    gates_->second.wake();
    gates_->third.wake();
  }
  void reopen(std::uint64_t offset, std::optional<std::uint64_t>) override {
    offset_ = offset;
    is_new_ = true;
  }
  bool worth_reading_through(std::uint64_t) const override { return false; }
  std::unique_ptr<RestartableSource> another() const override {
    return std::make_unique<Stalling>(gates_);
  }

 private:
  std::shared_ptr<Gates> gates_;
  std::uint64_t offset_ = 0;
  bool is_new_ = true;
  std::atomic<bool> cancelled_{false};
};

TEST(WindowWaiter, ForAllOfTheStreamEndsWhenAnotherConnectionMovesTheWindow) {
  Watchdog watchdog("whoever wants the whole stream");
  const auto gates = std::make_shared<Stalling::Gates>();
  Options options;
  options.retention = Retention::window(2 * block, WhenFull::drop_oldest);
  StreamBuffer buffer(std::make_unique<Stalling>(gates), std::move(options));
  buffer.read(0, block);
  std::error_code code;
  std::jthread waiter([&] { code = code_of([&] { buffer.to_file(Wait()); }); });
  gates->second.wait_entered();  // The fill thread, for the waiter, who sleeps.
  std::jthread reader([&] { code_of([&] { buffer.read(2 * block, block); }); });
  waiter.join();  // Both connections are stalled still.
  EXPECT_EQ(code, Errc::released);
  buffer.cancel();
}

}  // namespace
}  // namespace seekable::test
