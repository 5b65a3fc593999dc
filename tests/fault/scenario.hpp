// SPDX-License-Identifier: Apache-2.0
#pragma once

/// \file
/// Streams larger than their memory, of every kind, and how a careful program reads them while the
/// system fails under it.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fault/faults.hpp"
#include "seekable/error.hpp"
#include "seekable/memory_budget.hpp"
#include "seekable/sources.hpp"
#include "seekable/stream_buffer.hpp"
#include "store/block_cipher.hpp"
#include "support/feeds.hpp"
#include "support/sources.hpp"

namespace seekable::test {

/// These tests make thousands of files, and sync them: not on a real disk, where there is another.
inline const bool scratch_in_memory =
    ::access("/dev/shm", W_OK) == 0 && ::setenv("TMPDIR", "/dev/shm", 1) == 0;

struct StreamKind {
  std::string name;
  std::uint64_t memory = 160 * 1024;
  Fill fill = Fill::on_demand;
  bool encrypted = false;
  bool window = false;
  bool restartable = false;
  std::size_t directories = 1;
  bool pipe = false;  ///< all of it waits in a pipe, so that blocks are spliced
};

inline std::ostream& operator<<(std::ostream& out, const StreamKind& kind) {
  return out << kind.name;
}

inline std::vector<StreamKind> stream_kinds() {
  std::vector<StreamKind> kinds = {
      {.name = "on_demand"},
      {.name = "ahead", .fill = Fill::ahead},
      {.name = "written_through", .memory = 20 * 1024},
      {.name = "window", .window = true},
      {.name = "restartable", .restartable = true},
      {.name = "restartable_ahead", .fill = Fill::ahead, .restartable = true},
      {.name = "two_directories", .directories = 2},
      {.name = "two_directories_written_through", .memory = 20 * 1024, .directories = 2},
      {.name = "two_directories_ahead", .fill = Fill::ahead, .directories = 2},
      {.name = "pipe", .pipe = true},
      {.name = "pipe_ahead", .fill = Fill::ahead, .pipe = true},
      {.name = "two_directories_pipe", .directories = 2, .pipe = true},
  };
  if (detail::make_cipher() != nullptr) {
    kinds.push_back({.name = "encrypted", .encrypted = true});
    kinds.push_back({.name = "encrypted_ahead", .fill = Fill::ahead, .encrypted = true});
    kinds.push_back({.name = "encrypted_restartable", .encrypted = true, .restartable = true});
  }
  return kinds;
}

/// What an error of the library looks like to the program.
struct Seen {
  std::error_code code;
  std::string text;
  std::uint64_t offset = 0;
};

/// One stream of a kind, and the directories it uses.
class Stream {
 public:
  static constexpr std::size_t size = 7 * 65536 + 4321;
  static constexpr std::uint64_t window_size = 5 * 65536;

  explicit Stream(const StreamKind& kind)
      : kind_(kind), budget_(std::make_shared<MemoryBudget>(kind.memory)) {
    for (std::size_t i = 0; i < kind.directories; ++i) {
      directories_.push_back(std::make_unique<ScratchDirectory>());
    }
    Script script;
    script.byte_at = pattern_byte;
    script.length = size;
    script.chunks = {30000, 7, 65536, 1000};
    script.max_connections = 2;
    script.on_read = [budget = budget_.get()](std::uint64_t) {
      EXPECT_LE(budget->used(), budget->limit());
    };
    Options options;
    options.memory_limit = kind.memory;
    options.memory_budget = budget_;
    options.fill = kind.fill;
    options.encrypt_spool = kind.encrypted;
    if (kind.window) options.retention = Retention::window(window_size, WhenFull::drop_oldest);
    for (const auto& directory : directories_) {
      options.spool_directories.push_back(directory->path());
    }
    std::unique_ptr<Source> source;
    if (kind.pipe) {
      source = from_fd(full_pipe(pattern_bytes(0, size)).release(), true);
    } else if (kind.restartable) {
      script.declared_size = size;
      source = std::make_unique<ScriptedRestartable>(std::move(script));
    } else {
      source = std::make_unique<ScriptedSource>(std::move(script));
    }
    buffer_.emplace(std::move(source), std::move(options));
  }

