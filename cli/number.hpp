// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace seekable::cli {

/// Why digits at the front of a text are not a number.
enum class NumberTrouble : std::uint8_t { none, missing, too_big };

/// The whole number at the front of a text, and what follows it.
struct LeadingNumber {
  std::uint64_t value = 0;
  std::string_view rest;
  NumberTrouble trouble = NumberTrouble::none;
};

/// Reads the decimal digits at the front of `text`; signs and blanks are not digits.
inline LeadingNumber leading_number(std::string_view text) {
  LeadingNumber number;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number.value);
  number.rest = text.substr(static_cast<std::size_t>(end - text.data()));
  if (error == std::errc::result_out_of_range) number.trouble = NumberTrouble::too_big;
  if (error == std::errc::invalid_argument) number.trouble = NumberTrouble::missing;
  return number;
}

/// `a * b`, or nothing where that exceeds 64 bits.
inline std::optional<std::uint64_t> checked_product(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

}  // namespace seekable::cli
