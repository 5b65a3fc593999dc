// SPDX-License-Identifier: Apache-2.0
#include "http/link.hpp"

#include <algorithm>
#include <cmath>

namespace seekable::inline v1::detail::http {

namespace {

/// Time spent receiving after which a measurement counts for half.
constexpr double half_life_seconds = 2;

/// How much of the time to the first byte is its newest measurement.
constexpr double newest_part = 0.3;

}  // namespace

void Link::received(std::uint64_t bytes, Duration time) {
  MutexLock lock(mutex_);
  const double fades = std::exp2(-time.count() / half_life_seconds);
  bytes_ = bytes_ * fades + static_cast<double>(bytes);
  seconds_ = seconds_ * fades + time.count();
  measured_ += bytes;
}

void Link::answered(Duration time, bool new_connection) {
  MutexLock lock(mutex_);
  if (!new_connection && has_connected_) return;
  // What was measured on an open connection stands in for it only until there is better.
  const bool first = first_byte_ == 0 || has_connected_ != new_connection;
  has_connected_ = new_connection;
  first_byte_ = first ? time.count() : first_byte_ + newest_part * (time.count() - first_byte_);
}

std::uint64_t Link::bytes_per_request() const {
  MutexLock lock(mutex_);
  return is_known() ? bytes_per_known_request() : first_gap;
}

bool Link::is_known() const {
  return measured_ >= trusted_bytes && seconds_ > 0 && first_byte_ > 0;
}

std::uint64_t Link::bytes_per_known_request() const {
  const double bytes = bytes_ / seconds_ * first_byte_;
  if (bytes >= static_cast<double>(largest_gap)) return largest_gap;
  return std::max(least_gap, static_cast<std::uint64_t>(bytes));
}

std::uint64_t Link::worth_asking_for(std::uint64_t wanted, bool from_start) const {
  MutexLock lock(mutex_);
  if (is_known()) return wanted + bytes_per_known_request();
  return from_start ? wanted + first_gap : std::max(wanted, least_gap);
}

bool Link::worth_reading_through(std::uint64_t gap, std::uint64_t in_flight) const {
  return gap <= in_flight || gap - in_flight <= bytes_per_request();
}

}  // namespace seekable::inline v1::detail::http
