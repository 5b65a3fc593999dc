// SPDX-License-Identifier: Apache-2.0
#include "fault/failing_allocation.hpp"

#include <cstdlib>
#include <new>

namespace seekable::test {

thread_local int allocations_left = never;

namespace {

void* allocate(std::size_t size) noexcept {
  if (allocations_left != never && allocations_left-- == 0) return nullptr;
  return std::malloc(size != 0 ? size : 1);
}

}  // namespace
}  // namespace seekable::test

[[gnu::noinline]] void* operator new(std::size_t size) {
  if (void* memory = seekable::test::allocate(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return seekable::test::allocate(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t& /*tag*/) noexcept {
  std::free(memory);
}
