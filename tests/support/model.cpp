// SPDX-License-Identifier: Apache-2.0
#include "support/model.hpp"

#include <cstring>

namespace seekable::test {

namespace {

constexpr std::uint64_t block_bytes = 64 * 1024;

bool can_get_full(const Setup& setup) {
  const Options& options = setup.options;
  // A view of an encrypted block is a copy, for which memory may be short.
  if (options.encrypt_spool) return true;
  if (!options.disk_limit) return false;
  const std::uint64_t blocks = setup.content.size() / block_bytes + 3;
  return options.memory_limit < blocks * block_bytes;
}

}  // namespace

Arena::Arena(Setup setup, std::unique_ptr<Source> source)
    : setup_(std::move(setup)),
      buffer_(std::in_place, source ? std::move(source) : make_source(setup_), setup_.options),
      may_be_full_(can_get_full(setup_)) {}

void Arena::wrong(const std::string& what) const { throw Wrong(what + "; " + setup_.describe()); }

void Arena::cancel() {
  cancelled_ = true;  // First: from now on it may be seen.
  buffer_->cancel();
}

void Arena::release_before(std::uint64_t offset) {
  std::uint64_t before = released_.load();
  while (before < offset && !released_.compare_exchange_weak(before, offset)) {
  }
  buffer_->release_before(offset);
}

void Arena::check_bytes(std::uint64_t offset, std::span<const std::byte> bytes,
                        const char* what) const {
  if (bytes.empty()) return;
  const auto& content = setup_.content;
  const std::string where = std::string(what) + " of " + std::to_string(bytes.size()) +
                            " bytes at " + std::to_string(offset);
  if (offset > setup_.reach() || bytes.size() > setup_.reach() - offset) {
    wrong(where + " is past what there is");
  }
  if (std::memcmp(bytes.data(), content.data() + offset, bytes.size()) == 0) return;
  std::size_t at = 0;
  while (bytes[at] == content[offset + at]) ++at;
  wrong(where + " is wrong from byte " + std::to_string(offset + at) + " on");
}

void Arena::check_error(const Error& error, std::uint64_t offset, bool has_wait,
                        const char* what) const {
  const auto code = error.code();
  if (code == Errc::timed_out && has_wait) return;
  if (code == Errc::cancelled && was_cancelled()) return;
  if (code == Errc::disk_full && may_be_full()) return;
  if (code == Errc::released && may_be_released(offset) && error.offset() > offset) return;
  const bool due = offset >= setup_.reach() || may_fail_anywhere();
  if (code == setup_.fail_code && setup_.fail_at && due) return;
  if (code == Errc::source_changed && setup_.may_change) return;
  const auto claim = setup_.claim();
  const std::uint64_t size = setup_.content.size();
  if (code == Errc::truncated && claim && *claim > size && due) return;
  if (code == Errc::overrun && claim && *claim < size && due) return;
  wrong(std::string(what) + " at " + std::to_string(offset) + " throws " + error.what() +
        " with offset " + std::to_string(error.offset()));
}

void Arena::check_short(std::uint64_t offset, std::uint64_t asked, std::uint64_t got,
                        const char* what) const {
  if (got == asked) return;
  const std::string where = std::string(what) + " of " + std::to_string(asked) + " bytes at " +
                            std::to_string(offset) + " gives " + std::to_string(got);
  if (got > asked) wrong(where);
  if (got == 0) {
    // Whoever jumps behind a claimed end asks there alone, and finds nothing.
    if (setup_.restartable && setup_.claim() && offset >= *setup_.claim()) return;
    if (offset < setup_.content.size() || setup_.fails()) wrong(where + ", which is not the end");
    return;
  }
  const bool explained = offset + got == setup_.reach() || may_fail_anywhere() || may_be_full() ||
                         may_be_released(offset + got);
  if (!explained) wrong(where);
}

void Arena::check_limits() const {
  const Stats stats = buffer_->stats();
  if (stats.memory_bytes > setup_.options.memory_limit) {
    wrong("memory holds " + std::to_string(stats.memory_bytes));
  }
  if (stats.spool_bytes > setup_.options.disk_limit.value_or(stats.spool_bytes)) {
    wrong("the spool holds " + std::to_string(stats.spool_bytes));
  }
}

void Arena::check_residency() const {
  std::uint64_t next = 0;
  std::optional<Residency> last;
  for (const Extent& extent : buffer_->residency()) {
    if (extent.range.begin != next) wrong("residency has a gap at " + std::to_string(next));
    if (extent.range.end <= next) wrong("residency has an empty extent");
    if (last == extent.where) wrong("residency has two alike at " + std::to_string(next));
    const bool kept = extent.where == Residency::memory || extent.where == Residency::spool;
    if (kept && extent.range.end > setup_.reach()) wrong("residency goes past what there is");
    next = extent.range.end;
    last = extent.where;
  }
}

Player::Player(Arena& arena, Choices& choices) : arena_(arena), choices_(choices) {
  reader_ = arena_.buffer().reader(arena_.setup().blocks() ? 0 : some_offset());
}

Player::~Player() = default;

std::uint64_t Player::some_offset() {
  const std::uint64_t size = arena_.setup().content.size();
  switch (choices_.below(8)) {
    case 0: return 0;
    case 1: return size;
    case 2: return size + choices_.below(3 * block_bytes);
    case 3: return std::min(size, (choices_.below(14) * block_bytes) + choices_.below(3));
    default: return choices_.below(size + 1);
  }
}

std::uint64_t Player::some_size() {
  return choices_.below(
      choices_.one_of<std::uint64_t>({1, 3, 100, 5000, block_bytes + 1, 3 * block_bytes}));
}

std::optional<Wait> Player::some_wait() {
  if (choices_.chance(70)) return std::nullopt;
  Wait wait;
  wait.deadline =
      std::chrono::steady_clock::now() + std::chrono::microseconds(choices_.below(2000));
  return wait;
}

void Player::play() {
  if (arena_.setup().blocks()) {
    play_in_blocking_window();
    return;
  }
  switch (choices_.below(24)) {
    case 0:
    case 1:
    case 2:
    case 3: read_at(); break;
    case 4:
    case 5: read_some_at(); break;
    case 6: read_owned(); break;
    case 7:
    case 8: take_view(); break;
    case 9: drop_view(); break;
    case 10:
    case 11:
    case 12: use_reader(); break;
    case 13: seek_reader(); break;
    case 14: renew_reader(); break;
    case 15: wait_for(); break;
    case 16:
    case 17: subscribe(); break;
    case 18: drop_subscription(); break;
    case 19: prefetch(); break;
    case 20: copy_out(); break;
    case 21: ask_for_size(); break;
    case 22:
      if (choices_.chance(20)) release();
      break;
    default: look(); break;
  }
}

/// Nobody may wait there for what the window has no room for, but the readers.
void Player::play_in_blocking_window() {
  switch (choices_.below(8)) {
    case 0:
    case 1:
    case 2:
    case 3: use_reader(); break;
    case 4: look(); break;
    case 5: wait_for(); break;
    case 6: prefetch(); break;
    default: renew_reader(); break;
  }
}

void Player::finish() {
  for (HeldView& held : views_) arena_.check_bytes(held.offset, held.view.bytes(), "a held view");
  views_.clear();
  for (HeldSubscription& held : subscriptions_) {
    held.subscription.cancel();  // Another thread may just be about to call it: waits for that.
    if (const int calls = held.told->calls.load(); calls != 1) {
      arena_.wrong("a callback was called " + std::to_string(calls) + " times at the end");
    }
  }
  subscriptions_.clear();
  reader_.reset();
}

}  // namespace seekable::test
