// SPDX-License-Identifier: Apache-2.0
// A stream has one writing end.
// expect: deleted
#include "seekable/seekable.hpp"

seekable::Writer twin(seekable::Writer& writer) {
#ifdef MUST_NOT_COMPILE
  return seekable::Writer(writer);
#else
  return seekable::Writer(std::move(writer));
#endif
}
