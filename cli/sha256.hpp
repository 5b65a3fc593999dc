// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace seekable::cli {

/// The SHA-256 sum of bytes that come piece by piece.
class Sha256 {
 public:
  /// Throws: Failed where this build lacks it.
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void add(std::span<const std::byte> bytes);

  /// 64 hexadecimal digits, in small letters. Nothing can be added after it.
  std::string sum();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace seekable::cli
