// SPDX-License-Identifier: Apache-2.0
/// That what is cut, changed or followed by something else never passes for the whole.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "seekable/decode.hpp"
#include "seekable/error.hpp"
#include "support/buffers.hpp"
#include "support/packed.hpp"

namespace seekable::test {
namespace {

class DecodeDamage : public testing::TestWithParam<Packer> {
 protected:
  static Bytes packed(const Bytes& content) { return packed_by(GetParam().command, content); }
  static Outcome outcome(const Bytes& bytes) { return outcome_of(*decoded(scripted(bytes))); }
};

INSTANTIATE_TEST_SUITE_P(Formats, DecodeDamage, testing::ValuesIn(all_packers()),
                         [](const auto& kind) { return kind.param.name; });

void expect_prefix(const Bytes& bytes, const Bytes& content) {
  EXPECT_TRUE(bytes == part(content, 0, bytes.size()));
}

TEST_P(DecodeDamage, EveryCutIsATruncationUnlessItFallsBetweenMembers) {
  for (const std::size_t size : {0U, 1U, 300U, 10'000U}) {
    const Bytes content = compressible(size);
    const Bytes one = packed(content);
    const Bytes two = joined(one, one);
    // Each byte of the first ones and the last ones, and some between.
    for (std::size_t cut = 0; cut <= two.size();
         cut += cut < 400 || cut + 400 > two.size() || (cut + 400) % one.size() < 800 ? 1 : 37) {
      const Outcome result = outcome(part(two, 0, cut));
      if (cut == 0 || cut == one.size() || cut == two.size()) {
        EXPECT_TRUE(result.clean()) << cut;
        EXPECT_EQ(result.bytes.size(), cut / one.size() * content.size()) << cut;
        expect_prefix(result.bytes, joined(content, content));
      } else if (cut < GetParam().magic) {
        EXPECT_TRUE(result.clean() && result.bytes == part(two, 0, cut)) << "too few to tell";
      } else {
        EXPECT_EQ(result.code, make_error_code(Errc::truncated)) << cut << " of " << one.size();
        EXPECT_EQ(result.offset, result.bytes.size()) << cut;
        expect_prefix(result.bytes, joined(content, content));
      }
    }
  }
}

TEST_P(DecodeDamage, NoChangedBitGivesOtherBytes) {
  const Bytes content = compressible(250);
  const Bytes one = packed(content);
  for (std::size_t bit = 0; bit < one.size() * 8; ++bit) {
    Bytes changed = one;
    changed[bit / 8] ^= std::byte{1} << (bit % 8);
    const Outcome result = outcome(changed);
    if (!result.clean()) {
      EXPECT_EQ(result.offset, result.bytes.size()) << bit;
    } else if (bit / 8 < 10 && result.bytes == changed) {
      EXPECT_LT(bit / 8, std::max(GetParam().magic, std::size_t{10})) << "no longer of the format";
    } else if (GetParam().checks) {
      EXPECT_TRUE(result.bytes == content) << "bit " << bit << " of " << one.size() * 8;
    }
  }
}

TEST_P(DecodeDamage, ABufferKeepsWhatCameBeforeTheFailure) {
  const Bytes content = random_bytes(400'000, 9);
  const Bytes one = packed(content);
  StreamBuffer buffer(decoded(scripted(part(one, 0, one.size() - 1))));
  EXPECT_THROW(buffer.wait_for_size(), Error);
  ASSERT_TRUE(buffer.failure());
  EXPECT_EQ(buffer.failure()->code, make_error_code(Errc::truncated));
  const std::uint64_t kept = buffer.failure()->offset;
  EXPECT_TRUE(buffer.read(0, kept) == part(content, 0, kept));
  EXPECT_EQ(offset_of_error([&] { buffer.read(kept, 1); }), kept);
}

TEST_P(DecodeDamage, WhatFollowsTheLastMemberMustBeOneToo) {
  const Bytes content = compressible(300);
  const Bytes one = packed(content);
  for (const char* const garbage : {"x", "garbage", "and a longer text, longer than any header"}) {
    const Outcome result = outcome(joined(one, to_bytes(garbage)));
    EXPECT_EQ(result.code, make_error_code(Errc::source_failed)) << garbage;
    EXPECT_EQ(result.offset, content.size());
    EXPECT_TRUE(result.bytes == content);
  }
  const bool is_gzip = GetParam().command.starts_with("gzip");
  const Bytes other = packed_by(is_gzip ? "xz -c" : "gzip -c", content);
  EXPECT_EQ(outcome(joined(one, other)).code, make_error_code(Errc::source_failed));
}

TEST_P(DecodeDamage, ZerosMayFollowWhereTheFormatHasThem) {
  const Bytes content = compressible(300);
  const Bytes one = packed(content);
  const bool gzip = GetParam().command.starts_with("gzip");
  const bool xz = GetParam().command.starts_with("xz");
  for (const std::size_t zeros : {1U, 4U, 7U, 512U, 100'000U}) {
    const Bytes padded = joined(one, Bytes(zeros));
    EXPECT_EQ(outcome(padded).clean(), gzip || (xz && zeros % 4 == 0)) << zeros;
    EXPECT_EQ(outcome(joined(padded, one)).clean(), xz && zeros % 4 == 0) << zeros;
    EXPECT_FALSE(outcome(joined(padded, to_bytes("x"))).clean()) << zeros;
  }
}

TEST_P(DecodeDamage, AFailureIsFinal) {
  const Bytes one = packed(compressible(300));
  const auto source = decoded(scripted(part(one, 0, one.size() - 3)));
  const std::error_code first = code_of([&] { read_all(*source); });
  EXPECT_EQ(first, make_error_code(Errc::truncated));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(code_of([&] { read_once(*source, 10); }), first);
}

}  // namespace
}  // namespace seekable::test
