// SPDX-License-Identifier: Apache-2.0
// A callback is withdrawn by one owner.
// expect: deleted
#include "seekable/seekable.hpp"

seekable::Subscription twin(seekable::Subscription& subscription) {
#ifdef MUST_NOT_COMPILE
  return seekable::Subscription(subscription);
#else
  return seekable::Subscription(std::move(subscription));
#endif
}
