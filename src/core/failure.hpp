// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <new>
#include <system_error>

#include "seekable/error.hpp"

namespace seekable::inline v1::detail {

/// A failure whose text is what `tell` returns: a short one where there is no memory for that.
template <typename Tell>
Failure failure_told_by(std::error_code code, std::uint64_t offset, Tell tell) noexcept {
  Failure failure{code, {}, offset, nullptr};
  try {
    failure.message = tell();
  } catch (const std::bad_alloc&) {
    failure.message = "stream failed";  // As much as a string holds without more memory.
  }
  return failure;
}

/// The failure that stands for one of this code where there is no memory for a failure at all: its
/// code where that is an `Errc`, else want of memory; its offset is `unknown`. Nobody frees it.
const Failure& failure_without_memory(std::error_code code) noexcept;

/// Frees a failure that was made by `new`; leaves those above as they are.
void free_failure(const Failure* failure) noexcept;

}  // namespace seekable::inline v1::detail
