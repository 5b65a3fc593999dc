// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/mutex.hpp"
#include "http/client.hpp"
#include "http/exchange.hpp"
#include "http/resource.hpp"
#include "http/retry.hpp"
#include "seekable/error.hpp"
#include "seekable/source.hpp"
#include "system/event.hpp"
#include "system/fork.hpp"

namespace seekable::inline v1::detail::http {

/// One cursor in a stream that is read over HTTP: at most one exchange at a time, which is begun
/// when a byte is asked for, and begun again where it breaks off.
///
///     idle      -> asking     read_some; find_size, which then is idle again
///     asking    -> asking     a redirect; no answer, or one that another try may mend
///     asking    -> receiving  206 where asked, or 200 (what lies before the offset is passed over)
///     asking    -> ended      416 at or past the end
///     receiving -> idle       all that was asked for came, or it gave way, or broke off while
///                             nobody waited
///     receiving -> asking     it broke off or stalled while somebody waited
///     receiving -> ended      the end of the stream (invariant 3)
///     any       -> idle       reopen, unless what is in flight reaches there
///     any       -> failure    another version, a final status, no tries left
///
/// Invariants:
///  1. A byte is given only where its place is proven: the answer says where it begins, and that it
///     is of the same representation (`Resource::accept`).
///  2. Where the representation has no ETag that stands for its bytes, what is asked for again
///     begins with bytes that were given before, and they must be the same.
///  3. The end is the declared size; or, where there is none, the end of an answer that is whole by
///     HTTP's own rules. A connection that breaks off is never the end.
///  4. In a forked child nothing of an exchange is touched: other threads, which are not there, may
///     have been doing anything to it.
///
/// Threads: as `RestartableSource`.
class HttpSource final : public RestartableSource {
 public:
  /// `resource`: from `Resource::with_connection`.
  explicit HttpSource(std::shared_ptr<Resource> resource);
  ~HttpSource() override;

  std::size_t read_some(std::span<std::byte> out) override;
  std::optional<std::uint64_t> size() const override { return resource_->total(); }
  void cancel() noexcept override;
  SourceInfo info() const override { return resource_->info(); }
  void reopen(std::uint64_t offset, std::optional<std::uint64_t> wanted) override;
  bool worth_reading_through(std::uint64_t gap) const override;
  std::optional<std::uint64_t> find_size() override;
  std::unique_ptr<RestartableSource> another() const override;

  const Resource& resource() const noexcept { return *resource_; }

 private:
  using Clock = Exchange::Clock;

  enum class Purpose : std::uint8_t {
    body,        ///< bytes from `position_` on
    head,        ///< the size
    first_byte,  ///< the size, from a server that does not give it without a body
  };

  enum class Answer : std::uint8_t {
    body,       ///< its bytes may be read
    end,        ///< the stream ends where it was to begin
    nothing,    ///< the server does not say
    try_again,  ///< now, in another way
    trouble,    ///< `trouble_`; another try may be better
  };

  /// What `call` returns. What it throws is final, and the exchange that it came of is of no use.
  template <typename Call>
  auto or_fail_for_good(Call call) {
    if (failure_) std::rethrow_exception(failure_);
    try {
      return call();
    } catch (...) {
      failure_ = std::current_exception();
      drop_exchange();
      throw;
    }
  }

  // http_source.cpp: reading.
  std::size_t read_on(std::span<std::byte> out);
  std::size_t read_body(std::span<std::byte> out);
  std::size_t wait_for_bytes(std::span<std::byte> out);
  std::span<std::byte> within_answer(std::span<std::byte> out) const noexcept;
  std::size_t take(std::span<std::byte> out);
  void give(std::span<const std::byte> bytes);
  void compare_with_tail(std::span<const std::byte> bytes) const;
  void remember_tail(std::span<const std::byte> bytes);
  bool is_too_short() const noexcept;
  void take_ending();
  void stalled();
  void check_may_go_on() const;
  void set_exchange(std::shared_ptr<Exchange> exchange);
  void drop_exchange() noexcept;
  void leave_exchange() noexcept;
  void stop(const std::shared_ptr<Exchange>& exchange) noexcept;

  // http_source_ask.cpp: asking.
  Answer ask(Purpose purpose);
  Answer ask_once(Purpose purpose);
  Request next_request(Purpose purpose);
  std::string next_range(Purpose purpose);
  Answer await_answer(Purpose purpose);
  Answer follow(const Head& head);
  void broke_off(const Ending& ending);
  void wait_for_next_try();
  std::optional<std::uint64_t> ask_for_size();

  // http_source_judge.cpp: what an answer means.
  Answer judge(Purpose purpose, const Head& head);
  void check_long_enough(std::optional<std::uint64_t> total) const;
  void accept(const Head& head, bool proven);
  Answer judge_part(const Head& head);
  Answer judge_whole(Purpose purpose, const Head& head);
  Answer judge_unsatisfiable(const Head& head);
  Answer judge_refusal(Purpose purpose, const Head& head);
  [[noreturn]] void fail(std::error_code code, const std::string& why) const;

  const std::shared_ptr<Resource> resource_;
  const ForkCheck made_in_;
  const std::shared_ptr<Event> signal_ = std::make_shared<Event>();
  std::atomic<bool> cancelled_{false};
  std::shared_ptr<Client> client_;  // From the first request on.

  Mutex mutex_;
  std::shared_ptr<Exchange> to_cancel_ SEEKABLE_GUARDED_BY(mutex_);  // `exchange_`, for any thread

  std::uint64_t position_ = 0;           // the next byte that is given
  std::optional<std::uint64_t> wanted_;  // so many will be read, as far as is known
  std::uint64_t wanted_end_ = 0;         // of what was wanted of the exchange that is there
  std::uint64_t proven_end_ = 0;         // bytes before it were there
  bool ended_ = false;
  std::exception_ptr failure_;

  // The request that is under way, and its answer.
  std::shared_ptr<Exchange> exchange_;
  Url asked_;
  unsigned redirects_ = 0;
  std::optional<std::uint64_t> range_begin_;  // what was asked for; nothing: the whole
  bool told_validator_ = false;
  bool waited_ = false;             // since the last byte of it came
  bool broke_ = false;              // since the last byte that was given
  bool gave_some_ = false;          // of its bytes, not only passed over some
  std::uint64_t at_ = 0;            // the next byte it has
  std::uint64_t answer_begin_ = 0;  // where its bytes begin
  std::uint64_t answer_end_ = 0;    // where they end; `unknown`: it does not say
  std::uint64_t asked_end_ = 0;     // where they were asked to end; `unknown`: at the end

  Retry retry_;
  std::optional<Error> trouble_;  // the last one
  std::optional<Retry::Duration> asked_to_wait_;

  // The last bytes that were given, which end at `position_`; invariant 2.
  static constexpr std::size_t tail_size = 4096;
  bool keeps_tail_ = true;
  std::vector<std::byte> tail_;
};

}  // namespace seekable::inline v1::detail::http
