// SPDX-License-Identifier: Apache-2.0
// Who may only look at a buffer cannot give up its bytes.
// expect: discards qualifiers|not marked const
#include "seekable/seekable.hpp"

#ifdef MUST_NOT_COMPILE
using Buffer = const seekable::StreamBuffer;
#else
using Buffer = seekable::StreamBuffer;
#endif

void twin(Buffer& buffer) { buffer.release_before(1); }
