// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <thread>

#include "cli/drain.hpp"
#include "cli/part_file.hpp"
#include "cli/sha256.hpp"

namespace seekable::cli {

/// Computes the SHA-256 of the front of a part while it grows: a thread of its own reads back what
/// has become contiguous, in whatever order it came. (The system has those bytes in memory still.)
///
/// Threads: `reach` and `stop` from any thread.
/// Lifetime: the part must outlive it.
class FrontHash {
 public:
  /// Throws: Failed where this build lacks sums.
  explicit FrontHash(const PartFile& part);
  ~FrontHash();
  FrontHash(const FrontHash&) = delete;
  FrontHash& operator=(const FrontHash&) = delete;

  /// The first `front` bytes of the part are there.
  void reach(std::uint64_t front);

  /// Waits until all bytes up to the front are in the sum. To be called once.
  ///
  /// Throws: what went wrong in reading; Errc::cancelled after `stop`.
  std::string sum();

  /// Ends it, and who waits for it.
  void stop();

 private:
  void work();
  void add(std::uint64_t begin, std::uint64_t end, Piece& piece);
  bool is_stopped();

  const PartFile& part_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t front_ = 0;
  std::uint64_t at_ = 0;
  bool stopped_ = false;
  std::exception_ptr failure_;
  Sha256 hash_;  // of the thread alone, until it is joined
  std::jthread thread_;
};

}  // namespace seekable::cli
