// SPDX-License-Identifier: Apache-2.0
#include "cli/sizes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <stdexcept>

#include "cli/number.hpp"

namespace seekable::cli {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t bytes;
};

// Largest first: `exact_size` takes the first that divides.
constexpr std::array units = {
    Unit{"EiB", 1ULL << 60},
    Unit{"EB", 1'000'000'000'000'000'000},
    Unit{"PiB", 1ULL << 50},
    Unit{"PB", 1'000'000'000'000'000},
    Unit{"TiB", 1ULL << 40},
    Unit{"TB", 1'000'000'000'000},
    Unit{"GiB", 1ULL << 30},
    Unit{"GB", 1'000'000'000},
    Unit{"MiB", 1ULL << 20},
    Unit{"MB", 1'000'000},
    Unit{"KiB", 1ULL << 10},
    Unit{"KB", 1'000},
    Unit{"B", 1},
};

bool same_letters(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw std::invalid_argument(
      fmt::format("bad size '{}': {}; write bytes, or a whole number with a unit, as 64KiB, 5MiB "
                  "or 2GB",
                  text, why));
}

std::uint64_t unit_bytes(std::string_view text, std::string_view name) {
  if (name.empty()) return 1;
  const auto* const unit = std::ranges::find_if(
      units, [name](const Unit& candidate) { return same_letters(candidate.name, name); });
  if (unit != units.end()) return unit->bytes;
  if (name.front() == '.' || name.front() == ',') refuse(text, "it has a fraction");
  refuse(text, fmt::format("'{}' is not a unit", name));
}

}  // namespace

std::uint64_t parse_size(std::string_view text) {
  const LeadingNumber number = leading_number(text);
  if (number.trouble == NumberTrouble::missing) refuse(text, "it does not begin with a number");
  constexpr std::string_view too_big = "it is more than 2^64 - 1 bytes";
  if (number.trouble == NumberTrouble::too_big) refuse(text, too_big);
  const auto bytes = checked_product(number.value, unit_bytes(text, number.rest));
  if (!bytes) refuse(text, too_big);
  return *bytes;
}

std::string exact_size(std::uint64_t bytes) {
  if (bytes == 0) return "0";
  for (const Unit& unit : units) {
    if (unit.bytes > 1 && bytes % unit.bytes == 0) {
      return fmt::format("{}{}", bytes / unit.bytes, unit.name);
    }
  }
  return fmt::format("{}", bytes);
}

std::string rounded_size(std::uint64_t bytes) {
  if (bytes == 1) return "1 byte";
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  for (const Unit& unit : units) {
    const bool binary = unit.name.size() == 3;
    if (binary && bytes >= unit.bytes) {
      return fmt::format("{:.1f} {}", static_cast<double>(bytes) / static_cast<double>(unit.bytes),
                         unit.name);
    }
  }
  return {};
}

}  // namespace seekable::cli
