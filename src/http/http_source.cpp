// SPDX-License-Identifier: Apache-2.0
#include "http/http_source.hpp"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "base/block.hpp"
#include "seekable/http.hpp"

namespace seekable::inline v1 {

namespace detail::http {

namespace {

/// While it lives the exchange is being read.
class Reading {
 public:
  explicit Reading(std::shared_ptr<Exchange> exchange) noexcept : exchange_(std::move(exchange)) {
    exchange_->set_being_read(true);
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  ~Reading() { exchange_->set_being_read(false); }

 private:
  const std::shared_ptr<Exchange> exchange_;  // The source may drop it meanwhile.
};

}  // namespace

HttpSource::HttpSource(std::shared_ptr<Resource> resource)
    : resource_(std::move(resource)),
      retry_(resource_->options().retries, resource_->options().retry_delay,
             resource_->options().max_retry_delay) {}

HttpSource::~HttpSource() {
  drop_exchange();
  // invariant 4
  if (made_in_.is_child()) new (std::nothrow) std::shared_ptr<Client>(std::move(client_));
}

void HttpSource::set_exchange(std::shared_ptr<Exchange> exchange) {
  MutexLock lock(mutex_);
  exchange_ = std::move(exchange);
  to_cancel_ = exchange_;
}

void HttpSource::stop(const std::shared_ptr<Exchange>& exchange) noexcept {
  try {
    if (exchange->ending() == nullptr) client_->stop(exchange);
  } catch (...) {
    // No memory to say so: it stops for want of room, and gives way to others.
  }
}

/// invariant 4. Without the mutex, which may be held for ever here.
void HttpSource::leave_exchange() noexcept SEEKABLE_TSA(no_thread_safety_analysis) {
  new (std::nothrow) std::shared_ptr<Exchange>(std::move(exchange_));
  new (std::nothrow) std::shared_ptr<Exchange>(std::move(to_cancel_));
}

void HttpSource::drop_exchange() noexcept {
  if (made_in_.is_child()) return leave_exchange();
  if (!exchange_) return;
  stop(exchange_);
  MutexLock lock(mutex_);
  exchange_.reset();
  to_cancel_.reset();
}

void HttpSource::cancel() noexcept {
  cancelled_.store(true, std::memory_order_seq_cst);
  signal_->set();
  if (made_in_.is_child()) return;
  std::shared_ptr<Exchange> exchange;
  {
    MutexLock lock(mutex_);
    exchange = to_cancel_;
  }
  if (!exchange) return;
  stop(exchange);  // Its connection is of no use to anybody.
  client_->wake();
}

void HttpSource::check_may_go_on() const {
  if (made_in_.is_child()) {
    throw Error(std::make_error_code(std::errc::operation_not_permitted),
                resource_->what() + ": in a forked child", position_);
  }
  if (!cancelled_.load(std::memory_order_seq_cst)) return;
  throw Error(Errc::cancelled, resource_->what(), position_);
}

std::size_t HttpSource::read_some(std::span<std::byte> out) {
  return or_fail_for_good([&] { return read_on(out); });
}

std::size_t HttpSource::read_on(std::span<std::byte> out) {
  check_may_go_on();
  for (;;) {
    if (ended_ || position_ >= resource_->total().value_or(unknown)) return 0;
    if (!exchange_) {
      ended_ = ask(Purpose::body) == Answer::end;
    } else if (const std::size_t size = read_body(out); size > 0) {
      return size;
    }
  }
}

/// Returns 0 where there is none, and another exchange is needed, or none at all.
std::size_t HttpSource::read_body(std::span<std::byte> out) {
  const Reading reading(exchange_);
  while (at_ < position_) {
    // Bytes before those that are wanted: another lane has them, or this one gave them before.
    const std::size_t most =
        static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), position_ - at_));
    const std::size_t size = wait_for_bytes(out.first(most));
    if (size == 0) return 0;
    compare_with_tail(out.first(size));
    at_ += size;
  }
  // Who waits for the last of what is wanted does not wait for more.
  if (position_ < wanted_end_ && wanted_end_ - position_ < out.size()) {
    out = out.first(static_cast<std::size_t>(wanted_end_ - position_));
  }
  const std::size_t size = wait_for_bytes(out);
  if (size > 0) give(out.first(size));
  return size;
}

void HttpSource::give(std::span<const std::byte> bytes) {
  at_ += bytes.size();
  position_ += bytes.size();
  gave_some_ = true;
  broke_ = false;
  proven_end_ = std::max(proven_end_, position_);
  if (keeps_tail_) remember_tail(bytes);
  retry_.progress();
}

/// That part of `out` for which the answer may have bytes.
std::span<std::byte> HttpSource::within_answer(std::span<std::byte> out) const noexcept {
  return out.first(
      static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), answer_end_ - at_)));
}

std::size_t HttpSource::take(std::span<std::byte> out) {
  const std::size_t size = exchange_->read(within_answer(out));
  if (size > 0) waited_ = false;
  if (exchange_->wants_to_go_on()) client_->go_on(exchange_);
  return size;
}

