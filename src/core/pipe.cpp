// SPDX-License-Identifier: Apache-2.0
#include "seekable/pipe.hpp"

#include <stdexcept>
#include <utility>

#include "core/engine.hpp"
#include "core/failure.hpp"

namespace seekable::inline v1 {

Writer::Writer(std::shared_ptr<detail::Engine> engine) noexcept : engine_(std::move(engine)) {}

Writer::Writer(Writer&& other) noexcept = default;

Writer& Writer::operator=(Writer&& other) noexcept {
  if (this != &other) {
    drop();
    engine_ = std::move(other.engine_);
    closed_ = other.closed_;
  }
  return *this;
}

Writer::~Writer() { drop(); }

void Writer::drop() noexcept {
  if (!engine_ || closed_) return;
  closed_ = true;
  detail::Filler& filler = engine_->filler();
  filler.push_failure(
      detail::failure_told_by(std::make_error_code(std::errc::broken_pipe), filler.position(),
                              [] { return "the writer was dropped without end()"; }));
}

detail::Engine& Writer::open() const {
  if (!engine_) throw std::invalid_argument("this Writer was moved from");
  if (closed_) throw std::invalid_argument("this Writer has told the end or a failure");
  return *engine_;
}

void Writer::write(std::span<const std::byte> bytes) { open().filler().push(bytes, nullptr, true); }

void Writer::write(std::span<const std::byte> bytes, const Wait& wait) {
  open().filler().push(bytes, &wait, true);
}

std::size_t Writer::try_write(std::span<const std::byte> bytes) {
  return open().filler().push(bytes, nullptr, false);
}

std::uint64_t Writer::written() const noexcept {
  return engine_ ? engine_->filler().position() : 0;
}

void Writer::end() {
  open().filler().push_end();
  closed_ = true;
}

void Writer::fail(std::error_code code) {
  if (!code) throw std::invalid_argument("Writer::fail needs an error");
  open();
  fail(code, "the writer failed: " + code.message());
}

void Writer::fail(std::error_code code, const std::string& message) {
  closed_ = true;
  detail::Filler& filler = engine_->filler();
  filler.push_failure({code, message, filler.position(), nullptr});
}

Pipe make_pipe(Options options) {
  auto engine = detail::Engine::make(nullptr, std::move(options));
  StreamBuffer buffer(engine);
  return {Writer(std::move(engine)), std::move(buffer)};
}

}  // namespace seekable::inline v1
