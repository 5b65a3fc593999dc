// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <istream>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <streambuf>
#include <string>

#include "seekable/error.hpp"
#include "seekable/sources.hpp"
#include "support/feeds.hpp"

namespace seekable::test {
namespace {

/// Gives pieces one by one, and does `at_end` when there are none left.
class PieceBuffer final : public std::streambuf {
 public:
  explicit PieceBuffer(std::vector<std::string> pieces, std::function<int_type()> at_end = {})
      : pieces_(std::move(pieces)), at_end_(std::move(at_end)) {}

  int underflows() const { return underflows_; }

 protected:
  int_type underflow() override {
    ++underflows_;
    if (next_ == pieces_.size()) return at_end_ ? at_end_() : traits_type::eof();
    std::string& piece = pieces_[next_++];
    setg(piece.data(), piece.data(), piece.data() + piece.size());
    return traits_type::to_int_type(piece[0]);
  }

 private:
  std::vector<std::string> pieces_;
  std::function<int_type()> at_end_;
  std::size_t next_ = 0;
  int underflows_ = 0;
};

TEST(IstreamSource, StartsWhereTheStreamStands) {
  std::istringstream stream("abcdef");
  stream.get();
  stream.get();
  EXPECT_EQ(to_string(read_all(*from_istream(stream))), "cdef");
}

TEST(IstreamSource, TakesWhatIsThereAndAsksForNoMore) {
  PieceBuffer buffer({"hello", "world"});
  std::istream stream(&buffer);
  const auto source = from_istream(stream);
  EXPECT_EQ(to_string(read_once(*source, 4096)), "hello");
  EXPECT_EQ(buffer.underflows(), 1);
  EXPECT_EQ(to_string(read_once(*source, 3)), "wor");
  EXPECT_EQ(to_string(read_once(*source, 4096)), "ld");
  EXPECT_EQ(buffer.underflows(), 2);
  EXPECT_EQ(read_once(*source, 4096).size(), 0U);
}

TEST(IstreamSource, GivesAllByteValues) {
  const Bytes content = random_bytes(100'000, test_seed());
  std::istringstream stream(to_string(content));
  EXPECT_TRUE(read_all(*from_istream(stream), 777) == content);
}

TEST(IstreamSource, FailsOnAFileThatWasNotOpened) {
  std::ifstream stream("/nowhere/at/all");
  const auto source = from_istream(stream);
  EXPECT_EQ(code_of([&] { read_once(*source, 1); }), Errc::source_failed);
  EXPECT_NE(text_of([&] { read_once(*source, 1); }).find("was it opened?"), std::string::npos);
}

TEST(IstreamSource, FailsOnAStreamThatIsBadOrHasNoBuffer) {
  std::istringstream bad("abc");
  bad.setstate(std::ios::badbit);
  EXPECT_EQ(code_of([&] { read_once(*from_istream(bad), 1); }), Errc::source_failed);
  std::istream none(nullptr);
  EXPECT_EQ(code_of([&] { read_once(*from_istream(none), 1); }), Errc::source_failed);
}

TEST(IstreamSource, FailsOnAStreamThatFailedToParse) {
  std::istringstream stream("abc");
  int number = 0;
  stream >> number;
  EXPECT_EQ(code_of([&] { read_once(*from_istream(stream), 1); }), Errc::source_failed);
}

TEST(IstreamSource, EndsWhereTheStreamHasSeenItsEnd) {
  std::istringstream stream("abc");
  stream.ignore(std::numeric_limits<std::streamsize>::max());
  ASSERT_TRUE(stream.eof());
  EXPECT_EQ(read_once(*from_istream(stream), 1).size(), 0U);
  std::string line;
  std::getline(stream, line);
  ASSERT_TRUE(stream.fail());
  EXPECT_EQ(read_once(*from_istream(stream), 1).size(), 0U);
}

TEST(IstreamSource, FailsWhenTheStreamGoesBadWhileItIsRead) {
  std::istream* broken = nullptr;
  PieceBuffer buffer({"abc"}, [&] {
    broken->setstate(std::ios::badbit);
    return std::streambuf::traits_type::eof();
  });
  std::istream stream(&buffer);
  broken = &stream;
  const auto source = from_istream(stream);
  EXPECT_EQ(to_string(read_once(*source, 10)), "abc");
  try {
    read_once(*source, 10);
    FAIL() << "a failure was taken for the end";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::source_failed);
    EXPECT_EQ(error.offset(), 3U);
  }
}

TEST(IstreamSource, PassesOnWhatTheBufferThrows) {
  PieceBuffer buffer({"abc"}, []() -> int { throw std::runtime_error("no more paper"); });
  std::istream stream(&buffer);
  const auto source = from_istream(stream);
  EXPECT_EQ(to_string(read_once(*source, 10)), "abc");
  EXPECT_EQ(text_of([&] { read_once(*source, 10); }), "no more paper");
}

TEST(IstreamSource, FailsOnADirectory) {
  std::ifstream stream("/");
  EXPECT_THROW(read_once(*from_istream(stream), 10), std::exception);
}

/// A buffer that promises more than it has.
class BraggingBuffer final : public std::streambuf {
 protected:
  std::streamsize showmanyc() override { return 1'000; }
};

TEST(IstreamSource, IsNotDeceivedByAnEstimate) {
  BraggingBuffer buffer;
  std::istream stream(&buffer);
  EXPECT_EQ(read_once(*from_istream(stream), 10).size(), 0U);
}

}  // namespace
}  // namespace seekable::test
