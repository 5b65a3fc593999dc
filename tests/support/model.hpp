// SPDX-License-Identifier: Apache-2.0
#pragma once

/// \file
/// Random buffers, and random operations on them, each compared with a plain array of bytes.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "seekable/seekable.hpp"

namespace seekable::test {

/// Where decisions come from: a random generator, or the bytes of a fuzzer.
class Choices {
 public:
  virtual ~Choices() = default;

  /// A number below `count`, which is not 0.
  virtual std::uint64_t below(std::uint64_t count) = 0;

  bool chance(std::uint64_t percent) { return below(100) < percent; }
  template <typename T>
  const T& one_of(const std::vector<T>& values) {
    return values[static_cast<std::size_t>(below(values.size()))];
  }
};

/// SplitMix64.
class RandomChoices final : public Choices {
 public:
  explicit RandomChoices(std::uint64_t seed) : state_(seed) {}

  std::uint64_t below(std::uint64_t count) override {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t value = state_;
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
    return (value ^ (value >> 31U)) % count;
  }

 private:
  std::uint64_t state_;
};

/// A stream, how it arrives, and how it is kept.
struct Setup {
  std::vector<std::byte> content;
  std::vector<std::size_t> chunks;
  bool restartable = false;
  int connections = 1;
  std::uint64_t read_through = 0;
  std::optional<std::uint64_t> declared;
  std::optional<std::uint64_t> found;  ///< what a restartable source finds out when asked
  std::optional<std::uint64_t> fail_at;
  std::error_condition fail_code = std::errc::io_error;
  bool may_change = false;  ///< the origin may get another version, at any time
  Options options;

  bool blocks() const {
    return options.retention.window_size() && options.retention.when_full() == WhenFull::block;
  }
  bool drops() const { return options.retention.window_size().has_value(); }
  /// How much of the stream there is before it ends or fails.
  std::uint64_t reach() const {
    std::uint64_t reach = std::min<std::uint64_t>(fail_at.value_or(content.size()), content.size());
    return claim() ? std::min(reach, *claim()) : reach;
  }
  /// The declared size, wherever it comes from.
  std::optional<std::uint64_t> claim() const {
    if (options.expected_size) return options.expected_size;
    if (declared) return declared;
    return restartable ? found : std::nullopt;
  }
  bool fails() const { return fail_at || (claim() && *claim() != content.size()); }
  std::string describe() const;
};

Setup make_setup(Choices& choices, bool may_encrypt);

/// A restartable stream of several blocks, often with memory for them all and connections that
/// rather jump than read on.
Setup make_jumping_setup(Choices& choices, bool may_encrypt);
std::unique_ptr<Source> make_source(const Setup& setup);

/// What went wrong.
class Wrong : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A buffer under test, shared by the threads of `Player`s.
///
/// Threads: safe to use from any number of threads.
class Arena {
 public:
  /// `source` plays the setup; null: `make_source` does.
  explicit Arena(Setup setup, std::unique_ptr<Source> source = nullptr);

  const Setup& setup() const { return setup_; }
  StreamBuffer& buffer() { return *buffer_; }
  void destroy() { buffer_.reset(); }

  // What may be seen, whatever else is going on.
  void cancel();
  void release_before(std::uint64_t offset);
  bool may_be_released(std::uint64_t offset) const {
    return setup_.drops() || offset < released_.load();
  }
  /// A missing byte below the end may fail: the stream was cancelled, or one of several fillers
  /// failed elsewhere.
  bool may_fail_anywhere() const {
    return cancelled_.load() || setup_.may_change || (setup_.restartable && setup_.fails());
  }
  bool may_be_full() const { return may_be_full_; }
  bool was_cancelled() const { return cancelled_.load(); }

  void check_bytes(std::uint64_t offset, std::span<const std::byte> bytes, const char* what) const;
  void check_error(const Error& error, std::uint64_t offset, bool has_wait, const char* what) const;
  void check_short(std::uint64_t offset, std::uint64_t asked, std::uint64_t got,
                   const char* what) const;
  void check_limits() const;
  void check_residency() const;

  /// Counts the calls of callbacks.
  struct Told {
    std::atomic<int> calls{0};
    std::error_code code;
  };

  [[noreturn]] void wrong(const std::string& what) const;

 private:
  const Setup setup_;
  std::optional<StreamBuffer> buffer_;
  const bool may_be_full_;
  std::atomic<bool> cancelled_{false};
  std::atomic<std::uint64_t> released_{0};
};

/// One thread's random operations.
class Player {
 public:
  Player(Arena& arena, Choices& choices);
  ~Player();

  /// Does one operation. Throws: Wrong.
  void play();

  /// The end: subscriptions that were decided were told exactly once. Throws: Wrong.
  void finish();

 private:
  struct HeldView {
    View view;
    std::uint64_t offset;
  };
  struct HeldSubscription {
    Subscription subscription;
    std::shared_ptr<Arena::Told> told;
    ByteRange range;
  };

  void read_at();
  void read_some_at();
  void read_owned();
  void take_view();
  void drop_view();
  void use_reader();
  void seek_reader();
  void renew_reader();
  void wait_for();
  void subscribe();
  void drop_subscription();
  void prefetch();
  void release();
  void look();
  void read_available(std::uint64_t offset, std::uint64_t size);
  void copy_out();
  void ask_for_size();
  void play_in_blocking_window();

  std::uint64_t some_offset();
  std::uint64_t some_size();
  std::optional<Wait> some_wait();
  std::uint64_t kept_offset();

  Arena& arena_;
  Choices& choices_;
  std::optional<Reader> reader_;
  std::vector<HeldView> views_;
  std::vector<HeldSubscription> subscriptions_;
};

/// Has several threads play on a new arena, and looks at what is there in the end. Throws: Wrong.
void play_round(Arena& arena, Choices& choices, std::uint64_t seed);

/// `$SEEKABLE_MODEL_ROUNDS`, or else `usual`.
std::uint64_t model_rounds(std::uint64_t usual);

}  // namespace seekable::test
