// SPDX-License-Identifier: Apache-2.0
#include "support/pour.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <memory>
#include <span>

#include "support/pattern.hpp"

namespace seekable::bench {

void pour(int fd, std::uint64_t size) {
  struct alignas(page_size) Block {
    std::byte bytes[period];
  };
  const auto block = std::make_unique<Block>();
  fill_pattern(0, block->bytes);
  for (std::uint64_t offset = 0; offset < size;) {
    const std::size_t part = std::min<std::uint64_t>(period, size - offset);
    for (std::size_t at = 0; at < part; at += page_size) {
      const std::uint64_t page = offset + at;
      std::memcpy(block->bytes + at, &page, sizeof page);
    }
    for (std::size_t done = 0; done < part;) {
      const ssize_t written = ::write(fd, block->bytes + done, part - done);
      if (written < 0) return;  // The reader has gone.
      done += static_cast<std::size_t>(written);
    }
    offset += part;
  }
}

std::uint64_t drain(int fd) {
  struct alignas(page_size) Step {
    std::byte bytes[64 * 1024];
  };
  const auto buffer = std::make_unique<Step>();
  std::uint64_t done = 0;
  for (;;) {
    const ssize_t got = ::read(fd, buffer->bytes, sizeof buffer->bytes);
    if (got <= 0) return done;
    done += static_cast<std::uint64_t>(got);
  }
}

Pourer::Pourer(std::uint64_t size) {
  int ends[2];
  check(::pipe2(ends, O_CLOEXEC) == 0, "make a pipe");
  ::fcntl(ends[1], F_SETPIPE_SZ, pipe_bytes);
  fd_.reset(ends[0]);
  pid_ = ::fork();
  check(pid_ >= 0, "start the process that pours");
  if (pid_ == 0) {
    ::close(ends[0]);
    std::signal(SIGPIPE, SIG_IGN);
    pour(ends[1], size);
    ::_exit(0);
  }
  ::close(ends[1]);
}

Pourer::~Pourer() {
  fd_.reset();
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace seekable::bench
