// SPDX-License-Identifier: Apache-2.0
// Bytes that the kernel moves from a pipe to the spool.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "fault/child.hpp"
#include "fault/faults.hpp"
#include "fault/scenario.hpp"
#include "support/buffers.hpp"
#include "support/watchdog.hpp"

namespace seekable::test {
namespace {

constexpr std::size_t stream_size = 900'001;
const std::atomic<bool> never{false};

Options options_for(const ScratchDirectory& scratch, Fill fill) {
  Options options = options_spilled(4 * block);
  options.fill = fill;
  options.spool_directories = {scratch.path()};
  return options;
}

/// Waits until a pipe of this process holds 64 KiB, as much as one does by itself.
void wait_for_full_pipe() {
  for (;; std::this_thread::yield()) {
    for (const std::string& open : open_descriptors()) {
      int waiting = 0;
      const int fd = std::atoi(open.c_str());
      if (open.find(" pipe:") == std::string::npos) continue;
      if (::ioctl(fd, FIONREAD, &waiting) == 0 && waiting == 1 << 16) return;
    }
  }
}

class Splice : public testing::Test {
 protected:
  StreamBuffer buffer(Options options) const {
    return StreamBuffer(from_fd(full_pipe(content).release(), true), std::move(options));
  }

  const Watchdog watchdog{"what is spliced"};
  const std::vector<std::byte> content = pattern_bytes(0, stream_size);
  const ScratchDirectory scratch;
};

/// Counts what is spliced, and what is written otherwise.
class SpliceByFill : public Splice, public testing::WithParamInterface<Fill> {
 protected:
  StreamBuffer buffer() const { return Splice::buffer(options_for(scratch, GetParam())); }

