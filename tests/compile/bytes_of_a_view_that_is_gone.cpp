// SPDX-License-Identifier: Apache-2.0
// The bytes are lent for as long as the view lives.
// expect: dangling|destroyed at the end
// only: clang
#include "seekable/seekable.hpp"

std::byte twin(const seekable::StreamBuffer& buffer) {
#ifdef MUST_NOT_COMPILE
  const auto bytes = buffer.view(0, 1).bytes();
#else
  const auto view = buffer.view(0, 1);
  const auto bytes = view.bytes();
#endif
  return bytes[0];
}
