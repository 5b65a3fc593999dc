// SPDX-License-Identifier: Apache-2.0
// A size is read exactly, or refused with one line; never wrapped, never anything else thrown.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#include "cli/durations.hpp"
#include "cli/sizes.hpp"

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

template <typename Parse, typename Write>
void round_trip(std::string_view text, Parse parse, Write write) {
  try {
    const auto value = parse(text);
    expect(parse(write(value)) == value);
    // Digits grow a number: what is read is never below the digits at the front.
    expect(!text.empty() && text.front() >= '0' && text.front() <= '9');
  } catch (const std::invalid_argument& error) {
    expect(std::strlen(error.what()) > 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace seekable::cli;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  round_trip(text, parse_size, exact_size);
  round_trip(text, parse_duration, exact_duration);
  if (size >= sizeof(std::uint64_t)) {
    std::uint64_t number = 0;
    std::memcpy(&number, data, sizeof number);
    expect(parse_size(exact_size(number)) == number);
    expect(parse_size(std::to_string(number)) == number);
    expect(!rounded_size(number).empty());
    // Checked against arithmetic in twice the width.
    const auto wide = static_cast<unsigned __int128>(number) * 1024;
    try {
      expect(parse_size(std::to_string(number) + "KiB") == wide);
    } catch (const std::invalid_argument&) {
      expect(wide > UINT64_MAX);
    }
  }
  return 0;
}
