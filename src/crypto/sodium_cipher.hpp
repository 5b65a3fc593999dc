// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "store/block_cipher.hpp"

namespace seekable::inline v1::detail {

/// Makes a cipher on XChaCha20-Poly1305 (libsodium) with a fresh key in locked memory.
///
/// Throws: Error `function_not_supported` where libsodium cannot start; std::bad_alloc where no
///     memory can be locked or had.
std::unique_ptr<BlockCipher> make_sodium_cipher();

}  // namespace seekable::inline v1::detail
