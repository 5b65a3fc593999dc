// SPDX-License-Identifier: Apache-2.0
// A view pins its bytes once, so it is not copied.
// expect: deleted
#include "seekable/seekable.hpp"

seekable::View twin(seekable::View& view) {
#ifdef MUST_NOT_COMPILE
  return seekable::View(view);
#else
  return seekable::View(std::move(view));
#endif
}
