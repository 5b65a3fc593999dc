// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>
#include <unistd.h>

#include "support/model.hpp"

namespace seekable::test {

namespace {

constexpr std::size_t most_held = 8;

}  // namespace

void Player::read_at() {
  const std::uint64_t offset = some_offset();
  Bytes out(static_cast<std::size_t>(some_size()));
  const auto wait = some_wait();
  try {
    const StreamBuffer& buffer = arena_.buffer();
    const std::size_t got = wait ? buffer.read_at(offset, out, *wait) : buffer.read_at(offset, out);
    arena_.check_bytes(offset, std::span(out).first(got), "read_at");
    arena_.check_short(offset, out.size(), got, "read_at");
  } catch (const Error& error) {
    arena_.check_error(error, offset, wait.has_value(), "read_at");
  }
}

void Player::read_some_at() {
  const std::uint64_t offset = some_offset();
  Bytes out(static_cast<std::size_t>(1 + some_size()));
  const auto wait = some_wait();
  try {
    const StreamBuffer& buffer = arena_.buffer();
    const std::size_t got =
        wait ? buffer.read_some_at(offset, out, *wait) : buffer.read_some_at(offset, out);
    arena_.check_bytes(offset, std::span(out).first(got), "read_some_at");
    if (got == 0) arena_.check_short(offset, out.size(), got, "read_some_at");
  } catch (const Error& error) {
    arena_.check_error(error, offset, wait.has_value(), "read_some_at");
  }
}

void Player::read_owned() {
  const std::uint64_t offset = some_offset();
  // A huge size allocates only what comes.
  const std::uint64_t size = choices_.chance(20) ? std::uint64_t{1} << 62U : some_size();
  try {
    const Bytes bytes = arena_.buffer().read(offset, size);
    arena_.check_bytes(offset, bytes, "read");
    arena_.check_short(offset, size, bytes.size(), "read");
  } catch (const Error& error) {
    arena_.check_error(error, offset, false, "read");
  }
}

void Player::take_view() {
  const std::uint64_t offset = some_offset();
  const auto size = static_cast<std::size_t>(1 + some_size());
  const auto wait = some_wait();
  if (views_.size() >= most_held) drop_view();
  try {
    const StreamBuffer& buffer = arena_.buffer();
    View view = wait ? buffer.view(offset, size, *wait) : buffer.view(offset, size);
    arena_.check_bytes(offset, view.bytes(), "view");
    if (view.empty()) arena_.check_short(offset, size, 0, "view");
    if (!view.empty()) views_.push_back({std::move(view), offset});
  } catch (const Error& error) {
    arena_.check_error(error, offset, wait.has_value(), "view");
  }
}

void Player::drop_view() {
  if (views_.empty()) return;
  const auto at = static_cast<std::ptrdiff_t>(choices_.below(views_.size()));
  const HeldView& held = views_[static_cast<std::size_t>(at)];
  arena_.check_bytes(held.offset, held.view.bytes(), "a held view");
  views_.erase(views_.begin() + at);
}

void Player::use_reader() {
  const std::uint64_t offset = reader_->position();
  const bool some = choices_.chance(40);
  Bytes out(static_cast<std::size_t>(some_size() + (some ? 1 : 0)));
  const auto wait = some_wait();
  try {
    std::size_t got = 0;
    if (some) {
      got = wait ? reader_->read_some(out, *wait) : reader_->read_some(out);
    } else {
      got = wait ? reader_->read(out, *wait) : reader_->read(out);
    }
    arena_.check_bytes(offset, std::span(out).first(got), "Reader::read");
    if (!some || got == 0) arena_.check_short(offset, out.size(), got, "Reader::read");
    if (reader_->position() != offset + got) arena_.wrong("a reader moved otherwise");
  } catch (const Error& error) {
    arena_.check_error(error, reader_->position(), wait.has_value(), "Reader::read");
    const bool moved = reader_->position() != offset;
    if (moved && !arena_.setup().blocks()) arena_.wrong("a failed read moved its reader");
    if (error.code() == Errc::released) {
      reader_->seek(static_cast<std::int64_t>(error.offset()));
    }
  }
}

void Player::seek_reader() {
  const std::uint64_t offset = some_offset();
  const auto to = static_cast<std::int64_t>(offset);
  const auto before = static_cast<std::int64_t>(reader_->position());
  try {
    const bool relative = choices_.chance(50);
    const std::uint64_t now =
        relative ? reader_->seek(to - before, Whence::current) : reader_->seek(to);
    if (now != offset || reader_->position() != offset) arena_.wrong("seek goes elsewhere");
  } catch (const Error& error) {
    arena_.wrong(std::string("seek throws ") + error.what());
  }
}

void Player::renew_reader() {
  // The old one goes after the new one has its place.
  Reader renewed =
      arena_.buffer().reader(arena_.setup().blocks() ? reader_->position() : some_offset());
  *reader_ = std::move(renewed);
}

void Player::wait_for() {
  const std::uint64_t begin = some_offset();
  const ByteRange range{begin, begin + some_size()};
  try {
    if (!arena_.buffer().wait_for(range, std::chrono::microseconds(choices_.below(2000)))) return;
    const std::uint64_t end = std::min(range.end, arena_.setup().reach());
    const std::uint64_t kept = arena_.buffer().available(begin);
    if (arena_.may_be_released(begin)) return;  // Looked at last: another player may release it.
    if (begin < end && kept < end - begin) {
      arena_.wrong("wait_for is true, and bytes of it are missing");
    }
  } catch (const Error& error) {
    // Any byte of the range may be the one that never comes.
    arena_.check_error(error, error.code() == Errc::released ? begin : range.end, true, "wait_for");
  }
}

void Player::subscribe() {
  const std::uint64_t begin = some_offset();
  const ByteRange range{begin, begin + some_size()};
  if (subscriptions_.size() >= most_held) drop_subscription();
  auto told = std::make_shared<Arena::Told>();
  std::shared_ptr<Reader> reads;
  if (choices_.chance(30)) reads = std::make_shared<Reader>(arena_.buffer().reader(begin));
  Arena* arena = &arena_;
  auto subscription =
      arena_.buffer().when_available(range, [told, reads, arena](std::error_code code) {
        told->code = code;
        ++told->calls;
        if (!reads) return;
        // A callback may call anything, also what waits for more.
        Bytes out(100);
        const std::uint64_t offset = reads->position();
        try {
          const std::size_t got = reads->read(out);
          arena->check_bytes(offset, std::span(out).first(got), "a read in a callback");
        } catch (const Error&) {
          return;
        }
      });
  subscriptions_.push_back({std::move(subscription), std::move(told), range});
}

void Player::drop_subscription() {
  if (subscriptions_.empty()) return;
  const auto at = static_cast<std::ptrdiff_t>(choices_.below(subscriptions_.size()));
  HeldSubscription held = std::move(subscriptions_[static_cast<std::size_t>(at)]);
  subscriptions_.erase(subscriptions_.begin() + at);
  held.subscription.cancel();
  const int calls = held.told->calls.load();
  if (calls > 1) arena_.wrong("a callback was called " + std::to_string(calls) + " times");
  if (calls == 0) return;
  const std::error_code code = held.told->code;
  if (code) {
    arena_.check_error(Error(code, "callback", held.range.end + 1),
                       code == Errc::released ? held.range.begin : held.range.end, false,
                       "when_available");
    return;
  }
  const std::uint64_t end = std::min(held.range.end, arena_.setup().reach());
  const std::uint64_t kept = arena_.buffer().available(held.range.begin);
  if (arena_.may_be_released(held.range.begin) || held.range.begin >= end) return;
  if (kept < end - held.range.begin) {
    arena_.wrong("a callback says that bytes are there which are missing");
  }
}

void Player::prefetch() {
  std::vector<ByteRange> ranges;
  for (std::uint64_t i = choices_.below(4); i > 0; --i) {
    const std::uint64_t begin = some_offset();
    ranges.push_back({begin, begin + some_size()});
  }
  arena_.buffer().prefetch(ranges);
}

void Player::release() { arena_.release_before(some_offset()); }

/// What is available is read at once, whatever waits, failed or was cancelled.
void Player::read_available(std::uint64_t offset, std::uint64_t size) {
  Bytes out(static_cast<std::size_t>(size));
  std::size_t got = 0;
  try {
    got = arena_.buffer().read_at(offset, out);
  } catch (const Error& error) {
    if (error.code() != Errc::released) arena_.wrong("what is available throws");
    arena_.check_error(error, offset, false, "a read of what is available");
  }
  arena_.check_bytes(offset, std::span(out).first(got), "a read of what is available");
  if (got != out.size() && !arena_.may_be_released(offset + got)) {
    arena_.wrong("available tells of bytes that cannot be read");
  }
}

void Player::look() {
  arena_.check_limits();
  arena_.check_residency();
  const StreamBuffer& buffer = arena_.buffer();
  const std::uint64_t offset = some_offset();
  const std::uint64_t kept = buffer.available(offset);
  if (kept > 0 && offset + kept > arena_.setup().reach()) {
    arena_.wrong("available tells of bytes past what there is");
  }
  if (kept > 0) read_available(offset, std::min<std::uint64_t>(kept, 1000));
  const bool exhausted = buffer.exhausted();
  // Nobody finds out about a false claim whose missing bytes were all given up.
  const bool found_out =
      !arena_.setup().restartable || !arena_.may_be_released(arena_.setup().reach());
  if (exhausted && arena_.setup().fails() && found_out) {
    arena_.wrong("exhausted is true of a stream that fails");
  }
  const auto size = buffer.size();
  if (size && *size != arena_.setup().content.size() && size != arena_.setup().claim()) {
    arena_.wrong("size() is " + std::to_string(*size));
  }
}

void Player::copy_out() {
  const std::uint64_t begin = some_offset();
  const ByteRange range{begin, begin + some_size()};
  const FileDescriptor file(::memfd_create("model", MFD_CLOEXEC));
  const auto wait = some_wait();
  std::uint64_t copied = 0;
  std::optional<Error> thrown;
  try {
    const StreamBuffer& buffer = arena_.buffer();
    copied = wait ? buffer.copy_to(file.get(), range, *wait) : buffer.copy_to(file.get(), range);
  } catch (const Error& error) {
    thrown = error;
  }
  Bytes out(static_cast<std::size_t>(range.end - range.begin) + 1);
  const ssize_t there = ::pread(file.get(), out.data(), out.size(), 0);
  const auto got = static_cast<std::size_t>(std::max<ssize_t>(there, 0));
  arena_.check_bytes(begin, std::span(out).first(got), "copy_to");
  if (thrown) {
    arena_.check_error(*thrown, begin + got, wait.has_value(), "copy_to");
    return;
  }
  if (copied != got) arena_.wrong("copy_to says another number than it wrote");
  if (copied < range.end - range.begin && begin + copied < arena_.setup().content.size()) {
    arena_.wrong("copy_to stops before the end");
  }
}

void Player::ask_for_size() {
  const auto wait = some_wait();
  const Setup& setup = arena_.setup();
  try {
    const std::uint64_t size =
        wait ? arena_.buffer().wait_for_size(*wait) : arena_.buffer().wait_for_size();
    if (size != setup.content.size() && size != setup.claim()) {
      arena_.wrong("wait_for_size gives " + std::to_string(size));
    }
  } catch (const Error& error) {
    arena_.check_error(error, setup.content.size(), wait.has_value(), "wait_for_size");
  }
}

}  // namespace seekable::test
