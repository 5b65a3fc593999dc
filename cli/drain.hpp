// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "seekable/stream_buffer.hpp"

namespace seekable::cli {

/// What is copied at a time; on a page boundary, where the kernel copies fastest.
struct alignas(4096) Piece {
  std::array<std::byte, 128 * 1024> bytes;
};

/// Memory with which a stream can be drained without any disk.
inline constexpr std::uint64_t least_drain_memory = 64 * 1024;

/// Reads a stream from its start to its end, gives each piece to `sink`, and keeps none. Returns
/// how many bytes there were.
///
/// Throws: as `StreamBuffer::read_some_at`; what `sink` throws.
std::uint64_t drain(StreamBuffer& buffer,
                    const std::function<void(std::span<const std::byte>)>& sink);

}  // namespace seekable::cli
