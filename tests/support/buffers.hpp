// SPDX-License-Identifier: Apache-2.0
#pragma once

/// \file
/// Buffers on scripted sources, made in one line.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "seekable/seekable.hpp"
#include "support/feeds.hpp"
#include "support/sources.hpp"

namespace seekable::test {

inline constexpr std::uint64_t block = 64 * 1024;

/// A buffer, and what its source was asked to do.
struct Scripted {
  std::shared_ptr<SourceLog> log = std::make_shared<SourceLog>();
  StreamBuffer buffer;

  explicit Scripted(Script script, Options options = {})
      : buffer(std::make_unique<ScriptedSource>(std::move(script), log), std::move(options)) {}
};

struct ScriptedJumping {
  std::shared_ptr<SourceLog> log = std::make_shared<SourceLog>();
  StreamBuffer buffer;

  explicit ScriptedJumping(Script script, Options options = {})
      : buffer(std::make_unique<ScriptedRestartable>(std::move(script), log), std::move(options)) {}
};

inline std::vector<std::byte> part(const std::vector<std::byte>& bytes, std::uint64_t offset,
                                   std::uint64_t size) {
  if (offset >= bytes.size()) return {};
  const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(offset);
  return {begin, begin + static_cast<std::ptrdiff_t>(std::min(size, bytes.size() - offset))};
}

/// The offset that the `Error` thrown by `action` carries; nothing where none is thrown.
inline std::optional<std::uint64_t> offset_of_error(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.offset();
  }
  return std::nullopt;
}

inline Options options_in_memory(std::uint64_t limit) {
  Options options;
  options.memory_limit = limit;
  options.disk_limit = 0;
  return options;
}

inline Options options_spilled(std::uint64_t memory_limit = 0) {
  Options options;
  options.memory_limit = memory_limit;
  return options;
}

inline Options options_ahead() {
  Options options;
  options.fill = Fill::ahead;
  return options;
}

inline Options options_window(std::uint64_t size, WhenFull when_full) {
  Options options;
  options.retention = Retention::window(size, when_full);
  return options;
}

}  // namespace seekable::test
