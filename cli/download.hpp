// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "cli/drain.hpp"
#include "cli/front_hash.hpp"
#include "cli/part_file.hpp"
#include "cli/range_set.hpp"
#include "cli/shares.hpp"
#include "cli/watchable.hpp"
#include "seekable/source.hpp"
#include "seekable/stats.hpp"

namespace seekable::cli {

/// What is to be downloaded, and what is there of it.
struct DownloadPlan {
  std::unique_ptr<Source> source;
  /// `source`, if what is missing can be asked for by itself; null: it comes from its start.
  RestartableSource* restartable = nullptr;
  std::size_t connections = 1;
  PartMap map;
};

/// Fetches what is missing of a stream and writes it to a part of a file.
///
/// Invariants: 1. The map on disk claims no byte that is not on disk. 2. `map_.kept` holds no byte
///     that was not written.
/// Threads: `run` on one, as a Watchable from another.
/// Lifetime: the part, and the hash if there is one, must outlive it.
class Download final : public Watchable {
 public:
  /// `hash`: what computes its sum meanwhile; may be null.
  Download(DownloadPlan plan, PartFile& part, FrontHash* hash);
  ~Download() override;

  /// Returns: the size, when every byte has come and the source has confirmed the end.
  /// Throws: what went wrong first, at the source or in the file. The map on disk then has all that
  ///     came.
  std::uint64_t run();

  std::uint64_t came() const override;
  std::uint64_t done() const override;
  std::optional<std::uint64_t> size() const override;
  bool complete() const override;
  void cancel() override;

  /// True if what is there can be gone on with by another run.
  bool can_go_on() const;

  /// What a buffer would tell of itself.
  Stats stats() const;

 private:
  struct Lane;

  void learn_size();
  void add_lanes(const Lane& first);
  void fetch(std::size_t number, Lane& lane) noexcept;
  void fetch_shares(std::size_t number, Lane& lane);
  void open(Lane& lane, const ByteRange& share);
  void fetch_share(std::size_t number, Lane& lane, std::uint64_t end);
  void take_in(Lane& lane, std::uint64_t offset, std::size_t size);
  void learn_from(const Source& source);
  void end_at(std::uint64_t offset);
  void confirm_end(Lane& lane);
  void keep_map(const std::stop_token& stop);
  void save_map();
  void fail(std::exception_ptr why) noexcept;

  PartFile& part_;
  FrontHash* const hash_;
  RestartableSource* const restartable_;
  const std::size_t connections_;
  std::optional<Shares> shares_;

  mutable std::mutex mutex_;
  std::condition_variable_any map_is_due_;
  std::vector<std::unique_ptr<Lane>> lanes_;  // the first one's source is the others' origin
  std::vector<std::jthread> others_;          // of the thread that runs the first lane
  PartMap map_;
  std::uint64_t kept_ = 0;     // as `map_.kept` says
  std::uint64_t unsaved_ = 0;  // bytes since the map was written
  std::uint64_t came_ = 0;
  std::uint64_t reads_ = 0;
  std::uint64_t reopened_ = 0;
  bool cancelled_ = false;
  bool lanes_added_ = false;  // of the thread that runs the first lane
  std::exception_ptr failure_;
  std::atomic<bool> complete_ = false;
};

}  // namespace seekable::cli
