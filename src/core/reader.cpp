// SPDX-License-Identifier: Apache-2.0
#include "seekable/reader.hpp"

#include <stdexcept>
#include <string>

#include "core/reader_state.hpp"

namespace seekable::inline v1 {

Reader::Reader(std::unique_ptr<detail::ReaderState> state) noexcept : state_(std::move(state)) {}
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;

std::size_t Reader::read(std::span<std::byte> out) { return state_->read(out, nullptr); }

std::size_t Reader::read(std::span<std::byte> out, const Wait& wait) {
  return state_->read(out, &wait);
}

std::size_t Reader::read_some(std::span<std::byte> out) {
  const std::size_t size = state_->engine().read_some_at(position(), out, nullptr);
  state_->move_to(position() + size);
  return size;
}

std::size_t Reader::read_some(std::span<std::byte> out, const Wait& wait) {
  const std::size_t size = state_->engine().read_some_at(position(), out, &wait);
  state_->move_to(position() + size);
  return size;
}

namespace {

std::uint64_t moved(std::uint64_t base, std::int64_t by) {
  std::uint64_t position = 0;
  if (__builtin_add_overflow(base, by, &position)) {
    throw std::invalid_argument("seek: " + std::to_string(base) + (by < 0 ? " - " : " + ") +
                                std::to_string(by < 0 ? 0 - static_cast<std::uint64_t>(by)
                                                      : static_cast<std::uint64_t>(by)) +
                                " is not an offset");
  }
  return position;
}

}  // namespace

std::uint64_t Reader::seek(std::int64_t offset, Whence whence) {
  return seek(offset, whence, nullptr);
}

std::uint64_t Reader::seek(std::int64_t offset, Whence whence, const Wait& wait) {
  return seek(offset, whence, &wait);
}

std::uint64_t Reader::seek(std::int64_t offset, Whence whence, const Wait* wait) {
  std::uint64_t base = 0;
  if (whence == Whence::current) base = position();
  if (whence == Whence::end) base = state_->engine().wait_for_size(wait);
  state_->move_to(moved(base, offset));
  return position();
}

std::uint64_t Reader::position() const noexcept { return state_->position(); }

std::optional<std::uint64_t> Reader::size() const { return state_->engine().size(); }

std::uint64_t Reader::wait_for_size() const { return state_->engine().wait_for_size(nullptr); }

std::uint64_t Reader::wait_for_size(const Wait& wait) const {
  return state_->engine().wait_for_size(&wait);
}

std::uint64_t Reader::available() const {
  return state_->engine().available(position(), detail::unknown);
}

}  // namespace seekable::inline v1
