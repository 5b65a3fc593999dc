// SPDX-License-Identifier: Apache-2.0
#include "http/retry.hpp"

#include <algorithm>

namespace seekable::inline v1::detail::http {

std::optional<Retry::Duration> Retry::failed(std::optional<Duration> asked_for) {
  if (failures_ >= budget_) return std::nullopt;
  if (asked_for && *asked_for > longest_) return std::nullopt;
  Duration bound = first_;
  for (unsigned i = 0; i < failures_ && bound < longest_; ++i) bound *= 2;
  ++failures_;
  bound = std::min(bound, longest_);
  std::uniform_int_distribution<Duration::rep> up_to(0, std::max<Duration::rep>(0, bound.count()));
  if (!random_) random_.emplace(std::random_device{}());
  return std::max(Duration(up_to(*random_)), asked_for.value_or(Duration::zero()));
}

}  // namespace seekable::inline v1::detail::http
