// SPDX-License-Identifier: Apache-2.0
#include "seekable/istream.hpp"

#include <gtest/gtest.h>

#include <iterator>
#include <limits>
#include <memory>
#include <sstream>
#include <string>

#include "support/buffers.hpp"

namespace seekable::test {
namespace {

TEST(Istream, ReadsLinesAndWordsToTheEnd) {
  StreamBuffer buffer(from_bytes("one two\nthree\n"));
  istream in(buffer);
  std::string word;
  std::string line;
  EXPECT_TRUE(in >> word);
  EXPECT_EQ(word, "one");
  EXPECT_TRUE(std::getline(in, line));
  EXPECT_EQ(line, " two");
  EXPECT_TRUE(std::getline(in, line));
  EXPECT_FALSE(std::getline(in, line));
  EXPECT_TRUE(in.eof());
  EXPECT_FALSE(in.bad());
}

TEST(Istream, SeeksAndTellsAcrossItsOwnBuffer) {
  const auto content = random_bytes(100'000, 1);
  StreamBuffer buffer(scripted(content, {777}));
  istream in(buffer);
  for (const std::int64_t offset : {0, 99'999, 5, 8191, 8192, 8193, 50'000, 3}) {
    in.seekg(offset);
    EXPECT_EQ(in.tellg(), std::streampos(offset));
    EXPECT_EQ(in.get(), std::to_integer<int>(content[static_cast<std::size_t>(offset)]));
    EXPECT_EQ(in.tellg(), std::streampos(offset + 1));
  }
  in.seekg(-10, std::ios::end);
  EXPECT_EQ(in.tellg(), std::streampos(99'990));
  in.get();
  in.seekg(-5, std::ios::cur);
  EXPECT_EQ(in.tellg(), std::streampos(99'986));
  in.clear();
  in.seekg(100);
  std::string read(20'000, '\0');
  in.read(read.data(), 20'000);
  EXPECT_EQ(in.gcount(), 20'000);
  EXPECT_EQ(to_bytes(read), part(content, 100, 20'000));
  EXPECT_EQ(in.tellg(), std::streampos(20'100));
}

TEST(Istream, ReadsAllThroughAnIterator) {
  const auto content = random_bytes(30'000, 2);
  StreamBuffer buffer(scripted(content));
  istream in(buffer, 7);
  const std::string all{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(to_bytes(all), part(content, 7, content.size()));
}

TEST(Istream, BelowTheBeginningCannotBeSought) {
  StreamBuffer buffer(scripted(letters()));
  istream in(buffer);
  EXPECT_FALSE(in.seekg(-1));
  in.clear();
  EXPECT_EQ(in.get(), 'a');
}

TEST(Istream, HasPositionsOf64Bits) {
  const std::uint64_t far = (std::uint64_t{1} << 53U) + 12'345;
  StreamBuffer buffer(std::make_unique<ScriptedRestartable>(
      Script{.byte_at = pattern_byte, .length = far + 1000, .declared_size = far + 1000}));
  istream in(buffer);
  in.seekg(static_cast<std::streamoff>(far));
  EXPECT_EQ(in.get(), std::to_integer<int>(pattern_byte(far)));
  EXPECT_EQ(in.tellg(), std::streampos(static_cast<std::streamoff>(far + 1)));
  in.seekg(0, std::ios::end);
  EXPECT_EQ(in.tellg(), std::streampos(static_cast<std::streamoff>(far + 1000)));
}

TEST(Istream, SetsBadbitOnAFailureAndEofbitAtTheEndAlone) {
  StreamBuffer buffer(
      std::make_unique<ScriptedSource>(Script{.content = letters(), .fail_at = 10}));
  istream in(buffer);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(in.get(), 'a' + i);
  EXPECT_EQ(in.get(), std::istream::traits_type::eof());
  EXPECT_TRUE(in.bad());
  EXPECT_FALSE(in.eof());
}

// A read across the place where a stream failed looked like one across its end.
TEST(Istream, SetsBadbitAlsoWhereAFailureLiesInsideALargeRead) {
  for (const std::streamsize buffered : {0, 3}) {
    StreamBuffer buffer(
        std::make_unique<ScriptedSource>(Script{.content = letters(), .fail_at = 10}));
    istream in(buffer);
    for (int i = 0; i < buffered; ++i) in.get();
    std::string out(100, '\0');
    in.read(out.data(), 100);
    EXPECT_TRUE(in.bad());
    EXPECT_FALSE(in.eof());
    in.clear();  // What came before the failure can still be read, byte by byte.
    EXPECT_EQ(in.tellg(), std::streampos(buffered));
    EXPECT_EQ(in.get(), 'a' + buffered);
  }
}

TEST(Istream, ThrowsTheFailureWhereThatIsAskedFor) {
  StreamBuffer buffer(std::make_unique<ScriptedSource>(Script{.content = letters(), .fail_at = 0}));
  istream in(buffer);
  in.exceptions(std::ios::badbit);
  EXPECT_EQ(code_of([&] { in.get(); }), std::errc::io_error);
}

TEST(Istream, KeepsTheStreamAliveAfterItsBufferIsGone) {
  std::optional<StreamBuffer> buffer(std::in_place, scripted(letters(), {5}));
  istream in(*buffer);
  EXPECT_EQ(in.get(), 'a');
  buffer.reset();
  std::string rest;
  EXPECT_TRUE(in >> rest);
  EXPECT_EQ(rest, "bcdefghijklmnopqrstuvwxyz");
}

}  // namespace
}  // namespace seekable::test
