// SPDX-License-Identifier: Apache-2.0
#include "seekable/file_descriptor.hpp"

#include "system/calls.hpp"

namespace seekable::inline v1 {

void FileDescriptor::reset(int fd) noexcept {
  const int old = std::exchange(fd_, fd);
  if (old >= 0) detail::sys::close(old);
}

}  // namespace seekable::inline v1
