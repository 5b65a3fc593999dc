// SPDX-License-Identifier: Apache-2.0
#include "seekable/stream_buffer.hpp"

#include <stdexcept>
#include <utility>

#include "core/engine.hpp"
#include "core/reader_state.hpp"

namespace seekable::inline v1 {

namespace {

std::unique_ptr<Source> not_null(std::unique_ptr<Source> source) {
  if (!source) throw std::invalid_argument("a StreamBuffer needs a source");
  return source;
}

}  // namespace

StreamBuffer::StreamBuffer(std::unique_ptr<Source> source, Options options)
    : engine_(detail::Engine::make(not_null(std::move(source)), std::move(options))) {}

StreamBuffer::StreamBuffer(std::shared_ptr<detail::Engine> engine) noexcept
    : engine_(std::move(engine)) {}

StreamBuffer::StreamBuffer(StreamBuffer&&) noexcept = default;

StreamBuffer& StreamBuffer::operator=(StreamBuffer&& other) noexcept {
  if (this != &other) {
    let_go();
    engine_ = std::move(other.engine_);
  }
  return *this;
}

StreamBuffer::~StreamBuffer() { let_go(); }

void StreamBuffer::let_go() noexcept {
  if (!engine_) return;
  engine_->filler().end_callbacks();
  detail::Engine::drop_owner(std::move(engine_));
}

detail::Engine& StreamBuffer::engine() const {
  if (!engine_) throw std::invalid_argument("this StreamBuffer was moved from");
  return *engine_;
}

std::size_t StreamBuffer::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  return engine().read_at(offset, out, nullptr);
}

std::size_t StreamBuffer::read_at(std::uint64_t offset, std::span<std::byte> out,
                                  const Wait& wait) const {
  return engine().read_at(offset, out, &wait);
}

bool StreamBuffer::read_in_memory(std::uint64_t offset, std::span<std::byte> out) const noexcept {
  return engine_ != nullptr && engine_->read_in_memory(offset, out);
}

bool StreamBuffer::bring_near(std::uint64_t offset, std::size_t size) const noexcept {
  return engine_ != nullptr && engine_->bring_near(offset, size);
}

std::size_t StreamBuffer::read_kept_at(std::uint64_t offset, std::span<std::byte> out) const {
  return engine().read_kept_at(offset, out);
}

std::size_t StreamBuffer::read_some_at(std::uint64_t offset, std::span<std::byte> out) const {
  return engine().read_some_at(offset, out, nullptr);
}

std::size_t StreamBuffer::read_some_at(std::uint64_t offset, std::span<std::byte> out,
                                       const Wait& wait) const {
  return engine().read_some_at(offset, out, &wait);
}

Bytes StreamBuffer::read(std::uint64_t offset, std::uint64_t size) const {
  return engine().read(offset, size, nullptr);
}

Bytes StreamBuffer::read(std::uint64_t offset, std::uint64_t size, const Wait& wait) const {
  return engine().read(offset, size, &wait);
}

namespace {

std::uint64_t size_of_slice(std::uint64_t first, std::uint64_t last) {
  if (first > last) {
    throw std::invalid_argument("slice: first " + std::to_string(first) + " is past last " +
                                std::to_string(last));
  }
  return last - first;
}

}  // namespace

Bytes StreamBuffer::slice(std::uint64_t first, std::uint64_t last) const {
  return engine().read(first, size_of_slice(first, last), nullptr);
}

Bytes StreamBuffer::slice(std::uint64_t first, std::uint64_t last, const Wait& wait) const {
  return engine().read(first, size_of_slice(first, last), &wait);
}

View StreamBuffer::view(std::uint64_t offset, std::size_t max_size) const {
  return engine().view(offset, max_size, nullptr);
}

View StreamBuffer::view(std::uint64_t offset, std::size_t max_size, const Wait& wait) const {
  return engine().view(offset, max_size, &wait);
}

Reader StreamBuffer::reader(std::uint64_t offset) const {
  engine();
  return Reader(std::make_unique<detail::ReaderState>(detail::Owner(engine_), offset));
}

std::optional<std::uint64_t> StreamBuffer::size() const { return engine().size(); }

std::uint64_t StreamBuffer::wait_for_size() const { return engine().wait_for_size(nullptr); }

std::uint64_t StreamBuffer::wait_for_size(const Wait& wait) const {
  return engine().wait_for_size(&wait);
}

std::uint64_t StreamBuffer::available(std::uint64_t offset) const {
  return engine().available(offset, detail::unknown);
}

std::uint64_t StreamBuffer::available(std::uint64_t offset, std::uint64_t most) const {
  return engine().available(offset, most);
}

bool StreamBuffer::wait_for(ByteRange range, std::chrono::nanoseconds timeout) const {
  return engine().wait_for(range, timeout);
}

bool StreamBuffer::exhausted() const { return engine().exhausted(); }

std::optional<Failure> StreamBuffer::failure() const { return engine().failure(); }

SourceInfo StreamBuffer::info() const { return engine().info(); }

Subscription StreamBuffer::when_available(ByteRange range,
                                          std::function<void(std::error_code)> callback) const {
  return engine().when_available(range, std::move(callback));
}

void StreamBuffer::prefetch(std::span<const ByteRange> ranges) const { engine().prefetch(ranges); }

void StreamBuffer::release_before(std::uint64_t offset) { engine().release_before(offset); }

void StreamBuffer::cancel() { engine().cancel(); }

std::vector<Extent> StreamBuffer::residency() const { return engine().residency(); }

Stats StreamBuffer::stats() const { return engine().stats(); }

std::uint64_t StreamBuffer::copy_to(int fd, ByteRange range) const {
  return engine().copy_to(fd, range, nullptr);
}

std::uint64_t StreamBuffer::copy_to(int fd, ByteRange range, const Wait& wait) const {
  return engine().copy_to(fd, range, &wait);
}

FileDescriptor StreamBuffer::to_file() const { return engine().to_file(nullptr); }

FileDescriptor StreamBuffer::to_file(const Wait& wait) const { return engine().to_file(&wait); }

void StreamBuffer::save(const std::filesystem::path& path) const& {
  engine().save(path, nullptr, false);
}

void StreamBuffer::save(const std::filesystem::path& path, const Wait& wait) const& {
  engine().save(path, &wait, false);
}

void StreamBuffer::save(const std::filesystem::path& path) && {
  engine().save(path, nullptr, true);
  let_go();
}

void StreamBuffer::save(const std::filesystem::path& path, const Wait& wait) && {
  engine().save(path, &wait, true);
  let_go();
}

}  // namespace seekable::inline v1
