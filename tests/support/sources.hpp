// SPDX-License-Identifier: Apache-2.0
#pragma once

/// \file
/// What tests feed to buffers: bytes to compare with, and sources that do what a script says.

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "seekable/bytes.hpp"
#include "seekable/source.hpp"

namespace seekable::test {

/// The seed of this run: `$SEEKABLE_SEED`, or a new one. A test that asked for it and fails prints
/// it.
std::uint64_t test_seed();

/// `size` bytes that depend on `seed` alone.
std::vector<std::byte> random_bytes(std::size_t size, std::uint64_t seed);

std::vector<std::byte> to_bytes(std::string_view text);
std::string to_string(std::span<const std::byte> bytes);

/// The 26 letters, `a` to `z`.
std::vector<std::byte> letters();

/// The byte at `offset` of an endless stream in which no two places look alike.
std::byte pattern_byte(std::uint64_t offset);

/// The bytes `[offset, offset + size)` of that stream.
std::vector<std::byte> pattern_bytes(std::uint64_t offset, std::size_t size);

/// An exception of type `std::system_error` or of what `make` throws, to be thrown by a script.
std::exception_ptr failure_with(std::error_code code, const std::string& what = "scripted failure");
std::exception_ptr failure_with(std::errc code, const std::string& what = "scripted failure");
template <typename Exception>
std::exception_ptr failure_of(Exception exception) {
  return std::make_exception_ptr(std::move(exception));
}

/// Where a scripted source stops until the test lets it go on.
///
/// Threads: safe to use from any number of threads at once.
class Gate {
 public:
  /// Lets everybody through, now and later.
  void open();

  /// Lets `count` more reads through, those that wait first.
  void pass(std::size_t count = 1);

  /// Waits until `count` reads have arrived here, counted from the beginning.
  void wait_entered(std::size_t count = 1);

  /// How many have arrived, and how many of them wait now.
  std::size_t entered() const;
  std::size_t waiting() const;

  /// For sources: arrives and waits. Returns: false if `given_up` became true first.
  bool enter(const std::atomic<bool>& given_up);

  /// For sources: makes those who wait look at their `given_up` again.
  void wake();

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  std::size_t passes_ = 0;
  std::size_t entered_ = 0;
  std::size_t waiting_ = 0;
};

/// What scripted sources were asked to do; shared by the connections of one origin, and outlives
/// them.
///
/// Threads: safe to use from any number of threads at once.
class SourceLog {
 public:
  struct Read {
    int connection;        ///< 0: the first
    std::uint64_t offset;  ///< where it began
    std::size_t asked;     ///< the size of the span
  };
  struct Reopen {
    int connection;
    std::uint64_t offset;
    std::optional<std::uint64_t> wanted;
  };

  std::size_t reads() const { return reads_.load(); }
  std::uint64_t bytes() const { return bytes_.load(); }
  std::size_t cancels() const { return cancels_.load(); }
  std::size_t find_sizes() const { return find_sizes_.load(); }
  int connections() const { return connections_.load(); }        ///< ever made
  int alive() const { return alive_.load(); }                    ///< not yet destroyed
  int max_concurrent() const { return max_concurrent_.load(); }  ///< on one source: must be 1
  std::vector<Read> read_list() const;
  std::vector<Reopen> reopens() const;

 private:
  friend class ScriptPlayer;
  friend class ScriptedSource;
  friend class ScriptedRestartable;

  std::atomic<std::size_t> reads_{0};
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::size_t> cancels_{0};
  std::atomic<std::size_t> find_sizes_{0};
  std::atomic<int> connections_{0};
  std::atomic<int> alive_{0};
  std::atomic<int> max_concurrent_{0};
  mutable std::mutex mutex_;
  std::vector<Read> read_list_;  // the first 100,000: enough to look at, no more to keep
  std::vector<Reopen> reopens_;
};

/// What a scripted source does. Reads never cross a place where something happens, so "fails
/// after 7 bytes" gives 7 bytes first, whatever the chunks.
struct Script {
  /// The stream. For a stream too large to hold leave it empty and give `byte_at` and `length`.
  std::vector<std::byte> content = {};
  std::function<std::byte(std::uint64_t)> byte_at = {};
  std::uint64_t length = 0;

  /// At most so many bytes by the first read, the second, ... and from the front again. Empty: as
  /// many as fit. (A 0 is a source that lies about its end.)
  std::vector<std::size_t> chunks = {};

