// SPDX-License-Identifier: Apache-2.0
// Files that are read where they lie: nothing of them is stored.
#include <algorithm>
#include <utility>

#include "core/engine.hpp"
#include "seekable/error.hpp"
#include "source/file_source.hpp"

namespace seekable::inline v1::detail {

/// What a file in place can never give again is the failure of the stream.
template <typename Use>
auto Engine::or_fail_in_place(std::uint64_t offset, Use use) {
  try {
    return use();
  } catch (const Error& error) {
    if (error.code() == Errc::source_changed || error.code() == Errc::truncated) {
      filler_.fail({error.code(), error.what(), offset, std::current_exception()});
    }
    throw;
  }
}

std::size_t Engine::copy_in_place(std::uint64_t offset, std::span<std::byte> out) {
  storage_.check_not_forked(offset);
  throw_if_failed();
  if (offset < storage_.low()) {
    throw Error(Errc::released, "read byte " + std::to_string(offset), storage_.low());
  }
  return or_fail_in_place(offset, [&] { return in_place_->pread(offset, out); });
}

void Engine::check_in_place(std::uint64_t offset) {
  or_fail_in_place(offset, [&] { in_place_->check_unchanged(offset); });
}

View Engine::view_of_copy(std::uint64_t offset, std::size_t max_size) {
  View view;
  if (is_end(offset)) return view;
  const std::uint64_t size =
      std::min<std::uint64_t>({max_size, block_size, outcome_.end() - offset});
  view.pin_.copy = storage_.take_copy(offset, static_cast<std::size_t>(size));
  view.pin_.copy_size = static_cast<std::size_t>(size);
  view.engine_ = shared_from_this();
  view.bytes_ = {view.pin_.copy.get(), view.pin_.copy_size};
  copy_in_place(offset, {view.pin_.copy.get(), view.pin_.copy_size});
  return view;
}

std::error_code Engine::result_in_place(ByteRange range) const {
  const std::uint64_t last = std::min(range.end, outcome_.end());
  if (range.begin >= last) return {};
  if (range.begin < storage_.low()) return Errc::released;
  const Failure* failed = outcome_.failure();
  return failed == nullptr ? std::error_code() : failed->code;
}

}  // namespace seekable::inline v1::detail