  std::atomic<int> splices{0};
  std::atomic<int> writes{0};
  const CallHook hook{[this](Call call) -> std::optional<Fault> {
    if (call == Call::splice_to_file) ++splices;
    if (call == Call::pwrite) ++writes;
    return std::nullopt;
  }};
};

INSTANTIATE_TEST_SUITE_P(Fills, SpliceByFill, testing::Values(Fill::on_demand, Fill::ahead),
                         [](const auto& info) {
                           return info.param == Fill::ahead ? "ahead" : "on_demand";
                         });

TEST_P(SpliceByFill, IsHowBytesOfAFullPipeGetToTheSpool) {
  const StreamBuffer buffer = this->buffer();
  EXPECT_EQ(buffer.wait_for_size(), stream_size);
  EXPECT_EQ(buffer.read(0, stream_size), content);
  // Less than a block is left at the end, and goes through memory.
  EXPECT_LE(writes, 1);
  EXPECT_GT(splices, 0);
  const Stats stats = buffer.stats();
  EXPECT_GE(stats.spilled_bytes, stream_size / block * block - 4 * block);
  EXPECT_EQ(stats.spilled_bytes, stats.spool_bytes);
  EXPECT_EQ(stats.bytes_on_wire, stream_size);
  EXPECT_LE(stats.memory_bytes, 4 * block);
}

TEST_P(SpliceByFill, LeavesAFileThatIsTheStream) {
  StreamBuffer buffer = this->buffer();
  const FileDescriptor file = buffer.to_file();
  EXPECT_EQ(content_of(file.get()), content);
  EXPECT_GT(splices, 0);
}

TEST_F(Splice, IsForTheOutputOfACommandToo) {
  std::atomic<int> splices{0};
  const CallHook hook([&](Call call) -> std::optional<Fault> {
    if (call == Call::splice_to_file) ++splices;
    return std::nullopt;
  });
  const auto path = scratch.file("content", content);
  const StreamBuffer buffer(from_command({"cat", path.string()}),
                            options_for(scratch, Fill::on_demand));
  EXPECT_EQ(buffer.read(0, 5 * block), part(content, 0, 5 * block));
  wait_for_full_pipe();
  EXPECT_EQ(buffer.read(0, stream_size), content);
  EXPECT_GT(splices, 0);
  EXPECT_EQ(buffer.stats().bytes_on_wire, stream_size);
}

TEST_P(SpliceByFill, IsNotForWhatIsSealedNorForAWindow) {
  Options window = options_for(scratch, GetParam());
  window.retention = Retention::window(20 * block, WhenFull::drop_oldest);
  EXPECT_EQ(Splice::buffer(std::move(window)).read(0, stream_size), content);
  if (detail::make_cipher() != nullptr) {
    Options sealed = options_for(scratch, GetParam());
    sealed.memory_limit = 8 * block;
    sealed.encrypt_spool = true;
    EXPECT_EQ(Splice::buffer(std::move(sealed)).read(0, stream_size), content);
  }
  EXPECT_EQ(splices, 0);
  EXPECT_GT(writes, 0);
}

TEST_P(SpliceByFill, LeavesAPipeThatIsWaitedForAndEnds) {
  // After a splice the kernel has no other read of this pipe that does not wait than by way of
  // ours.
  Ends ends = make_pipe_ends();
  ASSERT_GE(::fcntl(ends.write.get(), F_SETPIPE_SZ, 1 << 20), 1 << 20);
  ASSERT_TRUE(write_all(ends.write.get(), part(content, 0, 12 * block)));
  const StreamBuffer buffer(from_fd(ends.read.get()), options_for(scratch, GetParam()));
  EXPECT_EQ(buffer.read(0, 12 * block), part(content, 0, 12 * block));
  EXPECT_GT(splices, 0);
  Bytes got;
  {
    std::jthread reader([&] { got = buffer.read(12 * block, stream_size); });
    ASSERT_TRUE(write_all(ends.write.get(), part(content, 12 * block, 5)));
    ASSERT_TRUE(write_all(ends.write.get(), part(content, 12 * block + 5, stream_size)));
    ends.write.reset();
  }
  EXPECT_EQ(got, part(content, 12 * block, stream_size));
}

TEST_P(SpliceByFill, StaysWithinTheDiskLimitToTheByte) {
  for (const std::uint64_t limit : {block - 1, block, 2 * block + 5, 5 * block}) {
    SCOPED_TRACE(limit);
    splices = 0;
    Options options = options_for(scratch, GetParam());
    options.disk_limit = limit;
    StreamBuffer buffer = Splice::buffer(std::move(options));
    EXPECT_EQ(code_of([&] { buffer.wait_for_size(); }), Errc::disk_full);
    EXPECT_LE(buffer.stats().spool_bytes, limit);
    EXPECT_EQ(splices > 0, limit >= block);
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

TEST_F(Splice, GoesOnWhereTheDiskFailedInTheMiddleOfABlock) {
  int splices = 0;
  bool full = false;
  const CallHook hook([&](Call call) -> std::optional<Fault> {
    if (full && (call == Call::splice_to_file || call == Call::pwrite))
      return Fault{.error = ENOSPC};
    if (call != Call::splice_to_file || ++splices != 1) return std::nullopt;
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
  EXPECT_EQ(buffer.read(0, stream_size), content);
  EXPECT_EQ(buffer.stats().bytes_on_wire, stream_size);
}

TEST_F(Splice, OfWhatWasGivenUpMeanwhileTakesNoRoom) {
  StreamBuffer* made = nullptr;
  int calls = 0;
  const std::uint64_t low = 9 * block + 100;
  const CallHook hook([&](Call call) -> std::optional<Fault> {
    // Between the first step and the second.
    if (call == Call::splice_to_file && ++calls == 1) made->release_before(low);
    return std::nullopt;
  });
  StreamBuffer buffer = this->buffer(options_for(scratch, Fill::on_demand));
  made = &buffer;
  EXPECT_EQ(buffer.wait_for_size(), stream_size);
  EXPECT_GE(calls, 1);
  EXPECT_EQ(buffer.read(low, stream_size), part(content, low, stream_size));
  EXPECT_EQ(code_of([&] { buffer.read(low - 101, 1); }), Errc::released);
  EXPECT_LE(buffer.stats().spool_bytes, stream_size - 9 * block);
}

TEST_F(Splice, TakesALimitOfFileSizeForAFullDisk) {
  // The kernel goes on by itself where a call has come to the limit, and then would end the
  // process.
  EXPECT_TRUE(passes_in_a_child([&] {
    const rlimit limit{10 * block + 5000, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    Options options = options_for(scratch, Fill::on_demand);
    options.memory_limit = 8 * block;
    const StreamBuffer buffer = this->buffer(std::move(options));
    EXPECT_EQ(buffer.wait_for_size(), stream_size);
    EXPECT_EQ(buffer.read(0, stream_size), content);
    EXPECT_GE(unlinked_files_in(scratch.path()).size(), 2U);
  }));
}

TEST_F(Splice, LeavesTheLastDescriptorsToTheSpool) {
  // Else the pipe of our own could take them, and hold them without use.
  std::vector<Call> made;
  const StreamBuffer buffer = this->buffer(options_for(scratch, Fill::on_demand));
  const CallHook hook([&](Call call) -> std::optional<Fault> {
    if (call == Call::open || call == Call::pipe) made.push_back(call);
    return std::nullopt;
  });
  EXPECT_EQ(buffer.wait_for_size(), stream_size);
  EXPECT_EQ(made, (std::vector{Call::open, Call::pipe}));
}

TEST_F(Splice, IsNotForASlowDisk) {
  // What is in the pipe of our own nobody can read: one slow write is enough.
  std::atomic<int> splices{0};
  std::atomic<int> writes{0};
  const CallHook hook([&](Call call) -> std::optional<Fault> {
    if (call == Call::pwrite) ++writes;
    if (call == Call::splice_to_file && ++splices == 1) {
      std::this_thread::sleep_for(std::chrono::milliseconds(60));  // This is the slow disk.
    }
    return std::nullopt;
  });
  const StreamBuffer buffer = this->buffer(options_for(scratch, Fill::ahead));
  EXPECT_EQ(buffer.wait_for_size(), stream_size);
  EXPECT_EQ(splices, 1);
  EXPECT_GT(writes, 2);
  EXPECT_EQ(buffer.read(0, stream_size), content);
}

TEST_F(Splice, LeavesNoPipeBehindTheEnd) {
  const auto before = open_descriptors();
  StreamBuffer buffer(from_fd(full_pipe(content).release(), true),
                      options_for(scratch, Fill::on_demand));
  EXPECT_EQ(buffer.wait_for_size(), stream_size);
  // The source and the spool.
  EXPECT_EQ(open_descriptors().size(), before.size() + 2);
}

TEST_F(Splice, LeavesAPipeOfWhichOthersMayTakeBytes) {
  // Between a look at a pipe and a read of it they may be gone: that read must not wait.
  Ends ends = make_pipe_ends();
  ASSERT_GE(::fcntl(ends.write.get(), F_SETPIPE_SZ, 1 << 20), 1 << 20);
  ASSERT_TRUE(write_all(ends.write.get(), part(content, 0, 12 * block)));
  StreamBuffer buffer(from_fd(ends.read.get()), options_for(scratch, Fill::on_demand));
  EXPECT_EQ(buffer.read(0, 12 * block), part(content, 0, 12 * block));
  std::byte stolen{};
  Gate waits;
  std::atomic<int> polls{0};
  const CallHook hook([&](Call call) -> std::optional<Fault> {
    if (call == Call::poll && ++polls == 2) waits.enter(never);
    if (call == Call::splice_now && polls == 1 && stolen == std::byte{}) {
      EXPECT_EQ(::read(ends.read.get(), &stolen, 1), 1);
    }
    return std::nullopt;
  });
  std::error_code code;
  std::jthread reader([&] { code = code_of([&] { buffer.read(12 * block, 1); }); });
  while (polls == 0) std::this_thread::yield();
  ASSERT_TRUE(write_all(ends.write.get(), to_bytes("x")));
  waits.wait_entered();
  buffer.cancel();
  waits.open();
  reader.join();
  EXPECT_EQ(stolen, std::byte{'x'});
  EXPECT_EQ(code, Errc::cancelled);
}

TEST_F(Splice, TellsWhereAReadByWayOfOurPipeFailed) {
  Ends ends = make_pipe_ends();
  ASSERT_GE(::fcntl(ends.write.get(), F_SETPIPE_SZ, 1 << 20), 1 << 20);
  ASSERT_TRUE(write_all(ends.write.get(), part(content, 0, 12 * block)));
  const StreamBuffer buffer(from_fd(ends.read.get()), options_for(scratch, Fill::on_demand));
  EXPECT_EQ(buffer.read(0, 12 * block), part(content, 0, 12 * block));
  ASSERT_TRUE(write_all(ends.write.get(), part(content, 12 * block, 100)));
  int reads = 0;
  const CallHook hook([&](Call call) -> std::optional<Fault> {
    if (call != Call::read) return std::nullopt;
    return ++reads == 1 ? Fault{.at_most = 7} : Fault{.error = EIO};
  });
  EXPECT_EQ(buffer.read(12 * block, 100), part(content, 12 * block, 7));
  EXPECT_EQ(offset_of_error([&] { buffer.read(12 * block + 7, 1); }), 12 * block + 7);
}

TEST_F(Splice, EndsWhereItIsCancelled) {
  StreamBuffer* made = nullptr;
  int calls = 0;
  const CallHook hook([&](Call call) -> std::optional<Fault> {
    if (call == Call::splice_now && ++calls == 1) made->cancel();
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
  std::atomic<int> splices{0};
  const CallHook hook([&](Call call) -> std::optional<Fault> {
    if (call == Call::splice_to_file) ++splices;
    if (call == Call::splice_to_file || call == Call::pwrite) disk.enter(never);
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
        result = code;
        told.enter(never);
      });
  ASSERT_TRUE(write_all(ends.write.get(), part(content, 0, 10 * block)));
  told.wait_entered();
  EXPECT_FALSE(result) << result.message();
  EXPECT_EQ(buffer.read(wanted, 10), part(content, wanted, 10));
  EXPECT_EQ(splices, 0);
  disk.open();
  told.open();
  // Nobody waits any more: the same stream is spliced.
  ASSERT_TRUE(write_all(ends.write.get(), part(content, 10 * block, stream_size)));
  ends.write.reset();
  while (!buffer.exhausted()) std::this_thread::yield();
  EXPECT_GT(splices, 0);
  EXPECT_EQ(buffer.read(0, stream_size), content);
}

}  // namespace
}  // namespace seekable::test