  StreamBuffer& buffer() { return *buffer_; }
  const MemoryBudget& budget() const { return *budget_; }

  /// Ends the buffer and checks that nothing of it is left.
  void end() {
    buffer_.reset();
    EXPECT_EQ(budget_->used(), 0U);
    for (const auto& directory : directories_) {
      EXPECT_TRUE(names_in(directory->path()).empty());
      EXPECT_TRUE(unlinked_files_in(directory->path()).empty());
    }
  }

  /// Reads `[offset, offset + count)` once; checks each byte that comes.
  ///
  /// Returns: how many came. `error` is what stopped it.
  std::size_t read(std::uint64_t offset, std::size_t count, std::optional<Seen>& error) {
    Bytes out(count, std::byte{0xA5});
    std::size_t got = 0;
    error.reset();
    try {
      got = buffer_->read_at(offset, out);
    } catch (const Error& e) {
      error = Seen{e.code(), e.what(), e.offset()};
    }
    out.resize(got);
    EXPECT_EQ(out, pattern_bytes(offset, got)) << "at " << offset;
    return got;
  }

  /// Reads on from `offset` to the end, in pieces. Each error is checked by `check`, which tells
  /// whether to try again.
  template <typename Check>
  void read_to_end(std::uint64_t offset, std::size_t piece, Check check) {
    while (offset < size) {
      std::optional<Seen> error;
      const std::size_t got = read(offset, std::min<std::size_t>(piece, size - offset), error);
      offset += got;
      if (error) {
        if (!check(*error, offset)) return;
      } else if (got == 0) {
        ADD_FAILURE() << "an early end at " << offset;
        return;
      }
    }
  }

  /// Reads a piece of every block, there and back again, as a restartable stream allows.
  template <typename Check>
  void read_about(Check check) {
    if (!kind_.restartable) return;
    for (const std::uint64_t block : {5U, 1U, 6U, 0U, 3U, 2U, 4U, 1U, 5U}) {
      const std::uint64_t offset = block * 65536 + 3000;
      for (std::size_t left = 4000; left > 0;) {
        std::optional<Seen> error;
        const std::size_t got = read(offset + 4000 - left, left, error);
        left -= got;
        if (error && !check(*error, offset + 4000 - left)) return;
        ASSERT_TRUE(error || got > 0) << "an early end at " << offset;
      }
    }
  }

  /// The lowest byte that can still be read.
  std::uint64_t low() const {
    const auto extents = buffer_->residency();
    if (extents.empty() || extents.front().where != Residency::released) return 0;
    return extents.front().range.end;
  }

  /// All that is kept reads, right now, without an error.
  void expect_kept_bytes() {
    for (const Extent& extent : buffer_->residency()) {
      if (extent.where != Residency::memory && extent.where != Residency::spool) continue;
      for (std::uint64_t at = extent.range.begin; at < extent.range.end;) {
        std::optional<Seen> error;
        const std::size_t got =
            read(at, std::min<std::size_t>(50000, extent.range.end - at), error);
        ASSERT_FALSE(error) << error->text;
        ASSERT_GT(got, 0U);
        at += got;
      }
    }
  }

  /// True if the text names one of the spool's directories.
  bool names_a_directory(const std::string& text) const {
    return std::any_of(directories_.begin(), directories_.end(), [&](const auto& directory) {
      return text.find(directory->path().string()) != std::string::npos;
    });
  }

  const StreamKind& kind() const { return kind_; }

 private:
  const StreamKind kind_;
  std::vector<std::unique_ptr<ScratchDirectory>> directories_;
  std::shared_ptr<MemoryBudget> budget_;
  std::optional<StreamBuffer> buffer_;
};

/// Names for parametrised tests.
inline std::string kind_name(const testing::TestParamInfo<StreamKind>& info) {
  return info.param.name;
}

}  // namespace seekable::test
