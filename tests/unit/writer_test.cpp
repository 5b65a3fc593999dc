// SPDX-License-Identifier: Apache-2.0
// make_pipe: streams that a program writes itself.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "support/buffers.hpp"

namespace seekable::test {
namespace {

TEST(Writer, StoresBeforeItReturns) {
  for (const std::uint64_t limit : {std::uint64_t{5} << 20U, std::uint64_t{0}}) {
    auto [writer, buffer] = make_pipe(options_spilled(limit));
    const auto content = random_bytes(3 * block, 1);
    for (std::size_t at = 0; at < content.size(); at += 3000) {
      const std::size_t size = std::min<std::size_t>(3000, content.size() - at);
      writer.write(std::span(content).subspan(at, size));
      ASSERT_EQ(buffer.available(0), at + size);
      ASSERT_EQ(writer.written(), at + size);
    }
    EXPECT_EQ(buffer.read(0, content.size()), content);
    EXPECT_FALSE(buffer.exhausted());
    writer.end();
    EXPECT_TRUE(buffer.exhausted());
    EXPECT_EQ(buffer.size(), content.size());
    EXPECT_EQ(buffer.wait_for_size(), content.size());
  }
}

TEST(Writer, OfNothingEndsAnEmptyStream) {
  auto [writer, buffer] = make_pipe();
  writer.write({});
  writer.end();
  EXPECT_EQ(buffer.read(0, 10).size(), 0U);
  EXPECT_EQ(buffer.size(), 0U);
}

TEST(Writer, IgnoresTheOptionFill) {
  auto [writer, buffer] = make_pipe(options_ahead());
  writer.write(letters());
  writer.end();
  EXPECT_EQ(buffer.read(0, 100).size(), 26U);
}

TEST(Writer, ThatFailsTellsItsCode) {
  auto [writer, buffer] = make_pipe();
  writer.write(letters());
  writer.fail(make_error_code(std::errc::connection_reset));
  EXPECT_EQ(buffer.read(0, 100).size(), 26U);
  EXPECT_EQ(code_of([&, &kept = buffer] { kept.read(26, 1); }), std::errc::connection_reset);
  EXPECT_EQ(buffer.failure()->offset, 26U);
}

TEST(Writer, ThatIsDroppedWithoutAnEndIsAFailure) {
  auto pipe = make_pipe();
  {
    Writer writer = std::move(pipe.writer);
    writer.write(letters());
  }
  EXPECT_EQ(pipe.buffer.read(0, 100).size(), 26U);
  EXPECT_EQ(code_of([&] { pipe.buffer.read(26, 1); }), std::errc::broken_pipe);
  EXPECT_FALSE(pipe.buffer.exhausted());
}

TEST(Writer, ThatIsReplacedWithoutAnEndIsAFailure) {
  auto first = make_pipe();
  auto second = make_pipe();
  first.writer = std::move(second.writer);
  EXPECT_EQ(code_of([&] { first.buffer.read(0, 1); }), std::errc::broken_pipe);
  first.writer.write(letters());
  first.writer.end();
  EXPECT_EQ(second.buffer.read(0, 100).size(), 26U);
}

TEST(Writer, RefusesEverythingAfterItsEnd) {
  auto [writer, buffer] = make_pipe();
  writer.end();
  EXPECT_THROW(writer.write(letters()), std::invalid_argument);
  EXPECT_THROW(writer.try_write(letters()), std::invalid_argument);
  EXPECT_THROW(writer.end(), std::invalid_argument);
  EXPECT_THROW(writer.fail(make_error_code(std::errc::io_error)), std::invalid_argument);
  auto [other, unused] = make_pipe();
  EXPECT_THROW(other.fail({}), std::invalid_argument);
}

TEST(Writer, IsCancelledWithItsBuffer) {
  auto [writer, buffer] = make_pipe();
  writer.write(letters());
  buffer.cancel();
  EXPECT_EQ(code_of([&, &sink = writer] { sink.write(letters()); }), Errc::cancelled);
  EXPECT_EQ(code_of([&, &sink = writer] { sink.try_write(letters()); }), Errc::cancelled);
  EXPECT_EQ(buffer.read(0, 100).size(), 26U);
}

TEST(Writer, IsCancelledWhenNobodyCanReadAnyMore) {
  auto pipe = make_pipe();
  std::optional<StreamBuffer> buffer(std::move(pipe.buffer));
  std::optional<Reader> reader(buffer->reader());
  buffer.reset();
  pipe.writer.write(letters());
  reader.reset();
  EXPECT_EQ(code_of([&] { pipe.writer.write(letters()); }), Errc::cancelled);
}

TEST(Writer, BlocksOnlyInAFullWindow) {
  auto [writer, buffer] = make_pipe(options_window(10, WhenFull::block));
  const auto text = letters();
  EXPECT_EQ(writer.try_write(std::span(text).first(4)), 4U);
  EXPECT_EQ(writer.try_write(std::span(text).subspan(4)), 6U);
  EXPECT_EQ(writer.try_write(std::span(text).subspan(10)), 0U);
  Wait soon;
  soon.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
  EXPECT_EQ(code_of([&, &sink = writer] { sink.write(std::span(text).subspan(10), soon); }),
            Errc::timed_out);
  EXPECT_EQ(writer.written(), 10U);
  buffer.release_before(3);
  EXPECT_EQ(writer.try_write(std::span(text).subspan(10)), 3U);
  EXPECT_EQ(to_string(buffer.read(3, 10)), "defghijklm");
  std::jthread writes([&, &sink = writer] {
    sink.write(std::span(text).subspan(13));
    sink.end();
  });
  Reader reader = buffer.reader(3);
  Bytes out(100);
  EXPECT_EQ(reader.read(out), 23U);
}

TEST(Writer, GoesOnWhereItFoundNoRoomWhenThereIsSome) {
  auto [writer, buffer] = make_pipe(options_in_memory(2 * block));
  const auto content = random_bytes(4 * block, 3);
  EXPECT_EQ(code_of([&, &sink = writer] { sink.write(content); }), Errc::disk_full);
  EXPECT_EQ(writer.try_write(std::span(content).subspan(writer.written())), 0U);
  EXPECT_EQ(buffer.read(0, writer.written()), part(content, 0, writer.written()));
  buffer.release_before(2 * block);
  writer.write(std::span(content).subspan(writer.written()));
  writer.end();
  EXPECT_EQ(buffer.read(2 * block, 4 * block), part(content, 2 * block, 2 * block));
  EXPECT_TRUE(buffer.exhausted());
}

TEST(Writer, ThatExpectsAnotherSizeFails) {
  Options options;
  options.expected_size = 30;
  auto shorter = make_pipe(options);
  shorter.writer.write(letters());
  shorter.writer.end();
  EXPECT_EQ(code_of([&] { shorter.buffer.read(26, 1); }), Errc::truncated);
  options.expected_size = 20;
  auto longer = make_pipe(options);
  EXPECT_EQ(code_of([&] { longer.writer.write(letters()); }), Errc::overrun);
  EXPECT_EQ(longer.buffer.read(0, 100).size(), 20U);
}

TEST(Writer, WritesIntoAWindowThatDropsForEver) {
  Options options = options_window(1000, WhenFull::drop_oldest);
  options.memory_limit = 5 * block;
  options.disk_limit = 0;
  auto [writer, buffer] = make_pipe(options);
  const auto content = random_bytes(30 * block, 4);
  for (std::size_t at = 0; at < content.size(); at += 5000) {
    writer.write(part(content, at, 5000));
  }
  writer.end();
  const std::uint64_t low = content.size() - 1000;
  EXPECT_EQ(buffer.read(low, 5000), part(content, low, 1000));
  EXPECT_EQ(code_of([&, &kept = buffer] { kept.read(low - 1, 1); }), Errc::released);
}

}  // namespace
}  // namespace seekable::test
