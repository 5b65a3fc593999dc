// SPDX-License-Identifier: Apache-2.0
#include <seekable/http.hpp>
#include <seekable/seekable.hpp>

int main() {
  // Nothing is requested before a byte is needed.
  seekable::StreamBuffer buffer(seekable::from_url("http://localhost/"));
  return buffer.available(0) == 0 ? 0 : 1;
}