  /// What `size()` answers.
  std::optional<std::uint64_t> declared_size = std::nullopt;
  /// What `find_size()` answers; nothing: as `size()`. (Restartable only.)
  std::optional<std::uint64_t> found_size = std::nullopt;

  /// Throws `failure` instead of giving the byte at `fail_at` (or the end, where that is there).
  std::optional<std::uint64_t> fail_at = std::nullopt;
  std::exception_ptr failure = {};  ///< null: EIO

  /// Stops at the gate before the byte (or the end) at its offset is given.
  std::map<std::uint64_t, std::shared_ptr<Gate>> gates = {};
  /// Stops at the gate before each read of the connection with that number. (0: the first.)
  std::map<int, std::shared_ptr<Gate>> connection_gates = {};

  /// Whether `cancel` ends a read at a gate, and every later one.
  bool heeds_cancel = true;

  /// Called at the start of each `read_some`, with the offset; may do and throw anything.
  std::function<void(std::uint64_t)> on_read = {};

  // Restartable only:
  std::uint64_t read_through = 0;  ///< `worth_reading_through(gap)` is `gap <= read_through`
  int max_connections = 1;         ///< `another()` gives null when so many were made
  /// Called in `reopen` with the offset; may throw: the origin changed.
  std::function<void(std::uint64_t)> on_reopen = {};

  SourceInfo info = {
      .name = "scripted", .content_type = {}, .validator = {}, .modified = std::nullopt};
};

/// Plays a script from any offset: what both scripted sources are made of.
class ScriptPlayer {
 public:
  ScriptPlayer(std::shared_ptr<const Script> script, std::shared_ptr<SourceLog> log);
  ScriptPlayer(const ScriptPlayer&) = delete;
  ScriptPlayer& operator=(const ScriptPlayer&) = delete;
  ~ScriptPlayer();

  std::size_t read_some(std::span<std::byte> out);
  void cancel() noexcept;
  void seek(std::uint64_t offset) noexcept { position_ = offset; }
  std::uint64_t position() const noexcept { return position_; }
  int connection() const noexcept { return connection_; }

 private:
  void pass_gates(int connection);
  std::size_t size_of_next(std::size_t asked);
  void copy(std::span<std::byte> out) const;
  std::uint64_t length() const;

  const std::shared_ptr<const Script> script_;
  const std::shared_ptr<SourceLog> log_;
  const int connection_;
  std::uint64_t position_ = 0;
  std::size_t next_chunk_ = 0;
  std::atomic<int> inside_{0};
  std::atomic<bool> cancelled_{false};
};

/// A source that goes forward only.
class ScriptedSource final : public Source {
 public:
  explicit ScriptedSource(Script script,
                          std::shared_ptr<SourceLog> log = std::make_shared<SourceLog>());

  std::size_t read_some(std::span<std::byte> out) override { return player_.read_some(out); }
  std::optional<std::uint64_t> size() const override { return script_->declared_size; }
  void cancel() noexcept override { player_.cancel(); }
  SourceInfo info() const override { return script_->info; }

  std::shared_ptr<SourceLog> log() const { return log_; }

 private:
  std::shared_ptr<const Script> script_;
  std::shared_ptr<SourceLog> log_;
  ScriptPlayer player_;
};

/// A source that can be opened at any offset, by several connections at once. They share the log.
class ScriptedRestartable final : public RestartableSource {
 public:
  explicit ScriptedRestartable(Script script,
                               std::shared_ptr<SourceLog> log = std::make_shared<SourceLog>());
  ScriptedRestartable(std::shared_ptr<const Script> script, std::shared_ptr<SourceLog> log);

  std::size_t read_some(std::span<std::byte> out) override { return player_.read_some(out); }
  std::optional<std::uint64_t> size() const override { return script_->declared_size; }
  void cancel() noexcept override { player_.cancel(); }
  SourceInfo info() const override { return script_->info; }
  void reopen(std::uint64_t offset, std::optional<std::uint64_t> wanted) override;
  bool worth_reading_through(std::uint64_t gap) const override {
    return gap <= script_->read_through;
  }
  std::optional<std::uint64_t> find_size() override;
  std::unique_ptr<RestartableSource> another() const override;

  std::shared_ptr<SourceLog> log() const { return log_; }

 private:
  std::shared_ptr<const Script> script_;
  std::shared_ptr<SourceLog> log_;
  ScriptPlayer player_;
};

/// A scripted source of `content` and nothing else, for tests that need no more.
std::unique_ptr<ScriptedSource> scripted(std::vector<std::byte> content,
                                         std::vector<std::size_t> chunks = {});

}  // namespace seekable::test
