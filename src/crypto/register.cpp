// SPDX-License-Identifier: Apache-2.0
#include "crypto/sodium_cipher.hpp"

// Named in the link options of seekable::crypto, so that whoever links it gets this file.
extern "C" {
SEEKABLE_EXPORT extern const bool seekable_crypto_linked;
const bool seekable_crypto_linked = [] {
  seekable::detail::register_cipher(seekable::detail::make_sodium_cipher);
  return true;
}();
}
