// SPDX-License-Identifier: Apache-2.0
/// How a decoded source treats the one below it, and those who wait for it.

#include <gtest/gtest.h>
#include <zlib.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "seekable/decode.hpp"
#include "seekable/seekable.hpp"
#include "support/buffers.hpp"
#include "support/packed.hpp"

namespace seekable::test {
namespace {

using namespace std::string_literals;

Bytes number_of_four(std::uint32_t number) {
  Bytes bytes;
  for (int i = 0; i < 4; ++i, number >>= 8U) bytes.push_back(static_cast<std::byte>(number));
  return bytes;
}

std::uint32_t crc_of(std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(
      ::crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

/// A source of `bytes` that must not be asked for more: nobody would answer in time.
std::unique_ptr<Source> ends_without_end(const Bytes& bytes) {
  Script script{.content = joined(bytes, Bytes(100))};
  script.chunks = {bytes.size()};
  script.on_read = [size = bytes.size()](std::uint64_t offset) {
    if (offset >= size) throw std::logic_error("asked for more than it takes");
  };
  return std::make_unique<ScriptedSource>(std::move(script));
}

void expect_readable(const Bytes& bytes, const std::string& text) {
  const auto source = decoded(ends_without_end(bytes));
  std::string all;
  while (all.size() < text.size()) all += to_string(read_once(*source, 3));
  EXPECT_EQ(all, text);
  EXPECT_THROW(read_once(*source, 3), std::logic_error);
}

TEST(DecodeEarly, BytesInNoFormatAreGivenAtOnce) {
  expect_readable(to_bytes("h"), "h");
  expect_readable(to_bytes("BZh9 no"), "BZh9 no");
  expect_readable(to_bytes("\x1FK"), "\x1FK");
}

TEST(DecodeEarly, FiveBytesOfAFlushedGzipAreReadableWhileItsWriterGoesOn) {
  const Bytes header = to_bytes("\x1F\x8B\x08\0\0\0\0\0\0\x03"s);
  const Bytes stored = to_bytes("\0\x05\0\xFA\xFF"s + "hello");
  const Bytes flushed = to_bytes("\0\0\0\xFF\xFF"s);
  expect_readable(joined(header, joined(stored, flushed)), "hello");
  expect_readable(joined(header, stored), "hello");
}

TEST(DecodeEarly, AWholeMemberIsReadableBeforeTheNextOne) {
  const std::string text(1000, 't');
  for (const char* const command : {"gzip -c", "zstd -qc", "xz -c", "lz4 -qc"}) {
    SCOPED_TRACE(command);
    expect_readable(packed_by(command, to_bytes(text)), text);
  }
}

/// The head of a frame of lz4 in linked blocks of 64 KiB, without checksums but its own.
Bytes lz4_header() { return to_bytes("\x04\x22\x4D\x18\x40\x40\xC0"); }

TEST(DecodeEarly, ABlockOfLz4IsReadableAtOnce) {
  expect_readable(joined(lz4_header(), to_bytes("\x05\0\0\x80hello"s)), "hello");
}

TEST(DecodeLz4, ABlockMayReferToAnyOfTheLast64KiBOfItsFrame) {
  Bytes frame = joined(lz4_header(), to_bytes("\x08\0\0\x80"s + "abcdefgh"));
  frame = joined(frame, to_bytes("\x03\0\0\x80xyz"s));  // as it is
  frame = joined(frame, to_bytes("\x02\0\0\0\x10!"s));  // one literal
  // Four bytes from 12 back, which lie three blocks before, and as many literals as must follow.
  frame = joined(frame, to_bytes("\x0D\0\0\0\x00\x0C\x00\x90"s + "........."));
  frame = joined(frame, Bytes(4));
  const auto source = decoded(scripted(frame));
  EXPECT_EQ(to_string(read_all(*source)), "abcdefghxyz!abcd.........");
}

TEST(DecodeLz4, ABlockThatRefersToNothingIsRefused) {
  for (const std::string& distance : {"\x0D\0"s, "\0\0"s}) {
    Bytes frame = joined(lz4_header(), to_bytes("\x08\0\0\x80"s + "abcdefgh"));
    frame = joined(frame, to_bytes("\x05\0\0\0\x00"s + distance + "\x10."));
    frame = joined(frame, Bytes(4));
    const Outcome outcome = outcome_of(*decoded(scripted(frame)));
    EXPECT_EQ(outcome.code, make_error_code(Errc::source_failed));
    EXPECT_TRUE("abcdefgh"s.starts_with(to_string(outcome.bytes)));
  }
}

struct StrangeFailure {
  int number;
};

TEST(DecodeFailure, WhatTheSourceThrowsArrivesUnchanged) {
  for (const Packer& packer : plain_packers()) {
    const Bytes bytes = packed_by(packer.command, compressible(5000));
    for (const std::size_t at : {std::size_t{0}, std::size_t{3}, bytes.size() / 2, bytes.size()}) {
      Script script{.content = bytes, .fail_at = at, .failure = failure_of(StrangeFailure{42})};
      const auto source = decoded(std::make_unique<ScriptedSource>(script));
      for (int i = 0; i < 2; ++i) {
        try {
          read_all(*source);
          ADD_FAILURE() << packer << " at " << at;
        } catch (const StrangeFailure& failure) {
          EXPECT_EQ(failure.number, 42);
        }
      }
      script.failure = failure_with(std::errc::connection_reset);
      StreamBuffer buffer(decoded(std::make_unique<ScriptedSource>(script)));
      EXPECT_TRUE(code_of([&] { buffer.wait_for_size(); }) == std::errc::connection_reset)
          << packer << " at " << at;
    }
  }
}

TEST(DecodeFailure, ASourceThatClaimsMoreThanItWasAskedForIsNotBelieved) {
  class Liar final : public Source {
    std::size_t read_some(std::span<std::byte> out) override { return out.size() + 1; }
  };
  EXPECT_EQ(outcome_of(*decoded(std::make_unique<Liar>())).code,
            make_error_code(Errc::source_failed));
}

TEST(DecodeFailure, TheTextNamesTheStreamAndItsFormat) {
  const Bytes bytes = packed_by("xz -c", compressible(100));
  const auto source = decoded(scripted(part(bytes, 0, 20)));
  const std::string text = text_of([&] { read_all(*source); });
  EXPECT_NE(text.find("decode scripted as xz"), std::string::npos) << text;
}

TEST(DecodeCancel, ReachesTheSourceAndSticks) {
  for (const Packer& packer : plain_packers()) {
    const Bytes bytes = packed_by(packer.command, compressible(5000));
    const auto gate = std::make_shared<Gate>();
    auto below = std::make_unique<ScriptedSource>(
        Script{.content = bytes, .gates = {{bytes.size() / 2, gate}}});
    const auto log = below->log();
    const auto source = decoded(std::move(below));
    std::jthread canceller([&] {
      gate->wait_entered();
      source->cancel();
    });
    EXPECT_NE(code_of([&] { read_all(*source); }), std::error_code()) << packer;
    canceller.join();
    EXPECT_EQ(log->cancels(), 1U);
  }
}

TEST(DecodeCancel, EndsTheDecodingOfASourceThatDoesNotHeedIt) {
  Script script{.content = packed_by("gzip -c", Bytes(1'000'000)), .heeds_cancel = false};
  const auto source = decoded(std::make_unique<ScriptedSource>(script));
  source->cancel();
  EXPECT_EQ(code_of([&] { read_all(*source); }), make_error_code(Errc::cancelled));
}

TEST(DecodeInfo, IsThatOfTheSourceWithoutAValidatorOrASize) {
  Script script{.content = letters(), .declared_size = 26};
  script.info = {.name = "name", .content_type = "application/gzip", .validator = "\"etag\""};
  script.info.modified = std::chrono::system_clock::now();
  const auto source = decoded(std::make_unique<ScriptedSource>(script));
  const auto look = [&] {
    const SourceInfo info = source->info();
    EXPECT_EQ(info.name, "name");
    EXPECT_EQ(info.content_type, "application/gzip");
    EXPECT_EQ(info.validator, "");
    EXPECT_EQ(info.modified, script.info.modified);
    EXPECT_FALSE(source->size());
  };
  look();
  read_all(*source);
  look();
}

/// A stream of xz whose header asks for a dictionary of the size that `bits` stand for.
Bytes xz_with_dictionary(unsigned bits) {
  constexpr std::size_t block_at = 12;
  Bytes bytes = packed_by("xz -0c", compressible(1000));
  const std::size_t size = (std::to_integer<std::size_t>(bytes[block_at]) + 1) * 4;
  EXPECT_EQ(bytes[block_at + 2], std::byte{0x21}) << "the filter is LZMA2";
  bytes[block_at + 4] = static_cast<std::byte>(bits);
  const Bytes sum = number_of_four(crc_of(std::span(bytes).subspan(block_at, size - 4)));
  std::copy(sum.begin(), sum.end(), bytes.begin() + block_at + static_cast<long>(size) - 4);
  return bytes;
}

TEST(DecodeLimits, AWindowOf128MiBIsTheLargest) {
  const Bytes content = compressible(1000);
  EXPECT_TRUE(outcome_of(*decoded(scripted(xz_with_dictionary(30)))).bytes == content);
  for (const unsigned bits : {31U, 39U, 40U, 41U, 63U, 255U}) {
    EXPECT_EQ(outcome_of(*decoded(scripted(xz_with_dictionary(bits)))).code,
              make_error_code(Errc::source_failed))
        << bits;
  }
  // From a pipe, whose size it does not know, zstd writes the exponent of its window.
  Bytes zstd = packed_by("cat | zstd -qc", content);
  ASSERT_EQ(zstd[4] & std::byte{0x20}, std::byte{});
  zstd[5] = std::byte{17 << 3};
  EXPECT_TRUE(outcome_of(*decoded(scripted(zstd))).bytes == content);
  zstd[5] = std::byte{18 << 3};
  EXPECT_EQ(outcome_of(*decoded(scripted(zstd))).code, make_error_code(Errc::source_failed));
}

TEST(DecodeGzip, AHeaderMayHoldMoreThanItsFixedPart) {
  const Bytes plain = packed_by("gzip -nc", letters());
  const std::string start = "\x1F\x8B\x08\x1F\0\0\0\0\0\x03\x04\0more"s + "a name\0a comment\0"s;
  Bytes sum = number_of_four(crc_of(to_bytes(start)));
  sum.resize(2);
  Bytes bytes = joined(joined(to_bytes(start), sum), part(plain, 10, plain.size()));
  EXPECT_TRUE(read_all(*decoded(scripted(bytes, {1}))) == letters());
  bytes[start.size()] ^= std::byte{1};
  EXPECT_EQ(outcome_of(*decoded(scripted(bytes))).code, make_error_code(Errc::source_failed));
}

}  // namespace
}  // namespace seekable::test
