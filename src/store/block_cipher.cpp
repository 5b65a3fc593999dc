// SPDX-License-Identifier: Apache-2.0
#include "store/block_cipher.hpp"

#include <atomic>

namespace seekable::inline v1::detail {

namespace {
// Constant-initialised, so that it is there before any static constructor registers a cipher.
constinit std::atomic<CipherFactory> g_factory{nullptr};
}  // namespace

void register_cipher(CipherFactory factory) noexcept {
  g_factory.store(factory, std::memory_order_release);
}

std::unique_ptr<BlockCipher> make_cipher() {
  const CipherFactory factory = g_factory.load(std::memory_order_acquire);
  return factory == nullptr ? nullptr : factory();
}

}  // namespace seekable::inline v1::detail
