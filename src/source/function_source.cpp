// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

#include "seekable/error.hpp"
#include "seekable/sources.hpp"
#include "source/canceller.hpp"

namespace seekable::inline v1 {

namespace detail {

namespace {

class FunctionSource final : public Source {
 public:
  explicit FunctionSource(std::function<std::size_t(std::span<std::byte>)> read)
      : read_(std::move(read)) {}

  std::size_t read_some(std::span<std::byte> out) override {
    if (cancelled_.load(std::memory_order_relaxed)) throw_cancelled("read from a function", given_);
    if (ended_) return 0;
    const std::size_t size = read_(out);
    if (size > out.size()) {
      throw Error(Errc::source_failed,
                  "read from a function: it returned " + std::to_string(size) + " for a span of " +
                      std::to_string(out.size()) + " bytes",
                  given_);
    }
    ended_ = size == 0;
    given_ += size;
    return size;
  }

  /// A call that is under way comes back when it likes.
  void cancel() noexcept override { cancelled_.store(true, std::memory_order_relaxed); }

  SourceInfo info() const override {
    SourceInfo info;
    info.name = "function";
    return info;
  }

 private:
  std::function<std::size_t(std::span<std::byte>)> read_;
  std::uint64_t given_ = 0;
  bool ended_ = false;
  std::atomic<bool> cancelled_{false};
};

}  // namespace

}  // namespace detail

std::unique_ptr<Source> from_function(std::function<std::size_t(std::span<std::byte>)> read) {
  if (!read) throw std::invalid_argument("from_function: the function is empty");
  return std::make_unique<detail::FunctionSource>(std::move(read));
}

}  // namespace seekable::inline v1
