// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <type_traits>
#include <utility>

#include "seekable/error.hpp"
#include "seekable/source.hpp"

namespace seekable::inline v1 {

template <typename T>
concept ByteLike =
    std::same_as<std::remove_cv_t<T>, std::byte> || std::same_as<std::remove_cv_t<T>, char> ||
    std::same_as<std::remove_cv_t<T>, unsigned char> || std::same_as<std::remove_cv_t<T>, char8_t>;

/// Bytes in one piece: a `std::string`, a `std::vector<std::byte>`, a `std::span<const char>` ...
template <typename T>
concept Chunk = std::ranges::contiguous_range<T> && std::ranges::sized_range<T> &&
                ByteLike<std::ranges::range_value_t<T>>;

/// Anything to iterate over that gives chunks: the *iterable of bytes*.
template <typename R>
concept ChunkRange = std::ranges::input_range<R> &&
                     Chunk<std::remove_reference_t<std::ranges::range_reference_t<R>>>;

namespace detail {

/// Reads the chunks of a range one after another.
///
/// Lifetime: `R` is a reference for an lvalue range, which must outlive the source; a value for
///     an rvalue range, which was moved in.
template <typename R>
class ChunkSource final : public Source {
 public:
  explicit ChunkSource(R&& range) : range_(std::forward<R>(range)) {}

  std::size_t read_some(std::span<std::byte> out) override {
    do {
      // Inside the loop: a range may have no end and nothing but empty chunks.
      if (cancelled_.load(std::memory_order_relaxed)) {
        throw Error(Errc::cancelled, "read from chunks", given_);
      }
    } while (left_.empty() && next_chunk());
    const std::size_t size = std::min(out.size(), left_.size());
    if (size == 0) return 0;
    std::memcpy(out.data(), left_.data(), size);
    left_ = left_.subspan(size);
    given_ += size;
    return size;
  }

  /// A range that waits inside its iterator comes back when it likes.
  void cancel() noexcept override { cancelled_.store(true, std::memory_order_relaxed); }

  SourceInfo info() const override {
    SourceInfo info;
    info.name = "chunks";
    return info;
  }

 private:
  using Range = std::remove_reference_t<R>;
  using Reference = std::ranges::range_reference_t<Range>;
  // A chunk that the iterator makes on the fly is held here until it is used up.
  static constexpr bool held = !std::is_lvalue_reference_v<Reference>;
  using Held = std::conditional_t<held, std::remove_cvref_t<Reference>, std::byte>;

  bool next_chunk() {
    if (!iterator_) {
      iterator_.emplace(std::ranges::begin(range_));
    } else if (*iterator_ != std::ranges::end(range_)) {
      ++*iterator_;
    }
    if (*iterator_ == std::ranges::end(range_)) return false;
    if constexpr (held) {
      held_.emplace(**iterator_);
      left_ = bytes_of(*held_);
    } else {
      left_ = bytes_of(**iterator_);
    }
    return true;
  }

  template <typename C>
  static std::span<const std::byte> bytes_of(C& chunk) {
    const auto size = static_cast<std::size_t>(std::ranges::size(chunk));
    return std::as_bytes(std::span(std::ranges::data(chunk), size));
  }

  R range_;
  std::optional<std::ranges::iterator_t<Range>> iterator_;
  std::optional<Held> held_;
  std::span<const std::byte> left_;
  std::uint64_t given_ = 0;
  std::atomic<bool> cancelled_{false};
};

}  // namespace detail

/// A source of the chunks in `chunks`, in order; empty chunks are skipped, they are not the end.
///
/// Lifetime: an lvalue range is referenced and must outlive the buffer; an rvalue is moved in.
template <ChunkRange R>
std::unique_ptr<Source> from_chunks(R&& chunks) {
  return std::make_unique<detail::ChunkSource<R>>(std::forward<R>(chunks));
}

}  // namespace seekable::inline v1
