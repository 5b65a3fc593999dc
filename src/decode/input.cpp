// SPDX-License-Identifier: Apache-2.0
#include "decode/input.hpp"

#include <algorithm>

#include "decode/member.hpp"

namespace seekable::inline v1::detail {

std::span<const std::byte> Input::ahead(std::size_t skip) {
  if (end_ - begin_ == skip) pull();
  return std::span<const std::byte>(buffer_).subspan(begin_ + skip, end_ - begin_ - skip);
}

std::span<const std::byte> Input::peek(std::size_t size) {
  while (end_ - begin_ < size && pull()) {
  }
  return std::span<const std::byte>(buffer_).subspan(begin_, end_ - begin_);
}

std::size_t Input::read_some(std::span<std::byte> out) {
  if (begin_ == end_) {
    check_cancelled();
    if (ended_) return 0;
    return ask(out);
  }
  const std::size_t size = std::min(out.size(), end_ - begin_);
  std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), size, out.begin());
  begin_ += size;
  return size;
}

void Input::cancel() noexcept {
  cancelled_.store(true, std::memory_order_relaxed);
  source_->cancel();
}

/// Returns: false at the end of the source.
bool Input::pull() {
  constexpr std::size_t least = std::size_t{64} * 1024;
  check_cancelled();
  if (ended_) return false;
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == buffer_.size() && begin_ > 0) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), buffer_.end(),
              buffer_.begin());
    end_ -= begin_;
    begin_ = 0;
  } else if (end_ == buffer_.size()) {
    buffer_.resize(std::max(least, 2 * buffer_.size()));
  }
  end_ += ask(std::span(buffer_).subspan(end_));
  return !ended_;
}

std::size_t Input::ask(std::span<std::byte> out) {
  const std::size_t size = source_->read_some(out);
  if (size > out.size()) {
    throw BrokenMember(Errc::source_failed, "the source says that it gave more than was asked for");
  }
  if (size == 0) check_cancelled();  // Then it may not be the end.
  ended_ = size == 0;
  return size;
}

void Input::check_cancelled() const {
  if (cancelled_.load(std::memory_order_relaxed)) {
    throw BrokenMember(Errc::cancelled, "the decoding was cancelled");
  }
}

}  // namespace seekable::inline v1::detail
