// SPDX-License-Identifier: Apache-2.0
// What a stream decodes to does not depend on the pieces in which it comes and goes, and nothing
// but an error comes of what cannot be decoded.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

#include "seekable/decode.hpp"
#include "seekable/error.hpp"
#include "seekable/sources.hpp"

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  std::vector<std::byte> bytes;
  std::optional<std::error_code> failure;
};

// A few bytes can stand for many.
constexpr std::size_t enough = std::size_t{4} * 1024 * 1024;

Outcome outcome_of(std::span<const std::byte> packed, std::size_t piece_in, std::size_t piece_out) {
  const auto source = seekable::decoded(
      seekable::from_function([packed, piece_in](std::span<std::byte> out) mutable -> std::size_t {
        const std::size_t size = std::min({piece_in, packed.size(), out.size()});
        std::copy_n(packed.begin(), size, out.begin());
        packed = packed.subspan(size);
        return size;
      }));
  Outcome outcome;
  std::vector<std::byte> piece(piece_out);
  try {
    while (outcome.bytes.size() < enough) {
      const std::size_t size = source->read_some(piece);
      if (size == 0) break;
      expect(size <= piece.size());
      outcome.bytes.insert(outcome.bytes.end(), piece.begin(),
                           piece.begin() + static_cast<std::ptrdiff_t>(size));
    }
  } catch (const seekable::Error& error) {
    expect(error.offset() == outcome.bytes.size());
    outcome.failure = error.code();
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto packed = std::as_bytes(std::span(data, size));
  const Outcome whole = outcome_of(packed, size + 1, 65536);
  const Outcome pieces = outcome_of(packed, 1 + size % 17, 1 + size % 4099);
  expect(whole.failure.has_value() == pieces.failure.has_value() || whole.bytes.size() >= enough ||
         pieces.bytes.size() >= enough);
  // A decoder that fails may do so before or after the last bytes that it could have given.
  const std::size_t common = std::min(whole.bytes.size(), pieces.bytes.size());
  expect(std::equal(whole.bytes.begin(), whole.bytes.begin() + static_cast<std::ptrdiff_t>(common),
                    pieces.bytes.begin()));
  if (!whole.failure && whole.bytes.size() < enough) expect(whole.bytes == pieces.bytes);
  return 0;
}
