// SPDX-License-Identifier: Apache-2.0
// A subscription that is dropped at once withdraws its callback at once.
// expect: nodiscard
#include "seekable/seekable.hpp"

void twin(const seekable::StreamBuffer& buffer) {
#ifdef MUST_NOT_COMPILE
  buffer.when_available({0, 1}, [](std::error_code) {});
#else
  const auto subscription = buffer.when_available({0, 1}, [](std::error_code) {});
#endif
}
