// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace seekable::inline v1::detail {

/// Marks that this thread is inside the source of a filler, so that a source that waits for its
/// own buffer is told so instead of waiting for ever.
class InsideSource {
 public:
  explicit InsideSource(const void* filler) noexcept : filler_(filler), outer_(innermost) {
    innermost = this;
  }
  InsideSource(const InsideSource&) = delete;
  InsideSource& operator=(const InsideSource&) = delete;
  ~InsideSource() { innermost = outer_; }

  static bool is(const void* filler) noexcept {
    for (const InsideSource* inside = innermost; inside != nullptr; inside = inside->outer_) {
      if (inside->filler_ == filler) return true;
    }
    return false;
  }

 private:
  // Without a constructor, so that looking at it costs no check whether it has run.
  static constinit thread_local const InsideSource* innermost;

  const void* const filler_;
  const InsideSource* const outer_;
};

inline constinit thread_local const InsideSource* InsideSource::innermost = nullptr;

}  // namespace seekable::inline v1::detail
