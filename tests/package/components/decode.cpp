// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <seekable/decode.hpp>
#include <seekable/seekable.hpp>

int main() {
  using namespace std::string_literals;
  // Five bytes as they are, deflated, their checksum and their size.
  const std::string gzip =
      "\x1F\x8B\x08\0\0\0\0\0\0\x03\x01\x05\0\xFA\xFFhello\x86\xA6\x10\x36\x05\0\0\0"s;
  seekable::StreamBuffer buffer(seekable::decoded(seekable::from_bytes(gzip)));
  return buffer.wait_for_size() == 5 && buffer.read(4, 1)[0] == std::byte{'o'} ? 0 : 1;
}
