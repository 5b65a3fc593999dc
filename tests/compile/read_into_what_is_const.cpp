// SPDX-License-Identifier: Apache-2.0
// Bytes are not read into memory that must not change.
// expect: cannot convert|could not convert|no matching
#include "seekable/seekable.hpp"

std::size_t twin(const seekable::StreamBuffer& buffer, seekable::Bytes& bytes) {
#ifdef MUST_NOT_COMPILE
  return buffer.read_at(0, std::span<const std::byte>(bytes));
#else
  return buffer.read_at(0, std::span<std::byte>(bytes));
#endif
}
