// SPDX-License-Identifier: Apache-2.0
// A source becomes a buffer only where somebody says so.
// expect: could not convert|no viable conversion|conversion from
#include <memory>

#include "seekable/seekable.hpp"

seekable::StreamBuffer twin(std::unique_ptr<seekable::Source> source) {
#ifdef MUST_NOT_COMPILE
  return source;
#else
  return seekable::StreamBuffer(std::move(source));
#endif
}
