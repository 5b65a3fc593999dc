// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <seekable/seekable.hpp>

int main() {
  seekable::StreamBuffer buffer(seekable::from_fd(STDIN_FILENO));
  auto first = buffer.read(0, 1024);          // start of the stream
  auto later = buffer.read(20 * 1024, 1024);  // skip ahead
  auto again = buffer.read(0, 1024);          // skip back
  return again == first && later.size() == 1024 && later != first ? 0 : 1;
}
