// SPDX-License-Identifier: Apache-2.0
// Blocks that lie side by side in the spool are read by one call.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "fault/faults.hpp"
#include "fault/scenario.hpp"
#include "support/buffers.hpp"

namespace seekable::test {
namespace {

constexpr std::uint64_t stream_size = 10 * block + 1000;

std::unique_ptr<Source> source() {
  Script script;
  script.byte_at = pattern_byte;
  script.length = stream_size;
  return std::make_unique<ScriptedSource>(std::move(script));
}

/// All of it is in the spool.
StreamBuffer spilled() {
  StreamBuffer buffer(source(), options_spilled());
  EXPECT_EQ(buffer.wait_for_size(), stream_size);
  return buffer;
}

TEST(RunRead, TakesOneCallForTwoBlocks) {
  const StreamBuffer buffer = spilled();
  NthCall preads({Call::pread}, 0, {});
  for (const std::uint64_t offset : {std::uint64_t{1}, 3 * block + 100, 9 * block - 1}) {
    const std::size_t before = preads.asked();
    EXPECT_EQ(buffer.read(offset, block), pattern_bytes(offset, block));
    EXPECT_EQ(preads.asked(), before + 1) << offset;
  }
}

TEST(RunRead, EndsWithTheStream) {
  const StreamBuffer buffer = spilled();
  NthCall preads({Call::pread}, 0, {});
  Bytes out(3 * block);
  ASSERT_EQ(buffer.read_at(9 * block + 10, out), block + 990);
  out.resize(block + 990);
  EXPECT_EQ(out, pattern_bytes(9 * block + 10, block + 990));
  EXPECT_EQ(preads.asked(), 1U);
}

TEST(RunRead, IsForASpoolThatIsAnArrayOfSlots) {
  StreamBuffer buffer(source(), [] {
    Options options = options_window(20 * block, WhenFull::drop_oldest);
    options.memory_limit = 0;
    return options;
  }());
  EXPECT_EQ(buffer.wait_for_size(), stream_size);
  EXPECT_EQ(buffer.read(5, stream_size), pattern_bytes(5, stream_size - 5));
  buffer.release_before(4 * block);
  EXPECT_EQ(buffer.read(4 * block + 7, 3 * block), pattern_bytes(4 * block + 7, 3 * block));
}

TEST(RunRead, LeavesItToEachBlockToTellOfAFailure) {
  const StreamBuffer buffer = spilled();
  const std::uint64_t offset = 2 * block + 30'000;
  {
    // Of both blocks at once; then each is read by itself.
    NthCall faults({Call::pread}, 1, {.error = EIO});
    EXPECT_EQ(buffer.read(offset, block), pattern_bytes(offset, block));
    EXPECT_TRUE(faults.fired());
  }
  NthCall faults({Call::pread}, 1, {.error = EIO}, NthCall::Lasts::on);
  EXPECT_EQ(offset_of_error([&] { buffer.read(offset, block); }), offset);
  EXPECT_FALSE(buffer.failure());
}

// Invariant 2: all of the blocks are announced, not the first alone.
TEST(RunRead, KeepsWhatIsGivenUpMeanwhileUntilItIsOver) {
  StreamBuffer buffer = spilled();
  bool given_up = false;
  const CallHook hook([&](Call call) -> std::optional<Fault> {
    if (call == Call::pread && !std::exchange(given_up, true)) buffer.release_before(8 * block);
    return std::nullopt;
  });
  EXPECT_EQ(buffer.read(2 * block + 5, 3 * block), pattern_bytes(2 * block + 5, 3 * block));
  EXPECT_TRUE(given_up);
  EXPECT_EQ(code_of([&] { buffer.read(2 * block + 5, 1); }), Errc::released);
  buffer.release_before(9 * block);  // It reclaims what was held up.
  EXPECT_EQ(buffer.stats().spool_bytes, stream_size - 9 * block);
}

}  // namespace
}  // namespace seekable::test
