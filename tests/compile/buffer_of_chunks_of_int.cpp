// SPDX-License-Identifier: Apache-2.0
// Elements wider than a byte have an order of bytes that nobody has named.
// expect: no matching
#include <vector>

#include "seekable/seekable.hpp"

#ifdef MUST_NOT_COMPILE
using Element = int;
#else
using Element = unsigned char;
#endif

seekable::StreamBuffer twin(std::vector<std::vector<Element>>& chunks) {
  return seekable::StreamBuffer(chunks);
}
