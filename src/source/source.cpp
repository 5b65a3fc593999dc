// SPDX-License-Identifier: Apache-2.0
#include "seekable/source.hpp"

namespace seekable::inline v1 {

namespace {

/// What a fast link has in flight, and an idle one gives in the time that a new request takes.
constexpr std::uint64_t gap_read_through_bytes = 1024 * 1024;

}  // namespace

Source::~Source() = default;

std::optional<std::uint64_t> Source::size() const {
  // Not `return std::nullopt`: GCC 12 stores its byte and loads eight, and the processor waits for
  // that. This is called once for every read of a source.
  static constexpr std::optional<std::uint64_t> none;
  return none;
}

void Source::cancel() noexcept {}

SourceInfo Source::info() const { return {}; }

RestartableSource* Source::as_restartable() noexcept { return nullptr; }

detail::Spliceable* Source::as_spliceable() noexcept { return nullptr; }

RestartableSource* RestartableSource::as_restartable() noexcept { return this; }

bool RestartableSource::worth_reading_through(std::uint64_t gap) const {
  return gap <= gap_read_through_bytes;
}

std::optional<std::uint64_t> RestartableSource::find_size() { return size(); }

std::unique_ptr<RestartableSource> RestartableSource::another() const { return nullptr; }

}  // namespace seekable::inline v1
