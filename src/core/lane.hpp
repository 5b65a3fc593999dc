// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "core/storage.hpp"
#include "seekable/bytes.hpp"
#include "seekable/source.hpp"

namespace seekable::inline v1::detail {

/// One connection to the source and where it stands. A forward-only source has one lane; a
/// restartable one may get more, each with its own blocks.
struct Lane {
  std::unique_ptr<Source> source;            ///< null: a writer pushes
  RestartableSource* restartable = nullptr;  ///< the same source, if it can be reopened
  std::atomic<std::uint64_t> position{0};    ///< the next byte it gives; moved by its filler

  bool fresh = true;  ///< its filler's alone: nothing was read since it was (re)opened

  // Under the fill's mutex.
  bool busy = false;  ///< somebody fills it, or has been told to; or it has ended, forward-only
  bool on_its_way = false;          ///< it stands where it begins: `until` is ahead of `position`
  std::uint64_t claimed = unknown;  ///< the block it fills while it is busy
  std::uint64_t until = 0;          ///< how far it will get while it is busy
  std::uint64_t last_used = 0;      ///< for reopening the one that was idle for longest

  // Its filler's alone.
  Filling filling;
  Bytes held;                 ///< taken from the source, and no store had room for it
  std::uint64_t through = 0;  ///< up to here it reads on over what nobody needs
};

}  // namespace seekable::inline v1::detail
