// SPDX-License-Identifier: Apache-2.0
#include "cli/drain.hpp"

#include <memory>

namespace seekable::cli {

std::uint64_t drain(StreamBuffer& buffer,
                    const std::function<void(std::span<const std::byte>)>& sink) {
  const auto piece = std::make_unique<Piece>();
  std::uint64_t at = 0;
  for (;;) {
    const std::size_t got = buffer.read_some_at(at, piece->bytes);
    if (got == 0) return at;
    sink(std::span(piece->bytes).first(got));
    at += got;
    buffer.release_before(at);
  }
}

}  // namespace seekable::cli
