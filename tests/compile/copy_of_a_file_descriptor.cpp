// SPDX-License-Identifier: Apache-2.0
// Two owners would close one descriptor twice.
// expect: deleted
#include "seekable/seekable.hpp"

seekable::FileDescriptor twin(seekable::FileDescriptor& descriptor) {
#ifdef MUST_NOT_COMPILE
  return seekable::FileDescriptor(descriptor);
#else
  return seekable::FileDescriptor(std::move(descriptor));
#endif
}
