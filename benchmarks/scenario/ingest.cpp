// SPDX-License-Identifier: Apache-2.0
// From a pipe into the buffer: how long until the last byte is kept. Baselines do the least that
// could be done: drain the pipe; write it to an unnamed file; read it into memory that is there.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <memory>
#include <semaphore>
#include <span>
#include <thread>

#include "seekable/seekable.hpp"
#include "support/job.hpp"
#include "support/kept_pages.hpp"
#include "support/memory_use.hpp"
#include "support/pattern.hpp"
#include "support/pour.hpp"

namespace seekable::bench {
namespace {

constexpr std::uint64_t mib = 1024 * 1024;
constexpr std::uint64_t small_memory = 5 * mib;
constexpr std::size_t step = 64 * 1024;

struct alignas(page_size) Step {
  std::byte bytes[step];
};

double ours(std::uint64_t size, Fill fill, std::uint64_t memory) {
  if (memory < size) {
    have_memory(size);
  } else {
    have_anonymous_memory(size);
  }
  const Pourer pourer(size);
  Options options;
  options.fill = fill;
  options.memory_limit = memory;
  std::unique_ptr<StreamBuffer> buffer;
  const double seconds = seconds_of([&] {
    buffer = std::make_unique<StreamBuffer>(from_fd(pourer.fd()), options);
    check(buffer->wait_for_size() == size, "all came");
  });
  check_pages(*buffer, size);
  return seconds;
}

double drain_pipe(std::uint64_t size) {
  const Pourer pourer(size);
  std::uint64_t done = 0;
  const double seconds = seconds_of([&] { done = drain(pourer.fd()); });
  check(done == size, "all came");
  return seconds;
}

/// The loop that a careful engineer would write, without anything to be read beside it.
double write_loop(std::uint64_t size) {
  have_memory(size);
  const Pourer pourer(size);
  const auto buffer = std::make_unique<Step>();
  std::uint64_t done = 0;
  FileDescriptor file;
  const double seconds = seconds_of([&] {
    file.reset(::open("/var/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
    for (;;) {
      const ssize_t got = ::read(pourer.fd(), buffer->bytes, step);
      if (got <= 0) break;
      const auto part = static_cast<std::size_t>(got);
      check(::pwrite(file.get(), buffer->bytes, part, static_cast<off_t>(done)) == got, "written");
      done += part;
    }
  });
  check(done == size, "all came");
  return seconds;
}

/// Steps on their way from the thread that reads the pipe to the one that writes the file: two
/// halves, of which one is read into while the other is written by a single call.
class TwoHalves {
 public:
  /// Returns bytes read.
  std::uint64_t read_all(int fd) {
    std::uint64_t done = 0;
    for (std::size_t at = 0;; at ^= 1) {
      free_[at].acquire();
      std::size_t size = 0;
      while (size < half) {
        const ssize_t got = ::read(fd, memory_[at].bytes + size, half - size);
        if (got <= 0) break;
        size += static_cast<std::size_t>(got);
      }
      size_[at] = size;
      full_[at].release();
      done += size;
      if (size < half) return done;
    }
  }

  void write_all(int fd) {
    std::uint64_t done = 0;
    for (std::size_t at = 0;; at ^= 1) {
      full_[at].acquire();
      const std::size_t size = size_[at];
      check(::pwrite(fd, memory_[at].bytes, size, static_cast<off_t>(done)) ==
                static_cast<ssize_t>(size),
            "written");
      free_[at].release();
      done += size;
      if (size < half) return;
    }
  }

 private:
  static constexpr std::size_t half = 8 * step;
  struct alignas(page_size) Half {
    std::byte bytes[half];
  };

  std::unique_ptr<Half[]> memory_{new Half[2]()};
  std::size_t size_[2]{};
  std::binary_semaphore full_[2]{std::binary_semaphore{0}, std::binary_semaphore{0}};
  std::binary_semaphore free_[2]{std::binary_semaphore{1}, std::binary_semaphore{1}};
};

/// What can be hoped for from two stages on this machine: one thread reads, one writes, the file's
/// space is set aside, and there is no account of anything.
double two_threads(std::uint64_t size) {
  have_memory(size);
  const Pourer pourer(size);
  TwoHalves halves;
  std::uint64_t done = 0;
  FileDescriptor file;
  const double seconds = seconds_of([&] {
    file.reset(::open("/var/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
    check(::fallocate(file.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size)) == 0,
          "space is set aside");
    std::jthread writer([&] { halves.write_all(file.get()); });
    done = halves.read_all(pourer.fd());
  });
  check(done == size, "all came");
  return seconds;
}

/// Memory as the buffer's: large pages where the kernel has them.
std::byte* map_memory(std::uint64_t size) {
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(memory != MAP_FAILED, "map memory");
  ::madvise(memory, size, MADV_HUGEPAGE);
  ::madvise(memory, size, MADV_DONTFORK);  // Shared with the pourer, each page would be copied.
  return static_cast<std::byte*>(memory);
}

/// Reads all of the pipe into memory.
double read_into(std::byte* bytes, std::uint64_t size) {
  const Pourer pourer(size);
  std::uint64_t done = 0;
  const double seconds = seconds_of([&] {
    while (done < size) {
      const ssize_t got =
          ::read(pourer.fd(), bytes + done, std::min<std::uint64_t>(step, size - done));
      if (got <= 0) break;
      done += static_cast<std::uint64_t>(got);
    }
  });
  check(done == size, "all came");
  check_pattern(0, std::span(bytes, std::min<std::uint64_t>(size, mib)));
  return seconds;
}

/// Memory whose pages have been touched before the clock starts.
double pool_loop(std::uint64_t size) {
  std::byte* const bytes = map_memory(size);
  for (std::uint64_t at = 0; at < size; at += page_size) bytes[at] = std::byte{1};
  return read_into(bytes, size);
}

/// Memory that nobody has touched, as a first large stream finds it: the kernel clears it.
double fresh_loop(std::uint64_t size) {
  have_anonymous_memory(size);
  return read_into(map_memory(size), size);
}

const Register r1("ingest_ahead", "ours",
                  [](std::uint64_t size) { return ours(size, Fill::ahead, small_memory); });
const Register r2("ingest_ahead", "drain", drain_pipe);
const Register r3("ingest_on_demand", "ours",
                  [](std::uint64_t size) { return ours(size, Fill::on_demand, small_memory); });
const Register r4("ingest_on_demand", "write_loop", write_loop);
const Register r5("ingest_memory", "ours",
                  [](std::uint64_t size) { return ours(size, Fill::ahead, size + 5 * mib); });
const Register r6("ingest_memory", "on_demand",
                  [](std::uint64_t size) { return ours(size, Fill::on_demand, size + mib); });
const Register r7("ingest_memory", "pool_loop", pool_loop);
const Register r8("ingest_memory", "fresh_loop", fresh_loop);
const Register r9("ingest_ahead", "two_threads", two_threads);

}  // namespace
}  // namespace seekable::bench
