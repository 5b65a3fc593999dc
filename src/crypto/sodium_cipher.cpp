// SPDX-License-Identifier: Apache-2.0
#include "crypto/sodium_cipher.hpp"

#include <sodium.h>

#include <array>
#include <cstring>
#include <new>

#include "seekable/error.hpp"

namespace seekable::inline v1::detail {

namespace {

static_assert(BlockCipher::overhead == crypto_aead_xchacha20poly1305_ietf_ABYTES);

const unsigned char* bytes_of(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

class SodiumCipher final : public BlockCipher {
 public:
  /// `sodium_malloc` locks the key into memory, keeps it out of core dumps, between guard pages.
  SodiumCipher()
      : key_(static_cast<unsigned char*>(
            sodium_malloc(crypto_aead_xchacha20poly1305_ietf_KEYBYTES))) {
    if (key_ == nullptr) throw std::bad_alloc();
    crypto_aead_xchacha20poly1305_ietf_keygen(key_);
    sodium_mprotect_readonly(key_);
  }
  SodiumCipher(const SodiumCipher&) = delete;
  SodiumCipher& operator=(const SodiumCipher&) = delete;
  ~SodiumCipher() override { sodium_free(key_); }  // Which overwrites it first.

  void seal(std::uint64_t offset, std::span<const std::byte> plain,
            std::span<std::byte> sealed) const noexcept override {
    crypto_aead_xchacha20poly1305_ietf_encrypt(reinterpret_cast<unsigned char*>(sealed.data()),
                                               nullptr, bytes_of(plain), plain.size(), nullptr, 0,
                                               nullptr, nonce(offset, plain.size()).data(), key_);
  }

  bool open(std::uint64_t offset, std::span<const std::byte> sealed,
            std::span<std::byte> plain) const noexcept override {
    return crypto_aead_xchacha20poly1305_ietf_decrypt(
               reinterpret_cast<unsigned char*>(plain.data()), nullptr, nullptr, bytes_of(sealed),
               sealed.size(), nullptr, 0, nonce(offset, plain.size()).data(), key_) == 0;
  }

 private:
  using Nonce = std::array<unsigned char, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES>;

  /// The place: a key serves one buffer, in which no two texts are ever sealed for one place.
  static Nonce nonce(std::uint64_t offset, std::uint64_t size) noexcept {
    Nonce nonce{};
    std::memcpy(nonce.data(), &offset, sizeof offset);
    std::memcpy(nonce.data() + sizeof offset, &size, sizeof size);
    return nonce;
  }

  unsigned char* const key_;
};

}  // namespace

std::unique_ptr<BlockCipher> make_sodium_cipher() {
  if (sodium_init() < 0) {
    throw Error(std::make_error_code(std::errc::function_not_supported),
                "encrypt_spool: libsodium cannot start", 0);
  }
  return std::make_unique<SodiumCipher>();
}

}  // namespace seekable::inline v1::detail
