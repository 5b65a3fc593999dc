// SPDX-License-Identifier: Apache-2.0
#include "support/memory_use.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <string>
#include <vector>

#include "seekable/file_descriptor.hpp"
#include "support/pattern.hpp"

namespace seekable::bench {
namespace {

/// A line of /proc/self/status, in bytes.
std::uint64_t status(const std::string& wanted) {
  std::ifstream file("/proc/self/status");
  std::string name;
  std::uint64_t kib = 0;
  while (file >> name) {
    if (name == wanted + ":") {
      file >> kib;
      return kib * 1024;
    }
    std::getline(file, name);
  }
  check(false, "the kernel tells what is resident");
  return 0;
}

double difference(std::uint64_t after, std::uint64_t before) {
  return static_cast<double>(after) - static_cast<double>(before);
}

}  // namespace

MemoryUse MemoryUse::now() {
  const struct mallinfo2 heap = ::mallinfo2();
  return {heap.uordblks + heap.hblkhd, status("RssAnon")};
}

double MemoryUse::growth_since(const MemoryUse& before) const {
  return std::max(difference(heap, before.heap), difference(anonymous, before.anonymous));
}

void have_memory(std::uint64_t size) {
  // The kernel keeps pages of a file in pieces as large as the writes that made them, and free
  // memory by the size of its pieces: so all of those that jobs may ask for. But not so much that
  // it would have to be written to the disk.
  constexpr std::uint64_t most = std::uint64_t{4} << 30;
  std::vector<FileDescriptor> files;
  std::uint64_t written = 0;
  for (const std::size_t step :
       {std::size_t{512} << 10, std::size_t{64} << 10, std::size_t{4096}}) {
    if (written + size > most) return;
    const std::vector<std::byte> bytes(step);
    files.emplace_back(::open("/var/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
    for (std::uint64_t at = 0; at < size; at += step, written += step) {
      check(::pwrite(files.back().get(), bytes.data(), step, static_cast<off_t>(at)) > 0,
            "written");
    }
  }
}

void have_anonymous_memory(std::uint64_t size) {
  ::sync();
  const auto free_bytes = static_cast<std::uint64_t>(::sysconf(_SC_AVPHYS_PAGES)) * page_size;
  const std::uint64_t touched = std::min(2 * size, free_bytes / 2);
  void* const memory =
      ::mmap(nullptr, touched, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(memory != MAP_FAILED, "map memory");
  ::madvise(memory, touched, MADV_HUGEPAGE);
  auto* const bytes = static_cast<std::byte*>(memory);
  for (std::uint64_t at = 0; at < touched; at += page_size) bytes[at] = std::byte{1};
  ::munmap(memory, touched);
}

void forget_peak_resident() { std::ofstream("/proc/self/clear_refs") << "5"; }

std::uint64_t peak_resident() { return status("VmHWM") - status("RssFile"); }

}  // namespace seekable::bench
