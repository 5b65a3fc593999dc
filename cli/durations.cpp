// SPDX-License-Identifier: Apache-2.0
#include "cli/durations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <stdexcept>

#include "cli/number.hpp"

namespace seekable::cli {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t milliseconds;
};

// Largest first: `exact_duration` takes the first that divides.
constexpr std::array units = {Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1'000},
                              Unit{"ms", 1}};

// Far below what a clock can add to now, and far above what anybody waits.
constexpr std::uint64_t most_milliseconds = 10ULL * 366 * 24 * 3'600'000;

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw std::invalid_argument(
      fmt::format("bad time '{}': {}; write a whole number with ms, s, m or h, as 10s", text, why));
}

}  // namespace

std::chrono::milliseconds parse_duration(std::string_view text) {
  const LeadingNumber number = leading_number(text);
  if (number.trouble == NumberTrouble::missing) refuse(text, "it does not begin with a number");
  if (number.rest.empty()) refuse(text, "it has no unit");
  const auto* const unit = std::ranges::find(units, number.rest, &Unit::name);
  if (unit == units.end()) refuse(text, fmt::format("'{}' is not a unit", number.rest));
  const auto milliseconds = number.trouble == NumberTrouble::too_big
                                ? std::nullopt
                                : checked_product(number.value, unit->milliseconds);
  if (!milliseconds || *milliseconds > most_milliseconds) refuse(text, "it is over ten years");
  if (*milliseconds == 0) refuse(text, "it is no time at all");
  return std::chrono::milliseconds(*milliseconds);
}

std::string exact_duration(std::chrono::milliseconds duration) {
  const auto milliseconds = static_cast<std::uint64_t>(duration.count());
  for (const Unit& unit : units) {
    if (milliseconds % unit.milliseconds == 0) {
      return fmt::format("{}{}", milliseconds / unit.milliseconds, unit.name);
    }
  }
  return {};
}

}  // namespace seekable::cli
