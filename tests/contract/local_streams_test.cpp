// SPDX-License-Identifier: Apache-2.0
// What well-known packages of this kind get wrong: each of these fails in at least one of them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/buffers.hpp"

namespace seekable::test {
namespace {

Script failing_at(std::uint64_t offset, std::exception_ptr failure) {
  return {.content = letters(), .chunks = {4}, .fail_at = offset, .failure = std::move(failure)};
}

TEST(LocalStream, ThatFailsGivesItsPrefixAndThenTheSameFailureToEveryReaderForEver) {
  for (std::uint64_t at = 0; at <= 26; ++at) {
    Scripted stream(failing_at(at, failure_with(std::errc::connection_reset)));
    std::vector<std::jthread> readers;
    for (int i = 0; i < 4; ++i) {
      readers.emplace_back([&] {
        Reader reader = stream.buffer.reader();
        std::byte out[100];
        for (int again = 0; again < 3; ++again) {
          if (at > 0) {
            reader.seek(0);
            EXPECT_EQ(reader.read(out), at);
          }
          const auto read = [&] { reader.read(out); };
          EXPECT_EQ(code_of(read), std::errc::connection_reset);
          EXPECT_EQ(offset_of_error(read), at);
          EXPECT_EQ(reader.position(), at);
        }
      });
    }
  }
}

TEST(LocalStream, ThatFailsKeepsItsCauseAndItsCode) {
  Scripted coded(failing_at(7, failure_with(std::errc::host_unreachable, "the cable is cut")));
  EXPECT_EQ(coded.buffer.read(0, 100).size(), 7U);
  code_of([&] { coded.buffer.read(7, 1); });
  ASSERT_TRUE(coded.buffer.failure());
  EXPECT_EQ(coded.buffer.failure()->code, std::errc::host_unreachable);
  EXPECT_NE(coded.buffer.failure()->message.find("the cable is cut"), std::string::npos);
  EXPECT_EQ(coded.buffer.failure()->offset, 7U);
  EXPECT_THROW(std::rethrow_exception(coded.buffer.failure()->cause), std::system_error);

  Scripted other(failing_at(7, failure_of(std::logic_error("odd"))));
  EXPECT_EQ(code_of([&] { other.buffer.read(7, 1); }), Errc::source_failed);
  EXPECT_NE(other.buffer.failure()->message.find("odd"), std::string::npos);
  EXPECT_THROW(std::rethrow_exception(other.buffer.failure()->cause), std::logic_error);

  Scripted odd(failing_at(7, std::make_exception_ptr(42)));
  EXPECT_EQ(code_of([&] { odd.buffer.read(7, 1); }), Errc::source_failed);
  EXPECT_THROW(std::rethrow_exception(odd.buffer.failure()->cause), int);
}

TEST(LocalStream, OfFiveBytesInAnOpenPipeIsReadAtOnce) {
  for (const Fill fill : {Fill::on_demand, Fill::ahead}) {
    Ends ends = make_pipe_ends();
    Options options;
    options.fill = fill;
    StreamBuffer buffer(from_fd(ends.read.get()), options);
    ASSERT_TRUE(write_all(ends.write.get(), to_bytes("hello")));
    EXPECT_EQ(to_string(buffer.read(0, 5)), "hello");
    Bytes out(4096);
    EXPECT_EQ(buffer.read_some_at(0, out), 5U);
    EXPECT_EQ(buffer.view(0, 4096).size(), 5U);
    EXPECT_FALSE(buffer.exhausted());
    ends.write.reset();
    EXPECT_EQ(buffer.read(0, 4096).size(), 5U);
    EXPECT_TRUE(buffer.exhausted());
  }
}

TEST(LocalStream, IsReadWhereItIsKeptWhileAnotherReaderWaitsForTheSource) {
  for (const std::uint64_t limit : {std::uint64_t{5} << 20U, std::uint64_t{0}}) {
    const auto gate = std::make_shared<Gate>();
    const auto content = random_bytes(3 * block, 1);
    Scripted stream({.content = content, .gates = {{2 * block, gate}}}, options_spilled(limit));
    std::jthread waits([&] { stream.buffer.read(2 * block, 1); });
    gate->wait_entered();
    EXPECT_EQ(stream.buffer.read(0, 2 * block), part(content, 0, 2 * block));
    EXPECT_EQ(stream.buffer.view(block, 10).size(), 10U);
    EXPECT_TRUE(stream.buffer.wait_for({0, 2 * block}, std::chrono::nanoseconds(0)));
    gate->open();
  }
}

TEST(LocalStream, DoesNotEndWithAnEmptyChunk) {
  const std::vector<std::string> chunks{"", "abc", "", "", "def", ""};
  const StreamBuffer buffer(chunks);
  EXPECT_EQ(to_string(buffer.read(0, 100)), "abcdef");
  EXPECT_TRUE(buffer.exhausted());
}

/// A chunk of 1 GiB of zeros that takes no memory itself.
class HugeChunk {
 public:
  static constexpr std::size_t size = std::size_t{1} << 30U;
  HugeChunk()
      : data_(
            ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {}
  HugeChunk(const HugeChunk&) = delete;
  HugeChunk& operator=(const HugeChunk&) = delete;
  ~HugeChunk() { ::munmap(data_, size); }
  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), size}; }

