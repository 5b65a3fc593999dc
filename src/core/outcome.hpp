// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

#include "base/block.hpp"
#include "core/failure.hpp"
#include "seekable/error.hpp"

namespace seekable::inline v1::detail {

/// What is known of the end of a stream: the size it was declared to have, the end it has reached,
/// the failure that broke it off. Each is set once.
///
/// Threads: reading is safe from any number of threads; setting is done under the fill's mutex.
class Outcome {
 public:
  Outcome() = default;
  Outcome(const Outcome&) = delete;
  Outcome& operator=(const Outcome&) = delete;
  ~Outcome() { free_failure(failure_.load(std::memory_order_acquire)); }

  /// The confirmed end, or `unknown`.
  std::uint64_t end() const noexcept { return end_.load(std::memory_order_seq_cst); }

  /// The declared size, or `unknown`.
  std::uint64_t declared() const noexcept { return declared_.load(std::memory_order_acquire); }

  /// The failure, or null. Valid as long as this object.
  const Failure* failure() const noexcept { return failure_.load(std::memory_order_seq_cst); }

  void declare(std::uint64_t size) noexcept { declared_.store(size, std::memory_order_release); }
  void set_end(std::uint64_t size) noexcept { end_.store(size, std::memory_order_seq_cst); }
  void set_failure(Failure failure) noexcept {
    const std::error_code code = failure.code;
    const Failure* made = new (std::nothrow) Failure(std::move(failure));
    if (made == nullptr) made = &failure_without_memory(code);
    failure_.store(made, std::memory_order_seq_cst);
  }

  /// The size as far as it may be told; nothing once the declared one has proved wrong.
  std::optional<std::uint64_t> size() const noexcept {
    if (const Failure* failed = failure()) {
      if (failed->code == Errc::truncated || failed->code == Errc::overrun) return std::nullopt;
    }
    if (end() != unknown) return end();
    if (declared() != unknown) return declared();
    return std::nullopt;
  }

  /// Throws the failure. Requires: there is one.
  [[noreturn]] void throw_failure() const { throw Error(*failure()); }

 private:
  std::atomic<std::uint64_t> end_{unknown};
  std::atomic<std::uint64_t> declared_{unknown};
  std::atomic<const Failure*> failure_{nullptr};
};

}  // namespace seekable::inline v1::detail
