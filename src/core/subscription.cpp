// SPDX-License-Identifier: Apache-2.0
#include "seekable/subscription.hpp"

#include <utility>

#include "core/engine.hpp"

namespace seekable::inline v1 {

Subscription::Subscription(std::shared_ptr<detail::Engine> engine,
                           std::shared_ptr<detail::Callback> callback) noexcept
    : engine_(std::move(engine)), callback_(std::move(callback)) {}

Subscription::Subscription(Subscription&& other) noexcept = default;

Subscription& Subscription::operator=(Subscription&& other) noexcept {
  if (this != &other) {
    cancel();
    engine_ = std::move(other.engine_);
    callback_ = std::move(other.callback_);
  }
  return *this;
}

Subscription::~Subscription() { cancel(); }

void Subscription::cancel() noexcept {
  // Moved out first: the callback that is waited for may hold the last other reference.
  const auto callback = std::move(callback_);
  const auto engine = std::move(engine_);
  if (callback && engine) engine->filler().withdraw(*callback);
}

}  // namespace seekable::inline v1
