// SPDX-License-Identifier: Apache-2.0
#include "cli/sha256.hpp"

#include <fmt/format.h>

#include <array>

#include "cli/report.hpp"

#ifdef SEEKABLE_HAS_SHA256
#include <sodium.h>
#endif

namespace seekable::cli {

#ifdef SEEKABLE_HAS_SHA256

struct Sha256::State {
  crypto_hash_sha256_state sodium;
};

Sha256::Sha256() : state_(std::make_unique<State>()) { crypto_hash_sha256_init(&state_->sodium); }

void Sha256::add(std::span<const std::byte> bytes) {
  crypto_hash_sha256_update(&state_->sodium, reinterpret_cast<const unsigned char*>(bytes.data()),
                            bytes.size());
}

std::string Sha256::sum() {
  std::array<unsigned char, crypto_hash_sha256_BYTES> binary{};
  crypto_hash_sha256_final(&state_->sodium, binary.data());
  std::string text;
  for (const unsigned char byte : binary) text += fmt::format("{:02x}", byte);
  return text;
}

#else

struct Sha256::State {};

Sha256::Sha256() {
  throw Failed("--sha256: this build has no sums; leave it out, or build with libsodium");
}

void Sha256::add(std::span<const std::byte> /*bytes*/) {}

std::string Sha256::sum() { return {}; }

#endif

Sha256::~Sha256() = default;

}  // namespace seekable::cli
