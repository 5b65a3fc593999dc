// SPDX-License-Identifier: Apache-2.0
// Calls nothing of seekable::crypto: exit status 0 if it is there all the same, 3 if it is not.
#include <string>

#include <seekable/seekable.hpp>

int main() {
  try {
    const std::string text(1'000'000, 's');
    seekable::StreamBuffer buffer(seekable::from_bytes(text),
                                  {.memory_limit = 256 * 1024, .encrypt_spool = true});
    const auto bytes = buffer.read(0, text.size());
    return bytes.size() == text.size() && bytes.back() == std::byte{'s'} ? 0 : 1;
  } catch (const std::system_error& error) {
    return error.code() == std::errc::function_not_supported ? 3 : 2;
  }
}
