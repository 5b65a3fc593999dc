// SPDX-License-Identifier: Apache-2.0
// A position belongs to one thread: whoever wants a second one asks for it.
// expect: deleted
#include "seekable/seekable.hpp"

seekable::Reader twin(seekable::Reader& reader) {
#ifdef MUST_NOT_COMPILE
  return seekable::Reader(reader);
#else
  return seekable::Reader(std::move(reader));
#endif
}
