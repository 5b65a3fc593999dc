// SPDX-License-Identifier: Apache-2.0
// A chunk consists of bytes; numbers are not chunks.
// expect: no matching
#include <string>
#include <vector>

#include "seekable/seekable.hpp"

#ifdef MUST_NOT_COMPILE
using Element = int;
#else
using Element = std::string;
#endif

seekable::StreamBuffer twin(std::vector<Element>& chunks) { return seekable::StreamBuffer(chunks); }
