// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <istream>
#include <streambuf>
#include <string>

#include "seekable/error.hpp"
#include "seekable/sources.hpp"
#include "source/canceller.hpp"

namespace seekable::inline v1 {

namespace detail {

namespace {

/// Reads the buffer behind a standard stream: that one tells what is there without waiting.
///
/// Lifetime: points at the stream.
class IstreamSource final : public Source {
 public:
  explicit IstreamSource(std::istream& stream) : stream_(stream) {}

  std::size_t read_some(std::span<std::byte> out) override {
    if (cancelled_.load(std::memory_order_relaxed)) throw_cancelled(what, position_);
    if (ended_) return 0;
    check_not_failed();
    // A stream that has seen its end would ask a terminal for more.
    const std::size_t size = stream_.eof() ? 0 : read_now(out);
    if (size == 0) {
      check_not_failed();
      ended_ = true;
    }
    position_ += size;
    return size;
  }

  /// A read that waits inside the stream comes back when the stream lets it.
  void cancel() noexcept override { cancelled_.store(true, std::memory_order_relaxed); }

  SourceInfo info() const override {
    SourceInfo info;
    info.name = "standard stream";
    return info;
  }

 private:
  using Traits = std::istream::traits_type;
  static constexpr const char* what = "read from a standard stream";

  void check_not_failed() const {
    // After `getline` met the end a stream is both failed and ended; that is an end.
    if (stream_.bad() || (stream_.fail() && !stream_.eof())) {
      throw Error(Errc::source_failed,
                  std::string(what) + (position_ == 0 ? ": it is in a failed state (was it opened?)"
                                                      : ": it went into a failed state"),
                  position_);
    }
  }

  std::size_t read_now(std::span<std::byte> out) {
    std::streambuf& buffer = *stream_.rdbuf();  // Not null: then the stream is bad.
    auto* const data = reinterpret_cast<char*>(out.data());
    const auto most = static_cast<std::streamsize>(out.size());
    if (const auto there = buffer.in_avail(); there > 0) {
      const auto got = buffer.sgetn(data, std::min(there, most));
      if (got > 0) return static_cast<std::size_t>(got);  // Else it only guessed.
    }
    if (Traits::eq_int_type(buffer.sgetc(), Traits::eof())) return 0;  // Waits for one.
    const auto there = std::max<std::streamsize>(buffer.in_avail(), 1);
    const auto got = buffer.sgetn(data, std::min(there, most));
    if (got <= 0) throw Error(Errc::source_failed, what, position_);
    return static_cast<std::size_t>(got);
  }

  std::istream& stream_;
  std::uint64_t position_ = 0;
  bool ended_ = false;
  std::atomic<bool> cancelled_{false};
};

}  // namespace

}  // namespace detail

std::unique_ptr<Source> from_istream(std::istream& stream) {
  return std::make_unique<detail::IstreamSource>(stream);
}

}  // namespace seekable::inline v1