 private:
  void* data_;
};

TEST(LocalStream, OfOneChunkOfAGibibyteStaysWithinAMebibyteOfMemory) {
  const HugeChunk chunk;
  const std::vector<std::span<const std::byte>> chunks{chunk.bytes()};
  Options options;
  options.memory_limit = 1024 * 1024;
  options.retention = Retention::window(16 * block, WhenFull::drop_oldest);
  StreamBuffer buffer(chunks, options);
  std::uint64_t position = 0;
  Bytes out(1024 * 1024);
  Reader reader = buffer.reader();
  while (const std::size_t got = reader.read(out)) {
    position += got;
    ASSERT_LE(buffer.stats().memory_bytes, options.memory_limit);
  }
  EXPECT_EQ(position, HugeChunk::size);
}

TEST(LocalStream, OfOneHugeChunkWithNoDiskIsDiskFullAndItsPrefixReads) {
  const HugeChunk chunk;
  const std::vector<std::span<const std::byte>> chunks{chunk.bytes()};
  StreamBuffer buffer(chunks, options_in_memory(1024 * 1024));
  const auto read = [&] { buffer.read(HugeChunk::size - 1, 1); };
  for (int i = 0; i < 2; ++i) EXPECT_EQ(code_of(read), Errc::disk_full);
  EXPECT_EQ(buffer.read(0, HugeChunk::size).size(), 1024U * 1024U);
  EXPECT_LE(buffer.stats().memory_bytes, 1024U * 1024U);
  EXPECT_EQ(buffer.failure(), std::nullopt);
  buffer.release_before(10 * block);  // Room again: it goes on where it was.
  EXPECT_EQ(buffer.read(16 * block, block).size(), block);
}

TEST(LocalStream, IsReadPastTwoToTheThirtyOneThirtyTwoAndFiftyThree) {
  for (const unsigned bits : {31U, 32U, 53U, 60U}) {
    for (const std::uint64_t limit : {std::uint64_t{5} << 20U, std::uint64_t{0}}) {
      const std::uint64_t middle = std::uint64_t{1} << bits;
      ScriptedJumping stream({.byte_at = pattern_byte,
                              .length = middle + 10 * block,
                              .declared_size = middle + 10 * block,
                              .max_connections = 3},
                             options_spilled(limit));
      EXPECT_EQ(stream.buffer.read(middle - 100, 200), pattern_bytes(middle - 100, 200));
      EXPECT_EQ(stream.buffer.read(middle + 3 * block - 7, 20),
                pattern_bytes(middle + 3 * block - 7, 20));
      EXPECT_EQ(stream.buffer.read(middle + 10 * block - 5, 100).size(), 5U);
      EXPECT_EQ(stream.buffer.read(5, 10), pattern_bytes(5, 10));
      Reader reader = stream.buffer.reader();
      EXPECT_EQ(reader.seek(-5, Whence::end), middle + 10 * block - 5);
      EXPECT_LE(stream.buffer.stats().memory_bytes, options_spilled(limit).memory_limit);
      EXPECT_EQ(stream.buffer.residency().back().range.end, middle + 10 * block);
    }
  }
}

TEST(LocalStream, IsDestroyedWhileItsSourceWaits) {
  for (const Fill fill : {Fill::on_demand, Fill::ahead}) {
    const auto gate = std::make_shared<Gate>();
    std::error_code code;
    Subscription subscription;
    {
      Options options;
      options.fill = fill;
      Scripted stream({.content = letters(), .gates = {{5, gate}}}, options);
      subscription =
          stream.buffer.when_available({0, 10}, [&](std::error_code told) { code = told; });
      gate->wait_entered();
    }
    EXPECT_EQ(code, Errc::cancelled);
  }
}

TEST(LocalStream, IsReadByAThousandReadersThatComeAndGo) {
  const auto content = random_bytes(5 * block, 3);
  Scripted stream({.content = content, .chunks = {100, 9000}}, options_spilled(2 * block));
  std::atomic<std::size_t> wrong{0};
  std::vector<std::jthread> threads;
  for (std::uint64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      std::vector<Reader> readers;
      for (std::uint64_t i = 0; i < 250; ++i) {
        const std::uint64_t offset = (i * 7919 + thread * 65'537) % content.size();
        readers.push_back(stream.buffer.reader(offset));
        Bytes out(50);
        Reader& reader = readers[i * 31 % readers.size()];
        const std::uint64_t at = reader.position();
        out.resize(reader.read(out));
        if (out != part(content, at, 50)) ++wrong;
        if (i % 3 == 0) readers.erase(readers.begin());
        if (readers.empty()) readers.push_back(stream.buffer.reader());
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace seekable::test
