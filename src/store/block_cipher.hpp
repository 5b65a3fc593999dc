// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "seekable/export.hpp"

namespace seekable::inline v1::detail {

/// Seals blocks for the spool of one buffer, with a key that exists in this object alone.
///
/// Threads: safe from any number of threads.
class BlockCipher {
 public:
  virtual ~BlockCipher() = default;

  /// By how many bytes a sealed block is longer.
  static constexpr std::size_t overhead = 16;

  /// Seals `plain`, the bytes of the stream from `offset` on, into `sealed`, which is `overhead`
  /// bytes longer. Requires: no two different texts of one length are ever sealed for one offset.
  virtual void seal(std::uint64_t offset, std::span<const std::byte> plain,
                    std::span<std::byte> sealed) const noexcept = 0;

  /// The other way round. Returns false where `sealed` is not what was sealed for `offset`.
  virtual bool open(std::uint64_t offset, std::span<const std::byte> sealed,
                    std::span<std::byte> plain) const noexcept = 0;
};

using CipherFactory = std::unique_ptr<BlockCipher> (*)();

/// Called by `seekable::crypto` when it is linked, before `main`.
SEEKABLE_EXPORT void register_cipher(CipherFactory factory) noexcept;

/// A cipher with a fresh key, or null where none is linked.
std::unique_ptr<BlockCipher> make_cipher();

}  // namespace seekable::inline v1::detail
