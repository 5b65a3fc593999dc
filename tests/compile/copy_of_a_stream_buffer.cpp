// SPDX-License-Identifier: Apache-2.0
// There is one buffer, and readers of it; it moves and is not copied.
// expect: deleted
#include "seekable/seekable.hpp"

seekable::StreamBuffer twin(seekable::StreamBuffer& buffer) {
#ifdef MUST_NOT_COMPILE
  return seekable::StreamBuffer(buffer);
#else
  return seekable::StreamBuffer(std::move(buffer));
#endif
}
