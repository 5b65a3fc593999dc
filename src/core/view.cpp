// SPDX-License-Identifier: Apache-2.0
#include "seekable/view.hpp"

#include <utility>

#include "core/engine.hpp"
#include "seekable/subscription.hpp"

namespace seekable::inline v1 {

View::View(View&& other) noexcept
    : bytes_(std::exchange(other.bytes_, {})),
      engine_(std::move(other.engine_)),
      pin_(std::exchange(other.pin_, {})) {}

View& View::operator=(View&& other) noexcept {
  if (this != &other) {
    if (engine_) engine_->unpin(pin_);
    bytes_ = std::exchange(other.bytes_, {});
    engine_ = std::move(other.engine_);
    pin_ = std::exchange(other.pin_, {});
  }
  return *this;
}

View::~View() {
  if (engine_) engine_->unpin(pin_);
}

}  // namespace seekable::inline v1
