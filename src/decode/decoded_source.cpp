// SPDX-License-Identifier: Apache-2.0
#include "decode/decoded_source.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <utility>

#include "decode/codec.hpp"
#include "decode/codec_member.hpp"
#include "seekable/decode.hpp"
#include "seekable/error.hpp"

namespace seekable::inline v1 {

namespace detail {

namespace {

constexpr std::array all_formats = {Format::gzip,     Format::bzip2, Format::xz,
                                    Format::zstd,     Format::lz4,   Format::legacy_lz4,
                                    Format::skippable};

/// Bytes in no format.
class PlainMember final : public Member {
 public:
  explicit PlainMember(Input& input) : input_(input) {}
  std::size_t read(std::span<std::byte> out) override { return input_.read_some(out); }

 private:
  Input& input_;
};

std::uint32_t little_endian(std::span<const std::byte> bytes) {
  std::uint32_t number = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    number = number << 8 | std::to_integer<std::uint32_t>(bytes[i]);
  }
  return number;
}

bool has_skippable_frames(Format format) {
  return format == Format::zstd || format == Format::lz4 || format == Format::skippable;
}

/// Four bytes are enough to tell a stream of bzip2 that broke off from a text.
bool is_cut_bzip2(std::span<const std::byte> bytes) {
  return bytes.size() >= 4 && matches(Format::bzip2, bytes) == Match::maybe;
}

}  // namespace

std::size_t DecodedSource::read_some(std::span<std::byte> out) {
  if (failure_) std::rethrow_exception(failure_);
  try {
    return read(out);
  } catch (const BrokenMember& broken) {
    std::string what = "decode";
    if (const std::string name = input_.source().info().name; !name.empty()) what += " " + name;
    if (format_ != Format::plain) what += std::string(" as ") + name_of(format_);
    failure_ = std::make_exception_ptr(Error(broken.code(), what + ": " + broken.what(), given_));
  } catch (...) {
    failure_ = std::current_exception();
  }
  member_.reset();
  std::rethrow_exception(failure_);
}

SourceInfo DecodedSource::info() const {
  SourceInfo info = input_.source().info();
  info.validator.clear();  // It stands for the compressed bytes.
  return info;
}

std::size_t DecodedSource::read(std::span<std::byte> out) {
  input_.check_cancelled();  // Also where enough bytes are at hand, and at the end.
  while (!ended_) {
    if (!member_ && !next_member()) {
      ended_ = true;
      break;
    }
    if (!member_) continue;
    const std::size_t size = member_->read(out);
    given_ += size;
    if (size > 0) return size;
    member_.reset();
    ended_ = format_ == Format::plain;
  }
  return 0;
}

/// Opens what comes next, or passes over a frame without data.
/// Returns: false at the end of the stream.
bool DecodedSource::next_member() {
  if (!begun_) {
    find_format();
    begun_ = true;
    if (format_ == Format::skippable) {
      skip_frame();
    } else {
      open_member(format_);
    }
    return true;
  }
  return !input_.ahead().empty() && take_next();
}

/// Looks at no more bytes than it takes, because the next may be long in coming.
void DecodedSource::find_format() {
  for (std::size_t size = 1;; ++size) {
    auto bytes = input_.peek(size);
    const bool all = bytes.size() < size;
    bool maybe = false;
    for (const Format format : all_formats) {
      const Match match = matches(format, bytes);
      maybe = maybe || match == Match::maybe;
      if (match == Match::yes) format_ = format;
    }
    if (all && is_cut_bzip2(bytes)) format_ = Format::bzip2;
    if (format_ != Format::plain || !maybe || all) return;
  }
}

/// Opens the member that follows, which is one of the same format, or passes over a frame without
/// data, or over padding. Returns: false at the end of the stream.
bool DecodedSource::take_next() {
  for (std::size_t size = 1;; ++size) {
    const auto bytes = input_.peek(size);
    const bool all = bytes.size() < size;
    bool maybe = false;
    const auto is = [&](Format format) {
      const Match match = matches(format, bytes);
      maybe = maybe || match == Match::maybe;
      return match == Match::yes;
    };
    if (has_skippable_frames(format_) && is(Format::skippable)) {
      skip_frame();
      return true;
    }
    for (const Format format : {Format::zstd, Format::lz4}) {
      if (format_ == Format::skippable && is(format)) format_ = format;
    }
    if (format_ != Format::skippable && is(format_)) {
      open_member(format_);
      return true;
    }
    if (maybe && !all) continue;
    if (maybe) throw BrokenMember(Errc::truncated, "it ends within the head of a member");
    if (skip_padding()) return !input_.ahead().empty();
    throw BrokenMember(Errc::source_failed, "what follows a member is not one");
  }
}

/// Passes over zeros that may follow a member: of gzip all up to the end, as tapes have them; of xz
/// the next four, also between members.
/// Returns: false if what follows is no padding.
bool DecodedSource::skip_padding() {
  constexpr std::size_t unit = 4;
  const auto is_zero = [](std::byte byte) { return byte == std::byte{}; };
  if (format_ == Format::xz) {
    const auto bytes = input_.peek(unit);
    if (bytes.size() < unit || !std::ranges::all_of(bytes.first(unit), is_zero)) return false;
    input_.consume(unit);
    return true;
  }
  if (format_ != Format::gzip) return false;
  for (;;) {
    const auto bytes = input_.ahead();
    if (bytes.empty()) return true;
    if (!std::ranges::all_of(bytes, is_zero)) return false;
    input_.consume(bytes.size());
  }
}

void DecodedSource::skip_frame() {
  constexpr std::size_t header_size = 8;
  const auto cut = [] { throw BrokenMember(Errc::truncated, "it ends within a skippable frame"); };
  const auto header = input_.peek(header_size);
  if (header.size() < header_size) cut();
  std::uint64_t left = little_endian(header.subspan(4, 4));
  input_.consume(header_size);
  while (left > 0) {
    const auto bytes = input_.ahead();
    if (bytes.empty()) cut();
    const auto passed = std::min<std::uint64_t>(left, bytes.size());
    input_.consume(static_cast<std::size_t>(passed));
    left -= passed;
  }
}

void DecodedSource::open_member(Format format) {
  const auto open = [this](std::unique_ptr<Codec> codec) {
    member_ = std::make_unique<CodecMember>(input_, std::move(codec));
  };
  switch (format) {
    case Format::gzip: open(gzip_codec()); break;
    case Format::bzip2: open(bzip2_codec()); break;
    case Format::xz: open(xz_codec()); break;
    case Format::zstd: open(zstd_codec()); break;
    case Format::lz4: open(lz4_codec()); break;
    case Format::legacy_lz4:
      throw BrokenMember(Errc::source_failed,
                         "the old format of lz4 has no end, so that one could not tell if it is "
                         "whole");
    case Format::plain:
    case Format::skippable: member_ = std::make_unique<PlainMember>(input_); break;
  }
}

}  // namespace detail

std::unique_ptr<Source> decoded(std::unique_ptr<Source> source) {
  if (!source) throw std::invalid_argument("decoded: the source is null");
  return std::make_unique<detail::DecodedSource>(std::move(source));
}

}  // namespace seekable::inline v1
