// SPDX-License-Identifier: Apache-2.0
#include "core/failure.hpp"

#include <array>
#include <cstddef>
#include <functional>

#include "base/block.hpp"

namespace seekable::inline v1::detail {

namespace {

constexpr std::size_t count = static_cast<std::size_t>(Errc::spool_corrupt) + 1;
using Failures = std::array<Failure, count>;

/// By code; the first one is for want of memory.
const Failures& all() noexcept {
  // Never destroyed: threads may outlive the end of `main`.
  alignas(Failures) static std::byte place[sizeof(Failures)];
  static const Failures& made = *[] {
    auto* const failures = new (place) Failures;
    for (std::size_t code = 0; code < count; ++code) {
      (*failures)[code] =
          failure_told_by(static_cast<Errc>(code), unknown, [] { return "no memory"; });
    }
    failures->front().code = std::make_error_code(std::errc::not_enough_memory);
    return failures;
  }();
  return made;
}

}  // namespace

const Failure& failure_without_memory(std::error_code code) noexcept {
  const bool has_own = code.category() == error_category() && code.value() > 0 &&
                       static_cast<std::size_t>(code.value()) < count;
  return has_own ? all()[static_cast<std::size_t>(code.value())] : all().front();
}

void free_failure(const Failure* failure) noexcept {
  if (failure == nullptr) return;
  const std::less<> before;
  const bool is_own = !before(failure, all().data()) && before(failure, all().data() + count);
  if (!is_own) delete failure;
}

}  // namespace seekable::inline v1::detail
