// SPDX-License-Identifier: Apache-2.0
#include "decode/format.hpp"

#include <array>
#include <string_view>

namespace seekable::inline v1::detail {

namespace {

using namespace std::string_view_literals;

Match compare(std::span<const std::byte> bytes, std::string_view magic) noexcept {
  for (std::size_t i = 0; i < magic.size(); ++i) {
    if (i == bytes.size()) return Match::maybe;
    if (std::to_integer<unsigned char>(bytes[i]) != static_cast<unsigned char>(magic[i])) {
      return Match::no;
    }
  }
  return Match::yes;
}

/// With the level, and the mark of a first block or of the end: "BZh" alone could be a text.
Match compare_bzip2(std::span<const std::byte> bytes) noexcept {
  constexpr std::size_t level_at = 3;
  const Match begin = compare(bytes, "BZh"sv);
  if (begin != Match::yes || bytes.size() == level_at) {
    return begin == Match::yes ? Match::maybe : begin;
  }
  const auto level = std::to_integer<char>(bytes[level_at]);
  if (level < '1' || level > '9') return Match::no;
  const auto mark = bytes.subspan(level_at + 1);
  const Match block = compare(mark, "1AY&SY"sv);
  return block != Match::no ? block : compare(mark, "\x17rE8P\x90"sv);
}

Match compare_skippable(std::span<const std::byte> bytes) noexcept {
  if (bytes.empty()) return Match::maybe;
  if ((bytes[0] & std::byte{0xF0}) != std::byte{0x50}) return Match::no;
  return compare(bytes.subspan(1), "\x2A\x4D\x18"sv);
}

}  // namespace

Match matches(Format format, std::span<const std::byte> bytes) noexcept {
  switch (format) {
    case Format::gzip: return compare(bytes, "\x1F\x8B"sv);
    case Format::bzip2: return compare_bzip2(bytes);
    case Format::xz:
      return compare(bytes,
                     "\xFD"
                     "7zXZ\0"sv);
    case Format::zstd: return compare(bytes, "\x28\xB5\x2F\xFD"sv);
    case Format::lz4: return compare(bytes, "\x04\x22\x4D\x18"sv);
    case Format::legacy_lz4: return compare(bytes, "\x02\x21\x4C\x18"sv);
    case Format::skippable: return compare_skippable(bytes);
    case Format::plain: break;
  }
  return Match::no;
}

const char* name_of(Format format) noexcept {
  constexpr std::array names = {"plain", "gzip", "bzip2", "xz",
                                "zstd",  "lz4",  "lz4",   "zstd or lz4"};
  return names[static_cast<std::size_t>(format)];
}

}  // namespace seekable::inline v1::detail
