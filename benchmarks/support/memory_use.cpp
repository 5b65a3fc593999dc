// SPDX-License-Identifier: Apache-2.0
#include "support/memory_use.hpp"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

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
  const auto available = static_cast<std::uint64_t>(::sysconf(_SC_AVPHYS_PAGES)) * page_size;
  size = std::min(size, available / 2);
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  check(memory != MAP_FAILED, "map memory");
  ::munmap(memory, size);
}

void forget_peak_resident() { std::ofstream("/proc/self/clear_refs") << "5"; }

std::uint64_t peak_resident() { return status("VmHWM") - status("RssFile"); }

}  // namespace seekable::bench
