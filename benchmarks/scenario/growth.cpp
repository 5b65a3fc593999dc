// SPDX-License-Identifier: Apache-2.0
// Streams of one size after the other from one pipe, each made, filled, dropped: how the cost of a
// stream grows with its size, beside the bare loop of the same size. Seconds of one stream.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>

#include "seekable/seekable.hpp"
#include "support/job.hpp"
#include "support/memory_use.hpp"
#include "support/pattern.hpp"
#include "support/pour.hpp"

namespace seekable::bench {
namespace {

constexpr std::uint64_t mib = 1024 * 1024;
constexpr std::uint64_t memory_bytes = 5 * mib;
constexpr std::size_t step = 64 * 1024;

/// So many streams that a run moves a good part of a GiB: a single small one is over in less time
/// than it takes the pipe to get going.
std::uint64_t streams(std::uint64_t size) { return std::max<std::uint64_t>(1, 1024 * mib / size); }

/// The stream before the clock starts: long enough to spill, if the others do.
std::uint64_t checked_size(std::uint64_t size) { return std::min(size, 16 * mib); }

/// One stream of those that a pipe holds one after the other.
class PartOfPipe final : public Source {
 public:
  PartOfPipe(int fd, std::uint64_t size) : fd_(fd), left_(size) {}
  std::size_t read_some(std::span<std::byte> out) override {
    if (left_ == 0) return 0;
    const ssize_t got = ::read(fd_, out.data(), std::min<std::uint64_t>(out.size(), left_));
    check(got > 0, "the pipe holds all streams");
    left_ -= static_cast<std::uint64_t>(got);
    return static_cast<std::size_t>(got);
  }

 private:
  const int fd_;
  std::uint64_t left_;
};

double ours(std::uint64_t size) {
  have_anonymous_memory(size);
  const std::uint64_t first = checked_size(size);
  const Pourer pourer(first + size * streams(size));
  Options options;
  options.memory_limit = memory_bytes;
  const auto make = [&](std::uint64_t length) {
    return StreamBuffer(std::make_unique<PartOfPipe>(pourer.fd(), length), options);
  };
  check_pattern(0, make(first).read(0, first + 1));
  const double seconds = seconds_of([&] {
    for (std::uint64_t i = 0; i < streams(size); ++i) {
      check(make(size).wait_for_size() == size, "all came");
    }
  });
  return seconds / static_cast<double>(streams(size));
}

/// What a careful engineer would write for many such streams, without anything to be read beside
/// it. It is fair at each size: as the library does, it reads from the pipe straight into memory
/// that earlier streams have left it, in large pages; keeps as much as the limit leaves beside what
/// waits to be written; makes an unnamed file only for a stream of more than that; writes a MiB at
/// once, for which the kernel takes larger pieces of memory than for 64 KiB; sets
/// space aside for a long file; and pays for giving it up.
class BareLoop {
 public:
  BareLoop() : memory_(large_pages(memory_bytes)), batch_(memory_.get() + kept_bytes) {}

  /// What is kept of a stream in the file, if it has one.
  FileDescriptor fill(int fd, std::uint64_t size) {
    FileDescriptor file;
    std::uint64_t done = 0;
    while (done < std::min(size, kept_bytes)) {
      done += pull(fd, memory_.get() + done, std::min(size, kept_bytes) - done);
    }
    while (done < size) {
      const std::uint64_t batch = std::min(batch_bytes, size - done);
      for (std::uint64_t at = 0; at < batch;) at += pull(fd, batch_ + at, batch - at);
      spill(file, batch, done - kept_bytes);
      done += batch;
    }
    return file;
  }

  void check_kept(const FileDescriptor& file, std::uint64_t size) const {
    const std::uint64_t in_memory = std::min(size, kept_bytes);
    check_pattern(0, std::span(memory_.get(), in_memory));
    for (std::uint64_t at = in_memory; at < size; at += step) {
      const ssize_t got = ::pread(file.get(), batch_, std::min<std::uint64_t>(step, size - at),
                                  static_cast<off_t>(at - in_memory));
      check(got > 0, "read again");
      check_pattern(at, std::span(batch_, static_cast<std::size_t>(got)));
    }
  }

 private:
  static constexpr std::uint64_t batch_bytes = mib;
  static constexpr std::uint64_t set_aside = 64 * mib;
  static constexpr std::uint64_t kept_bytes = memory_bytes - batch_bytes;
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  using Memory = std::unique_ptr<std::byte[], Free>;

  static Memory large_pages(std::size_t size) {
    constexpr std::size_t large_page = 2 * mib;
    const std::size_t whole = (size + large_page - 1) / large_page * large_page;
    Memory memory(static_cast<std::byte*>(std::aligned_alloc(large_page, whole)));
    check(memory != nullptr, "there is memory");
    ::madvise(memory.get(), whole, MADV_HUGEPAGE);
    std::memset(memory.get(), 0, whole);
    return memory;
  }

  static std::uint64_t pull(int fd, std::byte* to, std::uint64_t most) {
    const ssize_t got = ::read(fd, to, std::min<std::uint64_t>(step, most));
    check(got > 0, "the pipe holds all streams");
    return static_cast<std::uint64_t>(got);
  }

  void spill(FileDescriptor& file, std::uint64_t size, std::uint64_t at) const {
    if (file.get() < 0) file.reset(::open("/var/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
    if (at >= set_aside && at % set_aside == 0) {
      // A wish, as in the library.
      ::fallocate(file.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(at), set_aside);
    }
    check(::pwrite(file.get(), batch_, size, static_cast<off_t>(at)) == static_cast<ssize_t>(size),
          "written");
  }

  const Memory memory_;
  std::byte* const batch_;
};

double loop(std::uint64_t size) {
  have_anonymous_memory(size);
  const std::uint64_t first = checked_size(size);
  const Pourer pourer(first + size * streams(size));
  BareLoop bare;
  bare.check_kept(bare.fill(pourer.fd(), first), first);
  const double seconds = seconds_of([&] {
    for (std::uint64_t i = 0; i < streams(size); ++i) bare.fill(pourer.fd(), size);
  });
  return seconds / static_cast<double>(streams(size));
}

const Register r1("growth", "ours", ours);
const Register r2("growth", "loop", loop);

}  // namespace
}  // namespace seekable::bench
