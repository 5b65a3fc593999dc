// SPDX-License-Identifier: Apache-2.0
// Bytes that the kernel moves from a pipe to the spool.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "fault/faults.hpp"
#include "fault/scenario.hpp"
#include "support/buffers.hpp"

namespace seekable::test {
namespace {

constexpr std::size_t stream_size = 900'001;

Options options_for(const ScratchDirectory& scratch, Fill fill) {
  Options options = options_spilled(4 * block);
  options.fill = fill;
  options.spool_directories = {scratch.path()};
  return options;
}

class Splice : public testing::Test {
 protected:
  StreamBuffer buffer(Options options) const {
    return StreamBuffer(from_fd(full_pipe(content).release(), true), std::move(options));
  }

  const std::vector<std::byte> content = pattern_bytes(0, stream_size);
  const ScratchDirectory scratch;
};

class SpliceOfBoth : public Splice, public testing::WithParamInterface<Fill> {
 protected:
  StreamBuffer buffer() const { return Splice::buffer(options_for(scratch, GetParam())); }
};

INSTANTIATE_TEST_SUITE_P(Fills, SpliceOfBoth, testing::Values(Fill::on_demand, Fill::ahead),
                         [](const auto& info) {
                           return info.param == Fill::ahead ? "ahead" : "on_demand";
                         });

TEST_P(SpliceOfBoth, IsHowBytesOfAFullPipeGetToTheSpool) {
  std::atomic<int> splices{0};
  std::atomic<int> writes{0};
  const CallHook hook([&](Call call) -> std::optional<Fault> {
    if (call == Call::splice) ++splices;
    if (call == Call::pwrite) ++writes;
    return std::nullopt;
  });
  const StreamBuffer buffer = this->buffer();
  EXPECT_EQ(buffer.wait_for_size(), stream_size);
  EXPECT_EQ(buffer.read(0, stream_size), content);
  // Less than a block is left at the end, and goes through memory.
  EXPECT_LE(writes, 1);
  EXPECT_GE(splices, 2);
  const Stats stats = buffer.stats();
  EXPECT_GE(stats.spilled_bytes, stream_size / block * block - 4 * block);
  EXPECT_EQ(stats.spilled_bytes, stats.spool_bytes);
  EXPECT_EQ(stats.bytes_on_wire, stream_size);
  EXPECT_LE(stats.memory_bytes, 4 * block);
}

TEST_P(SpliceOfBoth, LeavesAFileThatIsTheStream) {
  StreamBuffer buffer = this->buffer();
  const FileDescriptor file = buffer.to_file();
  EXPECT_EQ(content_of(file.get()), content);
}

TEST_F(Splice, GoesOnWhereTheDiskFailedInTheMiddleOfABlock) {
  int to_file = 0;
  bool full = false;
  // Every other call fills the pipe of our own, the one behind it writes the file.
  const CallHook hook([&](Call call) -> std::optional<Fault> {
    if (full && (call == Call::splice || call == Call::pwrite)) return Fault{.error = ENOSPC};
    if (call != Call::splice || ++to_file % 2 != 0) return std::nullopt;
    full = true;
    return Fault{.at_most = block / 2 + 17};
  });
  const StreamBuffer buffer = this->buffer(options_for(scratch, Fill::on_demand));
  EXPECT_EQ(code_of([&] { buffer.wait_for_size(); }), Errc::disk_full);
  ASSERT_TRUE(full);
  const std::uint64_t kept = buffer.available(0);
  EXPECT_EQ(buffer.read(0, kept), part(content, 0, kept));
  EXPECT_EQ(offset_of_error([&] { buffer.read(kept, 1); }), kept);
  full = false;
  to_file = 1 << 20;
  EXPECT_EQ(buffer.read(0, stream_size), content);
  EXPECT_EQ(buffer.stats().bytes_on_wire, stream_size);
}

TEST_P(SpliceOfBoth, StaysWithinTheDiskLimitToTheByte) {
  for (const std::uint64_t limit : {block - 1, block, 2 * block + 5, 5 * block}) {
    SCOPED_TRACE(limit);
    Options options = options_for(scratch, GetParam());
    options.disk_limit = limit;
    StreamBuffer buffer = Splice::buffer(std::move(options));
    EXPECT_EQ(code_of([&] { buffer.wait_for_size(); }), Errc::disk_full);
    EXPECT_LE(buffer.stats().spool_bytes, limit);
    const std::uint64_t kept = buffer.available(0);
    EXPECT_EQ(buffer.read(0, kept), part(content, 0, kept));
    // What is given up makes room for what comes.
    for (std::uint64_t at = kept; at < stream_size;) {
      buffer.release_before(at);
      const std::uint64_t size = std::min<std::uint64_t>(1000, stream_size - at);
      ASSERT_EQ(buffer.read(at, size), part(content, at, size));
      at += size;
      ASSERT_LE(buffer.stats().spool_bytes, limit);
    }
  }
}

TEST_F(Splice, OfWhatWasGivenUpMeanwhileTakesNoRoom) {
  StreamBuffer* made = nullptr;
  int calls = 0;
  const std::uint64_t low = 9 * block + 100;
  const CallHook hook([&](Call call) -> std::optional<Fault> {
    // Between the first step and the second.
    if (call == Call::splice && ++calls == 2) made->release_before(low);
    return std::nullopt;
  });
  StreamBuffer buffer = this->buffer(options_for(scratch, Fill::on_demand));
  made = &buffer;
  EXPECT_EQ(buffer.wait_for_size(), stream_size);
  EXPECT_GE(calls, 2);
  EXPECT_EQ(buffer.read(low, stream_size), part(content, low, stream_size));
  EXPECT_EQ(code_of([&] { buffer.read(low - 101, 1); }), Errc::released);
  EXPECT_LE(buffer.stats().spool_bytes, stream_size - 9 * block);
}

TEST_F(Splice, EndsWhereItIsCancelled) {
  StreamBuffer* made = nullptr;
  int calls = 0;
  const CallHook hook([&](Call call) -> std::optional<Fault> {
    if (call == Call::splice && ++calls == 1) made->cancel();
    return std::nullopt;
  });
  StreamBuffer buffer = this->buffer(options_for(scratch, Fill::on_demand));
  made = &buffer;
  EXPECT_EQ(code_of([&] { buffer.wait_for_size(); }), Errc::cancelled);
  EXPECT_EQ(calls, 1);
  const std::uint64_t kept = buffer.available(0);
  EXPECT_EQ(buffer.read(0, kept), part(content, 0, kept));
}

TEST_F(Splice, IsNotForWhatSomebodyWaitsFor) {
  // A disk that hangs must not keep back what has come.
  Gate disk;
  const CallHook hook([&](Call call) -> std::optional<Fault> {
    static const std::atomic<bool> never{false};
    if (call == Call::splice || call == Call::pwrite) disk.enter(never);
    return std::nullopt;
  });
  Options options = options_for(scratch, Fill::ahead);
  options.memory_limit = 8 * block;  // 6 stay there, 2 are the ring
  Ends ends = make_pipe_ends();
  ASSERT_GE(::fcntl(ends.write.get(), F_SETPIPE_SZ, 1 << 20), 1 << 20);
  StreamBuffer buffer(from_fd(ends.read.get()), std::move(options));
  Gate told;
  std::error_code result = Errc::cancelled;
  const std::uint64_t wanted = 6 * block + 9;
  const Subscription subscription =
      buffer.when_available({wanted, wanted + 10}, [&](std::error_code code) {
        static const std::atomic<bool> never{false};
        result = code;
        told.enter(never);
      });
  ASSERT_TRUE(write_all(ends.write.get(), part(content, 0, 10 * block)));
  told.wait_entered();
  EXPECT_FALSE(result) << result.message();
  EXPECT_EQ(buffer.read(wanted, 10), part(content, wanted, 10));
  disk.open();
  told.open();
}

}  // namespace
}  // namespace seekable::test
