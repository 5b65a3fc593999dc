// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "fault/faults.hpp"
#include "fault/scenario.hpp"

namespace seekable::test {
namespace {

const StreamKind encrypted{.name = "encrypted", .encrypted = true};

/// What an encrypted spool holds, read through its descriptor.
Bytes spool_content(const std::vector<int>& fds) {
  Bytes all;
  for (const int fd : fds) {
    const Bytes content = content_of(fd);
    all.insert(all.end(), content.begin(), content.end());
  }
  return all;
}

/// The spool files of this process; the tests have one stream at a time.
std::vector<int> spool_fds() {
  std::vector<int> fds;
  for (const std::string& open : open_descriptors()) {
    if (open.find("seekable-test-") != std::string::npos && open.ends_with("(deleted)")) {
      fds.push_back(std::atoi(open.c_str()));
    }
  }
  return fds;
}

TEST(EncryptedSpool, ContainsNothingOfThePlainText) {
  Stream stream(encrypted);
  stream.buffer().read(0, Stream::size + 1);
  const auto fds = spool_fds();
  ASSERT_EQ(fds.size(), 1U);
  const Bytes spool = spool_content(fds);
  ASSERT_GT(spool.size(), 3 * 65536U);
  const Bytes plain = pattern_bytes(0, Stream::size);
  for (std::size_t at = 0; at + 8 <= plain.size(); at += 4096) {
    const auto begin = plain.begin() + static_cast<std::ptrdiff_t>(at);
    const std::boyer_moore_searcher searcher(begin, begin + 8, [](std::byte byte) {
      return std::hash<unsigned char>()(std::to_integer<unsigned char>(byte));
    });
    ASSERT_EQ(std::search(spool.begin(), spool.end(), searcher), spool.end()) << at;
  }
}

TEST(EncryptedSpool, TellsWhichBytesWereChangedAndReadsTheOthers) {
  Stream stream(encrypted);
  stream.buffer().read(0, Stream::size + 1);
  const auto fds = spool_fds();
  ASSERT_EQ(fds.size(), 1U);
  std::byte one{};
  const off_t at = 65536 + 4096 + 1000;  // in the second slot
  ASSERT_EQ(::pread(fds[0], &one, 1, at), 1);
  const std::byte changed = one ^ std::byte{4};
  ASSERT_EQ(::pwrite(fds[0], &changed, 1, at), 1);
  int corrupt = 0;
  for (std::uint64_t offset = 0; offset < Stream::size; offset += 65536) {
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(65536, Stream::size - offset));
    try {
      EXPECT_EQ(stream.buffer().read(offset + 5, count - 5), pattern_bytes(offset + 5, count - 5));
    } catch (const Error& error) {
      ++corrupt;
      EXPECT_EQ(error.code(), Errc::spool_corrupt);
      EXPECT_EQ(error.offset(), offset + 5);
      EXPECT_TRUE(stream.names_a_directory(error.what())) << error.what();
      EXPECT_THROW(stream.buffer().view(offset, 10), Error);
    }
  }
  EXPECT_EQ(corrupt, 1);
  ASSERT_EQ(::pwrite(fds[0], &one, 1, at), 1);
  EXPECT_EQ(stream.buffer().read(0, Stream::size), pattern_bytes(0, Stream::size));
}

TEST(EncryptedSpool, LendsViewsThatAreCountedCopies) {
  Stream stream(encrypted);
  stream.buffer().read(0, Stream::size + 1);
  const std::uint64_t before = stream.buffer().stats().memory_bytes;
  std::uint64_t copied = 0;
  for (std::uint64_t offset = 0; offset < Stream::size;) {
    const View view = stream.buffer().view(offset, 5000);
    ASSERT_FALSE(view.empty());
    EXPECT_EQ(Bytes(view.bytes().begin(), view.bytes().end()), pattern_bytes(offset, view.size()));
    copied = std::max(copied, stream.buffer().stats().memory_bytes - before);
    offset += view.size();
  }
  EXPECT_GT(copied, 0U);
  EXPECT_LE(copied, 5000U);
  EXPECT_EQ(stream.buffer().stats().memory_bytes, before);
}

TEST(EncryptedSpool, IsSavedAsPlainText) {
  for (const bool moves : {false, true}) {
    Stream stream(encrypted);
    const ScratchDirectory target;
    const auto path = target.path() / "saved";
    moves ? std::move(stream.buffer()).save(path) : stream.buffer().save(path);
    EXPECT_EQ(content_of(path), pattern_bytes(0, Stream::size));
  }
}

// Once a half block that had been sealed could never be filled up any more.
TEST(EncryptedSpool, GoesOnWithHalfBlocksOfARestartableStream) {
  StreamKind kind = encrypted;
  kind.restartable = true;
  std::mt19937_64 random(test_seed());
  for (int round = 0; round < 20; ++round) {
    Stream stream(kind);
    for (int i = 0; i < 200; ++i) {
      const std::uint64_t offset = random() % Stream::size;
      const auto count = static_cast<std::size_t>(
          std::min<std::uint64_t>(1 + random() % 5000, Stream::size - offset));
      ASSERT_EQ(stream.buffer().read(offset, count), pattern_bytes(offset, count)) << offset;
    }
    EXPECT_EQ(stream.buffer().read(0, Stream::size + 1), pattern_bytes(0, Stream::size));
    EXPECT_TRUE(stream.buffer().exhausted());
    stream.end();
  }
}

// A disk that failed once while a half block was taken back was a failure of the stream for ever,
// if it was the thread that fills which met it.
TEST(EncryptedSpool, AFailedReadOfAHalfBlockIsNoFailureOfTheStream) {
  StreamKind kind = encrypted;
  kind.restartable = true;
  Stream stream(kind);
  const StreamBuffer& buffer = stream.buffer();
  constexpr std::uint64_t half = 65536 + 1000;
  ASSERT_EQ(buffer.read(half - 1, 1), pattern_bytes(half - 1, 1));
  buffer.read(2 * 65536, Stream::size);  // Until the half block is sealed.
  {
    const NthCall faults({Call::pread}, 1, {.error = EIO}, NthCall::Lasts::on);
    EXPECT_EQ(code_of([&] { buffer.wait_for({0, 2 * 65536}, std::chrono::hours(1)); }),
              std::errc::io_error);
  }
  EXPECT_FALSE(buffer.failure());
  EXPECT_TRUE(buffer.wait_for({0, 2 * 65536}, std::chrono::hours(1)));
  EXPECT_EQ(buffer.read(0, Stream::size), pattern_bytes(0, Stream::size));
}

// Nor may a reader be told that a block is corrupt that is just being taken back to be filled up.
TEST(EncryptedSpool, ReadsHalfBlocksWhileTheyGrow) {
  StreamKind kind = encrypted;
  kind.restartable = true;
  kind.memory = 256 * 1024;  // A block for each of the two connections.
  for (int round = 0; round < 10; ++round) {
    Stream stream(kind);
    std::vector<std::jthread> threads;
    for (std::uint64_t thread = 0; thread < 3; ++thread) {
      threads.emplace_back([&, thread] {
        std::mt19937_64 random(test_seed() + thread);
        for (int i = 0; i < 300; ++i) {
          const std::uint64_t offset = random() % Stream::size;
          const auto count = static_cast<std::size_t>(
              std::min<std::uint64_t>(1 + random() % 3000, Stream::size - offset));
          std::optional<Seen> error;
          if (stream.read(offset, count, error) == 0) {
            ADD_FAILURE() << (error ? error->text : "an early end") << " at " << offset;
          }
        }
      });
    }
  }
}

}  // namespace
}  // namespace seekable::test
