// SPDX-License-Identifier: Apache-2.0
#include "cli/memory_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <system_error>

#include "cli/drain.hpp"
#include "cli/report.hpp"
#include "cli/sizes.hpp"

namespace seekable::cli {

namespace {

[[noreturn]] void throw_errno(const char* what) {
  throw std::system_error(errno, std::system_category(), what);
}

void write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_errno("write to a file in memory");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

}  // namespace

FileDescriptor take_into_memory(StreamBuffer& buffer, std::uint64_t memory_limit,
                                std::string_view advice) {
  const FileDescriptor file(::memfd_create("seekable", MFD_CLOEXEC));
  if (!file) throw_errno("make a file in memory");
  std::uint64_t taken = 0;
  drain(buffer, [&](std::span<const std::byte> bytes) {
    taken += bytes.size();
    if (taken + buffer.stats().memory_bytes > memory_limit) {
      throw Failed(fmt::format("the stream does not fit into {} of memory; {}",
                               exact_size(memory_limit), advice));
    }
    write_all(file.get(), bytes);
  });
  const std::string path = fmt::format("/proc/self/fd/{}", file.get());
  FileDescriptor for_reading(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!for_reading) throw_errno("open a file in memory again");
  return for_reading;
}

}  // namespace seekable::cli
