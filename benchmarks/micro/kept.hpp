// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "seekable/seekable.hpp"
#include "support/pattern.hpp"
#include "support/pattern_source.hpp"

namespace seekable::bench {

/// A complete stream of the pattern.
inline StreamBuffer kept_stream(std::uint64_t size, std::uint64_t memory) {
  Options options;
  options.memory_limit = memory;
  StreamBuffer buffer(std::make_unique<PatternSource>(size), options);
  check(buffer.wait_for_size() == size, "the whole stream is kept");
  return buffer;
}

/// 128 KiB from a page boundary, to read into.
struct alignas(page_size) Destination {
  std::byte bytes[128 * 1024];
};

}  // namespace seekable::bench
