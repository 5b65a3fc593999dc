// SPDX-License-Identifier: Apache-2.0
#include "seekable/reader.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "support/buffers.hpp"

namespace seekable::test {
namespace {

std::string next(Reader& reader, std::size_t size) {
  Bytes out(size);
  out.resize(reader.read(out));
  return to_string(out);
}

TEST(Reader, ReadsOnFromWhereItIs) {
  Scripted stream({.content = letters(), .chunks = {4}});
  Reader reader = stream.buffer.reader(2);
  EXPECT_EQ(next(reader, 3), "cde");
  EXPECT_EQ(reader.position(), 5U);
  EXPECT_EQ(next(reader, 100), "fghijklmnopqrstuvwxyz");
  EXPECT_EQ(reader.position(), 26U);
  EXPECT_EQ(next(reader, 1), "");
  EXPECT_EQ(reader.position(), 26U);
}

TEST(Reader, ReadsSomeOfWhatIsThere) {
  Scripted stream({.content = letters(), .chunks = {4}});
  Reader reader = stream.buffer.reader();
  Bytes out(100);
  EXPECT_EQ(reader.read_some(out), 4U);
  EXPECT_EQ(reader.position(), 4U);
  EXPECT_EQ(reader.available(), 0U);
  EXPECT_EQ(reader.read_some(out), 4U);
}

TEST(Reader, IsIndependentOfAllOthers) {
  Scripted stream({.content = letters()});
  Reader first = stream.buffer.reader();
  Reader second = stream.buffer.reader(10);
  EXPECT_EQ(next(first, 2), "ab");
  EXPECT_EQ(next(second, 2), "kl");
  EXPECT_EQ(next(first, 2), "cd");
  EXPECT_EQ(second.position(), 12U);
}

TEST(Reader, SeeksFromTheBeginningTheCurrentPlaceAndTheEnd) {
  Scripted stream({.content = letters(), .chunks = {3}});
  Reader reader = stream.buffer.reader();
  EXPECT_EQ(reader.seek(20), 20U);
  EXPECT_EQ(next(reader, 2), "uv");
  EXPECT_EQ(reader.seek(-3, Whence::current), 19U);
  EXPECT_EQ(next(reader, 1), "t");
  EXPECT_EQ(reader.seek(-1, Whence::end), 25U);
  EXPECT_EQ(next(reader, 5), "z");
  EXPECT_EQ(reader.seek(1000, Whence::end), 1026U);
  EXPECT_EQ(next(reader, 5), "");
  EXPECT_EQ(reader.seek(0), 0U);
  EXPECT_EQ(next(reader, 1), "a");
}

TEST(Reader, KeepsItsPositionWhenItIsToldToGoBelowTheBeginning) {
  Scripted stream({.content = letters()});
  Reader reader = stream.buffer.reader(5);
  EXPECT_THROW(reader.seek(-1), std::invalid_argument);
  EXPECT_THROW(reader.seek(-10), std::invalid_argument);
  EXPECT_THROW(reader.seek(-6, Whence::current), std::invalid_argument);
  EXPECT_THROW(reader.seek(-27, Whence::end), std::invalid_argument);
  EXPECT_THROW(reader.seek(std::numeric_limits<std::int64_t>::min(), Whence::current),
               std::invalid_argument);
  EXPECT_EQ(reader.position(), 5U);
  EXPECT_EQ(next(reader, 1), "f");
}

TEST(Reader, KeepsItsPositionWhenItIsToldToGoPastTheLastOffset) {
  Scripted stream({.content = letters()});
  Reader reader = stream.buffer.reader();
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(reader.seek(most), std::uint64_t{most});
  EXPECT_EQ(reader.seek(most, Whence::current), 2 * std::uint64_t{most});
  EXPECT_THROW(reader.seek(most, Whence::current), std::invalid_argument);
  EXPECT_EQ(reader.position(), 2 * std::uint64_t{most});
  std::byte byte{};
  EXPECT_EQ(reader.read({&byte, 1}), 0U);
}

TEST(Reader, KeepsItsPositionAfterAFailedRead) {
  Scripted stream({.content = letters(), .fail_at = 10});
  Reader reader = stream.buffer.reader();
  EXPECT_EQ(next(reader, 100), "abcdefghij");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(code_of([&] { next(reader, 1); }), std::errc::io_error);
    EXPECT_EQ(reader.position(), 10U);
  }
  EXPECT_EQ(code_of([&] { reader.seek(0, Whence::end); }), std::errc::io_error);
  EXPECT_EQ(reader.position(), 10U);
  reader.seek(-2, Whence::current);
  EXPECT_EQ(next(reader, 100), "ij");
}

TEST(Reader, LosesNothingWhenItGivesUp) {
  const auto gate = std::make_shared<Gate>();
  Scripted stream({.content = letters(), .gates = {{5, gate}}});
  Reader reader = stream.buffer.reader();
  Bytes out(10);
  Wait wait;
  wait.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
  EXPECT_EQ(code_of([&] { reader.read(out, wait); }), Errc::timed_out);
  EXPECT_EQ(reader.position(), 0U);
  gate->open();
  EXPECT_EQ(next(reader, 10), "abcdefghij");
}

TEST(Reader, KeepsTheStreamAliveAfterItsBufferIsGone) {
  std::optional<StreamBuffer> buffer(std::in_place, scripted(letters(), {3}));
  Reader reader = buffer->reader();
  EXPECT_EQ(next(reader, 2), "ab");
  buffer.reset();
  EXPECT_EQ(next(reader, 100), "cdefghijklmnopqrstuvwxyz");
  EXPECT_EQ(reader.size(), 26U);
  EXPECT_EQ(reader.wait_for_size(), 26U);
}

TEST(Reader, MovesWithItsPosition) {
  Scripted stream({.content = letters()});
  Reader reader = stream.buffer.reader(3);
  Reader moved = std::move(reader);
  EXPECT_EQ(next(moved, 1), "d");
  Reader other = stream.buffer.reader(9);
  other = std::move(moved);
  EXPECT_EQ(next(other, 1), "e");
}

/// As zipfile does: the directory at the end first, then a member near the beginning.
TEST(Reader, GoesToTheEndOfAGrowingStreamAndBack) {
  auto [writer, buffer] = make_pipe();
  const auto content = random_bytes(300'000, 1);
  std::jthread writes([&, &sink = writer] {
    for (std::size_t at = 0; at < content.size(); at += 1000) {
      sink.write(std::span(content).subspan(at, 1000));
    }
    sink.end();
  });
  Reader reader = buffer.reader();
  EXPECT_EQ(reader.seek(-22, Whence::end), content.size() - 22);
  Bytes out(22);
  EXPECT_EQ(reader.read(out), 22U);
  EXPECT_EQ(out, part(content, content.size() - 22, 22));
  reader.seek(1234);
  EXPECT_EQ(reader.read(out), 22U);
  EXPECT_EQ(out, part(content, 1234, 22));
}

}  // namespace
}  // namespace seekable::test