/// Returns 0 where the exchange has no more.
std::size_t HttpSource::wait_for_bytes(std::span<std::byte> out) {
  for (;;) {
    if (const std::size_t size = take(out); size > 0) return size;
    signal_->reset();
    check_may_go_on();
    const bool over = exchange_->ending() != nullptr || at_ == answer_end_;
    if (const std::size_t size = take(out); size > 0) return size;
    if (over) {
      take_ending();
      return 0;
    }
    waited_ = true;
    const auto deadline = Clock::now() + bounded(resource_->options().stall_timeout);
    const auto waited = client_->wait(*signal_, deadline, *exchange_, within_answer(out));
    if (waited.placed > 0) {
      waited_ = false;
      return waited.placed;
    }
    if (!waited.in_time) {
      if (const std::size_t size = take(out); size > 0) return size;
      stalled();
      return 0;
    }
  }
}

void HttpSource::stalled() {
  drop_exchange();
  trouble_ = Error(Errc::timed_out,
                   resource_->what() + ": no byte came for " +
                       std::to_string(resource_->options().stall_timeout.count()) + " ms",
                   position_);
  wait_for_next_try();
}

/// An answer to which the next request would be as fruitless, or nearly so: asked again and again
/// without a pause, a server would only be harassed.
bool HttpSource::is_too_short() const noexcept {
  const std::uint64_t wanted_end = std::min(asked_end_, resource_->total().value_or(unknown));
  return answer_end_ < wanted_end && (!gave_some_ || answer_end_ - answer_begin_ < Link::least_gap);
}

/// invariant 3
void HttpSource::take_ending() {
  const auto exchange = exchange_;
  drop_exchange();
  if (at_ == answer_end_) {
    if (!gave_some_ && answer_end_ == position_ && !tail_.empty()) {
      // What was given is there as it was. Whether there is more is asked for without it.
      tail_.clear();
      return;
    }
    if (!is_too_short()) return;
    broke_off({CURLE_PARTIAL_FILE, "the server gives less than it was asked for", 0, false});
    wait_for_next_try();
    return;
  }
  const Ending* const ending = exchange->ending();
  const bool is_whole = ending->code == CURLE_OK && answer_end_ == unknown;
  if (is_whole && at_ < proven_end_) {
    fail(Errc::source_changed, "it ends at byte " + std::to_string(at_) + " now");
  }
  if (is_whole && at_ >= resource_->total().value_or(0)) {
    resource_->set_total(at_);
    return;
  }
  // It may have broken off long ago, while nobody read: only who waited in vain has met a failure.
  if (ending->ask_again) return;
  if (gave_some_ && !waited_ && at_ - answer_begin_ >= Link::least_gap) return;
  broke_off(ending->code != CURLE_OK
                ? *ending
                : Ending{CURLE_PARTIAL_FILE, "the connection was closed early", 0, false});
  wait_for_next_try();
}

/// invariant 2
void HttpSource::compare_with_tail(std::span<const std::byte> bytes) const {
  const std::uint64_t tail_begin = position_ - tail_.size();
  const std::uint64_t begin = std::max(at_, tail_begin);
  const std::uint64_t end = at_ + bytes.size();
  if (begin >= end) return;
  const auto now = bytes.subspan(static_cast<std::size_t>(begin - at_));
  const auto before = std::span(tail_).subspan(static_cast<std::size_t>(begin - tail_begin));
  if (!std::ranges::equal(now, before.first(now.size()))) {
    throw Error(Errc::source_changed, resource_->what() + ": bytes that came before are others now",
                position_);
  }
}

void HttpSource::remember_tail(std::span<const std::byte> bytes) {
  const std::size_t keep = std::min(bytes.size(), tail_size);
  const std::size_t old = std::min(tail_.size(), tail_size - keep);
  tail_.erase(tail_.begin(), tail_.end() - static_cast<std::ptrdiff_t>(old));
  tail_.insert(tail_.end(), bytes.end() - static_cast<std::ptrdiff_t>(keep), bytes.end());
}

void HttpSource::reopen(std::uint64_t offset, std::optional<std::uint64_t> wanted) {
  if (failure_) std::rethrow_exception(failure_);
  check_may_go_on();
  ended_ = false;
  wanted_ = wanted;
  tail_.clear();
  // What it has ahead is had sooner by reading on; and without ranges there is no other way.
  const bool ahead = exchange_ && at_ <= offset && offset < answer_end_;
  const bool near = ahead && offset - at_ <= exchange_->in_flight();
  if (!near && !(ahead && resource_->no_ranges())) drop_exchange();
  position_ = offset;
}

bool HttpSource::worth_reading_through(std::uint64_t gap) const {
  if (resource_->no_ranges()) return true;
  if (!exchange_) return false;
  const std::uint64_t left = answer_end_ - at_;
  return gap < left && resource_->link()->worth_reading_through(gap, exchange_->in_flight());
}

std::unique_ptr<RestartableSource> HttpSource::another() const {
  if (resource_->no_ranges()) return nullptr;
  auto resource = Resource::with_connection(resource_);
  return resource ? std::make_unique<HttpSource>(std::move(resource)) : nullptr;
}

}  // namespace detail::http

std::unique_ptr<RestartableSource> from_url(const std::string& url, HttpOptions options) {
  using namespace detail::http;
  return std::make_unique<HttpSource>(
      Resource::with_connection(std::make_shared<Resource>(url, std::move(options))));
}

HttpTraffic http_traffic(const Source& source) {
  const auto* const http = dynamic_cast<const detail::http::HttpSource*>(&source);
  if (http == nullptr) return {};
  const auto& traffic = *http->resource().traffic();
  return {traffic.requests.load(std::memory_order_relaxed),
          traffic.bytes.load(std::memory_order_relaxed)};
}

}  // namespace seekable::inline v1
